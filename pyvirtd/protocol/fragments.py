"""Values put into wire form ahead of time, for replies that are asked for again and again.

A fragment stands wherever the value itself would: a struct in a list, a list, typed parameters. `plain(fragment)`
gives the value back, so the calls of old that pick names out of lists still work.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar, cast

from pyvirtd.protocol.params import encode_params, number_of
from pyvirtd.protocol.shapes import struct_shape
from pyvirtd.protocol.types import Encoded, TypedParams, plain
from pyvirtd.protocol.xdr import compile_encoder

T = TypeVar("T")
_ANY = 0xFFFFFFFF


_encoders: dict[type, Callable[[Any], bytes]] = {}


def _encode(value: Any) -> bytes:
    cls: Any = type(value)
    encode = _encoders.get(cls)
    if encode is None:
        encode = _encoders[cls] = compile_encoder(struct_shape(cls), cls.__name__)
    return encode(value)


def _fragment(raw: bytes, value: Any, items: int) -> Any:
    fragment = Encoded(raw)
    fragment.value, fragment.items = value, items
    return fragment


def encoded(value: T) -> T:
    """One struct (a reference, a statistics record), as an item of a list or as the reply."""
    return cast(T, _fragment(_encode(value), value, 1))


def encoded_params(params: TypedParams) -> TypedParams:
    """A set of typed parameters; the limit is checked where it is used."""
    return cast(TypedParams, _fragment(encode_params(params, _ANY), params, number_of(params)))


def encoded_list(items: Iterable[T]) -> list[T]:
    """A list of structs, or of their fragments. All of one class."""
    values = list(items)
    raw = b"".join(item if isinstance(item, Encoded) else _encode(item) for item in values)
    return cast("list[T]", _fragment(raw, [plain(item) for item in values], len(values)))
