"""Annotations read into shapes: what the codec generator walks over."""

from __future__ import annotations

import types as pytypes
from collections.abc import Awaitable
from functools import cache
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin, get_type_hints

from pyvirtd.protocol.calls import Asks, Call
from pyvirtd.protocol.types import Chars, Fixed, Max, Number, ParamList, TypedParams


class NumberShape(NamedTuple):
    code: str
    low: int | None
    high: int | None


class TextShape(NamedTuple):
    limit: int


class BytesShape(NamedTuple):
    limit: int


class FixedShape(NamedTuple):
    size: int


class CharsShape(NamedTuple):
    limit: int
    fixed: bool
    text: bool


class OptionalShape(NamedTuple):
    item: Shape


class ListShape(NamedTuple):
    item: Shape
    limit: int


class ParamsShape(NamedTuple):
    """`pairs`: a list of (name, value) instead of a dict."""

    limit: int
    pairs: bool


class StructShape(NamedTuple):
    cls: type
    fields: tuple[tuple[str, Shape], ...]


Shape = (
    NumberShape
    | TextShape
    | BytesShape
    | FixedShape
    | CharsShape
    | OptionalShape
    | ListShape
    | ParamsShape
    | StructShape
)


def shape_of(annotation: Any) -> Shape:
    """The shape an evaluated annotation stands for; TypeError for what has no wire form."""
    origin = get_origin(annotation)
    if origin is Annotated:
        base, mark = get_args(annotation)
        return _marked(base, mark)
    if origin in (Union, pytypes.UnionType):
        items = [item for item in get_args(annotation) if item is not type(None)]
        if len(items) == 1:
            return OptionalShape(shape_of(items[0]))
    if isinstance(annotation, type) and hasattr(annotation, "_fields"):
        return struct_shape(annotation)
    raise TypeError(f"{annotation!r} has no wire form; write it with the types of pyvirtd.protocol.types")


def _marked(base: Any, mark: Any) -> Shape:
    match mark:
        case Number():
            return NumberShape(mark.code, mark.low, mark.high)
        case Fixed():
            return FixedShape(mark.size)
        case Chars():
            return CharsShape(mark.limit, mark.fixed, base is str)
        case Max() if base is str:
            return TextShape(mark.limit)
        case Max() if base is bytes:
            return BytesShape(mark.limit)
        case Max() if base in (TypedParams, ParamList):
            return ParamsShape(mark.limit, base == ParamList)
        case Max() if get_origin(base) is list:
            return ListShape(shape_of(get_args(base)[0]), mark.limit)
    raise TypeError(f"{base!r} with {mark!r} has no wire form")


@cache
def struct_shape(cls: type) -> StructShape:
    """A NamedTuple as its fields in order."""
    hints = get_type_hints(cls, include_extras=True)
    return StructShape(cls, tuple((name, shape_of(hints[name])) for name in cls._fields))  # type: ignore[attr-defined]


class CallShape(NamedTuple):
    """`args`: the wire's parameters in order, hidden ones included. `ret`: None for an empty reply."""

    args: tuple[tuple[str, Shape], ...]
    ret: Shape | None
    number: NumberShape | None


@cache
def call_shape(declared: Call) -> CallShape:
    """The wire's view of a declared call."""
    hints = get_type_hints(declared.function, include_extras=True)
    reply = hints.pop("return")
    hints.pop("stream", None)
    hints.pop("files", None)
    args = [(name, shape_of(hint)) for name, hint in hints.items()]
    count = None
    if (asks := declared.asks) is not None:
        _insert(args, asks)
        count = shape_of(asks.ret) if asks.ret is not None else None
    return CallShape(tuple(args), _reply_shape(reply), count)  # type: ignore[arg-type]


def _insert(args: list[tuple[str, Shape]], asks: Asks) -> None:
    if asks.name is not None:
        names = [name for name, _ in args]
        where = names.index(asks.before) if asks.before in names else len(names)
        args.insert(where, (asks.name, shape_of(asks.arg)))


def _reply_shape(reply: Any) -> Shape | None:
    """What is in Reply[...]: the union with an Awaitable holds it unmixed."""
    value = next(get_args(part)[0] for part in get_args(reply) if get_origin(part) is Awaitable)
    if hasattr(get_origin(value), "_fields"):
        value = get_args(value)[0]
    return None if value is type(None) else shape_of(value)


def least(shape: Shape) -> int:
    """The fewest bytes such a value takes on the wire."""
    match shape:
        case NumberShape():
            return 8 if shape.code in "qQd" else 4
        case FixedShape():
            return shape.size + (-shape.size & 3)
        case CharsShape() if shape.fixed:
            return 4 * shape.limit
        case StructShape():
            return sum(least(item) for _, item in shape.fields)
    return 4
