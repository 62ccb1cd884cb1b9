"""The four functions of a declared call, two for each side, compiled at first use.

The server decodes arguments to what a driver's method takes and gets an encoder for exactly that request's reply
(it remembers whether the caller wanted the items or only their number). The client does the opposite.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any, Final

from pyvirtd.errors import InvalidArg
from pyvirtd.protocol.calls import Asks, Call
from pyvirtd.protocol.params import STRING_OKAY, cut, number_of, without_strings
from pyvirtd.protocol.shapes import CallShape, ParamsShape, StructShape, call_shape
from pyvirtd.protocol.xdr import Cursor, Pieces, Source, begin_decoder, end_decoder, read, write

Encoder = Callable[[Any], bytes]
ArgsDecoder = Callable[[bytes], tuple[tuple[Any, ...], Encoder]]

ALL_FLAGS: Final = -1


def refuse_flags(name: str, flags: int, mask: int) -> InvalidArg:
    """The error for flag bits that nobody here understands."""
    bits = flags & ~mask
    known = f"known are the bits of {mask:#x}" if mask else "none are known"
    return InvalidArg(f"{name}: unsupported flags {bits:#x} ({known})")


def takes_strings(declared: Call, shape: CallShape) -> bool:
    """Whether the flag STRING_OKAY belongs to the wire here: the reply itself is a set of typed parameters."""
    if not any(name == "flags" for name, _ in shape.args):
        return False
    ret = shape.ret
    fields = [item for _, item in ret.fields] if isinstance(ret, StructShape) else [ret]
    return any(isinstance(item, ParamsShape) for item in fields)


def compile_args_decoder(declared: Call, mask: int = ALL_FLAGS) -> ArgsDecoder:
    """body -> (positional arguments, encoder of the reply). Flag bits outside `mask` are refused."""
    shape = call_shape(declared)
    source = Source()
    cursor = begin_decoder(source)
    values = {name: read(item, name, cursor) for name, item in shape.args}
    end_decoder(source, cursor, declared.name)
    strings = takes_strings(declared, shape)
    if "flags" in values:
        _check_flags(declared, mask, strings, values["flags"], source)
    hidden = declared.asks.name if declared.asks is not None else None
    shown = [value for name, value in values.items() if name != hidden]
    encode = source.refer("encode_reply", compile_reply_encoder(declared))
    if hidden is not None and declared.asks is not None:
        _check_room(declared.asks, shape, values[hidden], source)
        encode = f"partial({encode}, {values[hidden]}, {'strings' if strings else True})"
        source.refer("partial", partial)
    source.line(f"return ({''.join(value + ', ' for value in shown)}), {encode}")
    return source.compile(f"{declared.name} args", "decode(b)")


def _check_flags(declared: Call, mask: int, strings: bool, flags: str, source: Source) -> None:
    if strings:
        source.line(f"strings = {flags} & {STRING_OKAY}")
        source.line(f"{flags} &= {~STRING_OKAY}")
    if mask != ALL_FLAGS:
        source.refer("refuse_flags", refuse_flags)
        source.line(f"if {flags} & {~mask}:")
        source.line(f"    raise refuse_flags({declared.name!r}, {flags}, {mask})")


def _check_room(asks: Asks, shape: CallShape, room: str, source: Source) -> None:
    """A caller's room is its word for how much it can take; past the declared limit it is nonsense."""
    if asks.kind == "need_results":
        return
    limit = getattr(shape.ret, "limit", 0)
    if asks.unread:
        source.line(f"if not 0 <= {room} <= {limit}:")
        source.line(f"    {room} = {limit}")
        return
    source.refer("InvalidArg", InvalidArg)
    source.line(f"if not 0 <= {room} <= {limit}:")
    source.line(f"    raise InvalidArg(f'{asks.name} is {{{room}}}, it must be 0 to {limit}')")


def compile_reply_encoder(declared: Call) -> Callable[..., bytes]:
    """value -> body, or (asked, strings, value) -> body where the wire has a parameter of its own."""
    shape = call_shape(declared)
    asks = declared.asks
    source = Source()
    if asks is None or asks.kind == "counted":
        pieces = Pieces(source)
        if isinstance(shape.ret, StructShape):
            source.line("if type_of(v) is Encoded:")
            source.line("    return v")
        if shape.ret is not None:
            write(shape.ret, "v", declared.name, pieces)
        if shape.number is not None:
            source.refer("number_of", number_of)
            pieces.pack(shape.number.code, "number_of(v)")
        source.line(f"return {pieces.whole()}")
        return source.compile(f"{declared.name} reply", "encode(v)")
    source.refer("number_of", number_of)
    source.refer("cut", cut)
    if isinstance(shape.ret, ParamsShape):
        source.refer("without_strings", without_strings)
        source.line("if not strings:")
        source.line("    v = without_strings(v)")
    _write_asked(asks, shape, source)
    pieces = Pieces(source)
    assert shape.ret is not None
    write(shape.ret, "v", declared.name, pieces)
    if shape.number is not None:
        pieces.pack(shape.number.code, "count")
    source.line(f"return {pieces.whole()}")
    return source.compile(f"{declared.name} reply", "encode(asked, strings, v)")


def _write_asked(asks: Asks, shape: CallShape, source: Source) -> None:
    if asks.kind == "need_results":
        source.line("count = number_of(v)")
        source.line("if not asked:")
        source.line(f"    return {source.method('pack', 'I' + shape.number.code if shape.number else 'I')}(0, count)")
    elif asks.kind == "nparams":
        source.line("if not asked:")
        source.line(f"    return {source.method('pack', 'Ii')}(0, number_of(v))")
        source.line("v = cut(v, asked)")
        source.line("count = 0")
    elif shape.number is not None:
        source.line("if not asked:")
        source.line(f"    return {source.method('pack', 'I' + shape.number.code)}(0, number_of(v))")
        source.line("v = cut(v, asked)")
        source.line("count = number_of(v)")
    else:
        source.line("v = cut(v, asked)")


@cache
def args_encoder(declared: Call) -> Callable[..., bytes]:
    """The client's: arguments -> body; `flags` at the end may be left out, `asked` defaults to all there can be."""
    shape = call_shape(declared)
    source = Source()
    pieces = Pieces(source)
    names = []
    for name, item in shape.args:
        if declared.asks is not None and name == declared.asks.name:
            room = 1 if declared.asks.kind == "need_results" else getattr(shape.ret, "limit", 0)
            source.line(f"{name} = asked if asked is not None else {room}")
        else:
            names.append("flags=0" if name == "flags" and name == shape.args[-1][0] else name)
        if name == "flags" and takes_strings(declared, shape):
            source.line(f"flags |= {STRING_OKAY}")
        write(item, name, name, pieces)
    source.line(f"return {pieces.whole()}")
    return source.compile(f"{declared.name} call", f"encode({', '.join([*names, '*', 'asked=None'])})")


@cache
def reply_decoder(declared: Call) -> Callable[[bytes], Any]:
    """The client's: body -> value. The number that follows a list is read and dropped."""
    shape = call_shape(declared)
    source = Source()
    cursor: Cursor = begin_decoder(source)
    value = read(shape.ret, declared.name, cursor) if shape.ret is not None else "None"
    if shape.number is not None:
        cursor.unpack(shape.number.code, "count")
    cursor.flush()
    source.line(f"v = {value}")
    end_decoder(source, cursor, f"reply of {declared.name}")
    source.line("return v")
    return source.compile(f"{declared.name} result", "decode(b)")
