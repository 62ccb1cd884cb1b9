"""Typed parameters: libvirt's named values, each carrying its own type. A dict here, a list of unions on the wire."""

from __future__ import annotations

from itertools import islice
from struct import Struct
from struct import error as struct_error
from typing import Any, Final

from pyvirtd.errors import RPCError, ValueOverflow
from pyvirtd.protocol.types import Encoded, Int, LLong, ParamList, TypedParams, TypedValue, UInt, ULLong

FIELD_MAX: Final = 80
VALUE_MAX: Final = 4 * 1024 * 1024
STRING_OKAY: Final = 4
"""The flag by which a caller says that it understands parameters of type string (VIR_TYPED_PARAM_STRING_OKAY)."""

INT, UINT, LLONG, ULLONG, DOUBLE, BOOLEAN, STRING = range(1, 8)
PAD: Final = (b"", b"\0\0\0", b"\0\0", b"\0")
_count = Struct(">I")
_int, _uint, _llong, _ullong, _double = (Struct(">" + code) for code in "iIqQd")
_PACKERS: Final[dict[type, tuple[int, Any]]] = {
    int: (INT, _int.pack),
    Int: (INT, _int.pack),
    UInt: (UINT, _uint.pack),
    LLong: (LLONG, _llong.pack),
    ULLong: (ULLONG, _ullong.pack),
    float: (DOUBLE, _double.pack),
    bool: (BOOLEAN, _int.pack),
}
_READERS: Final[dict[int, tuple[Struct, type]]] = {
    INT: (_int, Int),
    UINT: (_uint, UInt),
    LLONG: (_llong, LLong),
    ULLONG: (_ullong, ULLong),
    DOUBLE: (_double, float),
    BOOLEAN: (_int, bool),
}
_LEAST = 12

_heads: dict[tuple[str, type], bytes] = {}
_HEADS_KEPT = 4096


def _head(name: str, kind: type) -> bytes:
    """Field name and type number; the names are few and come again and again."""
    raw = name.encode("utf-8", "surrogateescape")
    if kind not in _PACKERS and kind is not str:
        raise TypeError(f"typed parameter {name}: {kind.__name__} has no wire type")
    number = STRING if kind is str else _PACKERS[kind][0]
    head = _count.pack(len(raw)) + raw + PAD[len(raw) & 3] + _count.pack(number)
    if len(_heads) >= _HEADS_KEPT:
        _heads.clear()
    _heads[name, kind] = head
    return head


def encode_one(name: str, value: TypedValue) -> bytes:
    """One parameter: name, type, value."""
    kind = type(value)
    head = _heads.get((name, kind)) or _head(name, kind)
    if kind is str:
        raw = value.encode("utf-8", "surrogateescape")  # type: ignore[union-attr]
        return head + _count.pack(len(raw)) + raw + PAD[len(raw) & 3]
    try:
        return head + _PACKERS[kind][1](value)  # type: ignore[no-any-return]
    except struct_error:
        raise ValueOverflow(f"typed parameter {name}: {value!r} does not fit its type {kind.__name__}") from None


def encode_params(params: Any, limit: int) -> bytes:
    """Count and parameters of TypedParams or a ParamList."""
    if type(params) is Encoded:
        if params.items > limit:
            raise _too_many(params.items, limit)
        return params
    out: list[bytes] = []
    add = out.append
    for name, value in params if type(params) is list else params.items():
        if type(value) is list:
            for item in value:
                add(encode_one(name, item))
        else:
            kind = type(value)
            head = _heads.get((name, kind))
            if head is None or kind is str:
                add(encode_one(name, value))
                continue
            try:
                add(head + _PACKERS[kind][1](value))
            except struct_error:
                add(encode_one(name, value))
    if len(out) > limit:
        raise _too_many(len(out), limit)
    return _count.pack(len(out)) + b"".join(out)


def _too_many(count: int, limit: int) -> RPCError:
    return RPCError(f"{count} typed parameters, the protocol carries at most {limit} here")


def decode_params(body: bytes, at: int, limit: int, pairs: bool) -> tuple[Any, int]:
    """The parameters at that offset and the offset after them; ValueError or struct.error where they make no sense."""
    (count,) = _count.unpack_from(body, at)
    at += 4
    if count > limit:
        raise ValueError(f"{count} typed parameters, at most {limit} are allowed")
    if count * _LEAST > len(body) - at:
        raise ValueError(f"{count} typed parameters announced in {len(body) - at} bytes")
    found: ParamList = []
    for _ in range(count):
        name, at = _text(body, at, VALUE_MAX)
        (number,) = _int.unpack_from(body, at)
        at += 4
        if number == STRING:
            value: TypedValue
            value, at = _text(body, at, VALUE_MAX)
        elif number in _READERS:
            form, kind = _READERS[number]
            value = kind(form.unpack_from(body, at)[0])
            at += form.size
        else:
            raise ValueError(f"typed parameter {name[:FIELD_MAX]!r} has the unknown type {number}")
        found.append((name, value))
    return (found if pairs else _as_dict(found)), at


def _text(body: bytes, at: int, limit: int) -> tuple[str, int]:
    (size,) = _count.unpack_from(body, at)
    if size > limit:
        raise ValueError(f"a string of {size} bytes, at most {limit} are allowed")
    start, stop = at + 4, at + 4 + size
    after = stop + (-size & 3)
    if after > len(body):
        raise ValueError("a string ends after the message")
    if body[stop:after] != PAD[size & 3]:
        raise ValueError("padding is not zero")
    raw = body[start:stop]
    if 0 in raw:
        raise ValueError("a string contains a NUL byte")
    return raw.decode("utf-8", "surrogateescape"), after


def _as_dict(found: ParamList) -> TypedParams:
    params: TypedParams = {}
    for name, value in found:
        before = params.get(name)
        if before is None:
            params[name] = value
        elif isinstance(before, list):
            before.append(value)
        else:
            params[name] = [before, value]
    return params


def number_of(items: Any) -> int:
    """How many items a list, typed parameters or their wire form hold."""
    if type(items) is Encoded:
        return items.items
    if type(items) is dict:
        return sum(len(value) if type(value) is list else 1 for value in items.values())
    return len(items)


def cut(items: Any, room: int) -> Any:
    """At most `room` items."""
    if number_of(items) <= room:
        return items
    if type(items) is Encoded:
        items = items.value
    if type(items) is dict:
        return dict(islice(items.items(), room))
    return items[:room]


def without_strings(params: Any) -> Any:
    """Typed parameters for a caller that doesn't know the type string."""
    if type(params) is Encoded:
        params = params.value
    if type(params) is dict:
        return {name: value for name, value in params.items() if type(value) is not str}
    return params
