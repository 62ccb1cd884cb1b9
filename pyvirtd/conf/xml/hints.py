"""What a class's annotations say: the type of each field, and the codec or class that follows from it."""

from __future__ import annotations

import inspect
import sys
import typing
from typing import Any

from pyvirtd.conf.xml import fields
from pyvirtd.conf.xml.element import ElementMeta
from pyvirtd.conf.xml.fields import Rule
from pyvirtd.conf.xml.types import Codec, codec_of

_TYPING = vars(typing)
# By identity (Literals in another order are equal), with the hint so that it stays.
_CODECS: dict[int, tuple[Any, Codec | None]] = {}
_SEEN: dict[tuple[str, str], Any] = {}  # (module, text) -> type: most annotations of a module are like another one


def hints_of(cls: Any) -> dict[str, Any]:
    """The class's annotations, evaluated. Each class's own only, in its own module."""
    found: dict[str, Any] | None = cls.PLANS.get("hints")
    if found is None:
        found = {}
        cls.PLANS["hints"] = found
        for base in reversed(cls.__mro__[:-1]):
            for name, hint in inspect.get_annotations(base).items():
                if name in cls.RULES:
                    found[name] = _evaluated(base.__module__, hint) if isinstance(hint, str) else hint
    return found


def _evaluated(module: str, text: str) -> Any:
    space = vars(sys.modules[module])
    if text in space:
        return space[text]
    key = module, text
    if key not in _SEEN:
        _SEEN[key] = eval(text, space, dict(_TYPING))
    return _SEEN[key]


def class_in(hint: Any) -> Any:
    """The Element class inside `X`, `X | None` or `list[X]`."""
    if isinstance(hint, ElementMeta):
        return hint
    for arg in typing.get_args(hint):
        found = class_in(arg)
        if found is not None:
            return found
    return None


def codec_for(rule: Rule, hints: dict[str, Any]) -> Codec:
    """The codec of a rule's field."""
    hint = hints.get(rule.name, str)
    if isinstance(rule, fields.Texts):
        hint = typing.get_args(hint)[0]
    known = _CODECS.get(id(hint))
    if known is None:
        known = _CODECS[id(hint)] = hint, codec_of(hint)
    codec = known[1]
    if codec is None:
        raise TypeError(f"{rule.owner.__name__}.{rule.name}: {hint} has no text form")
    return codec
