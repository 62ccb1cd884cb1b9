"""Typed parameters of a call: the names that it knows, the types that they have."""

from __future__ import annotations

from typing import Any

from pyvirtd.errors import InvalidArg
from pyvirtd.protocol.types import TypedParams


def known(params: TypedParams, names: Any) -> list[str]:
    """The parameters' names. Raises InvalidArg for one that is not among `names`."""
    for name in params:
        if name not in names:
            raise InvalidArg(f"there is no parameter '{name}' here; there are {', '.join(names)}")
    return list(params)


def whole(params: TypedParams, name: str, kind: Any) -> int:
    """A parameter of the wire's type `kind`. Raises InvalidArg for another."""
    value: Any = params[name]
    if type(value) is not kind:
        given = type(value).__name__.lower()
        raise InvalidArg(f"parameter '{name}' is of the type {kind.__name__.lower()}, not {given}")
    return int(value)
