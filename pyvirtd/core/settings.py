"""Settings as frozen dataclasses: the fields are the keys, their types and defaults the schema.

Types: bool (0 and 1 count, as in libvirtd.conf), int, float, str, `X | None` and `tuple[str, ...]`.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

T = TypeVar("T")

_NAMES = {bool: "true or false", int: "an integer", float: "a number", str: "a string"}


class SettingError(ValueError):
    """A key that does not exist or a value of the wrong type. `key` is the one, for whoever knows its line."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        self.key = key


def fill(cls: type[T], table: Mapping[str, object]) -> T:
    """Makes the dataclass from a parsed table; what is absent keeps its default. Raises SettingError."""
    hints = typing.get_type_hints(cls)
    fields = {field.name for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key not in fields:
            raise SettingError(key, f"unknown key '{key}'")
        values[key] = _checked(key, hints[key], value)
    return cls(**values)


def _checked(key: str, hint: Any, value: object) -> object:
    if isinstance(hint, types.UnionType):
        hint = next(arm for arm in hint.__args__ if arm is not type(None))
    if typing.get_origin(hint) is tuple:
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return tuple(value)
        raise SettingError(key, f"'{key}' must be an array of strings")
    if hint is bool and type(value) is int and value in (0, 1):
        return bool(value)
    if hint is float and type(value) is int:
        return float(value)
    if type(value) is not hint:
        raise SettingError(key, f"'{key}' must be {_NAMES[hint]}, not {value!r}")
    return value
