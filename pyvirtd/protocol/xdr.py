"""The codec compiler: shapes become Python source, the source becomes functions.

Runs of fixed-size fields are fused into one struct.Struct. A decoder checks declared limits and the bytes that are
left before it allocates anything, padding, range and the end of the message; what doesn't hold raises `Malformed`.
Functions are compiled at first use; their source is in linecache, so tracebacks show it.
"""

from __future__ import annotations

import linecache
from collections.abc import Callable
from functools import lru_cache
from struct import Struct
from struct import error as struct_error
from typing import Any, Final

from pyvirtd.errors import RPCError
from pyvirtd.protocol.params import PAD, decode_params, encode_params
from pyvirtd.protocol.shapes import (
    BytesShape,
    CharsShape,
    FixedShape,
    ListShape,
    NumberShape,
    OptionalShape,
    ParamsShape,
    Shape,
    StructShape,
    TextShape,
    least,
)
from pyvirtd.protocol.types import Encoded


class Malformed(RPCError):
    """Bytes that are not what the declaration says. The peer's fault."""


def too_long(what: str, count: int, limit: int) -> RPCError:
    """The error of an encoder for a value past its declared limit."""
    return RPCError(f"{what} has {count} items or bytes, the protocol carries at most {limit}")


def out_of_range(what: str, value: int, low: int, high: int) -> RPCError:
    """The error of an encoder for a number its wire type can't hold."""
    return RPCError(f"{what} is {value}, the protocol carries {low} to {high}")


@lru_cache(1024)
def _struct(codes: str) -> Struct:
    return Struct(">" + codes)


def _chars(text: str | bytes) -> tuple[int, ...]:
    raw = text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text
    return tuple(byte - 256 if byte > 127 else byte for byte in raw)


def _from_chars(values: tuple[int, ...]) -> bytes:
    try:
        return bytes(value & 255 if value >= -128 else 256 for value in values)
    except ValueError:
        raise ValueError("an array of char holds more than a byte in one item") from None


def _c_text(raw: bytes) -> str:
    return raw.partition(b"\0")[0].decode("utf-8", "surrogateescape")


RUNTIME: Final[dict[str, Any]] = {
    "Encoded": Encoded,
    "Malformed": Malformed,
    "PAD": PAD,
    "c_text": _c_text,
    "chars": _chars,
    "decode_params": decode_params,
    "encode_params": encode_params,
    "from_chars": _from_chars,
    "new": tuple.__new__,
    "out_of_range": out_of_range,
    "struct": _struct,
    "struct_error": struct_error,
    "too_long": too_long,
    "type_of": type,
}


class Source:
    """Lines of a function being written, and the names it refers to."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.names: dict[str, Any] = dict(RUNTIME)
        self.indent = 1
        self._count = 0

    def line(self, text: str) -> None:
        """One line at the present depth."""
        self.lines.append("    " * self.indent + text)

    def fresh(self, stem: str) -> str:
        """A variable nobody has used."""
        self._count += 1
        return f"{stem}{self._count}"

    def refer(self, name: str, value: Any) -> str:
        """A global the function uses."""
        self.names[name] = value
        return name

    def method(self, verb: str, codes: str) -> str:
        """pack, unpack or unpack_from of the fused struct."""
        return self.refer(f"{verb}_{codes}", getattr(_struct(codes), verb))

    def compile(self, title: str, signature: str) -> Callable[..., Any]:
        """The function, with its source kept for tracebacks."""
        name = signature.partition("(")[0]
        text = f"def {signature}:\n" + "\n".join(self.lines) + "\n"
        filename = f"<pyvirtd codec {title}>"
        linecache.cache[filename] = (len(text), None, text.splitlines(True), filename)
        exec(compile(text, filename, "exec"), self.names)
        return self.names[name]  # type: ignore[no-any-return]


class PacksByLength(dict[int, Callable[..., bytes]]):
    """pack functions of `before`, so many bytes, padding and `after`: most structs have one string, and it is short."""

    KEPT = 1024

    def __init__(self, before: str, after: str) -> None:
        super().__init__()
        self.before, self.after = before, after

    def __missing__(self, size: int) -> Callable[..., bytes]:
        pack = Struct(f">{self.before}{size}s{-size & 3}x{self.after}").pack
        if size < self.KEPT:
            self[size] = pack
        return pack


class Pieces:
    """The pieces an encoder's bytes are made of: runs of fixed-size values, counted bytes, anything else."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self._runs: list[tuple[str, list[str]]] = [("", [])]
        """One run of fixed-size values before each of `_between`, and one after the last."""
        self._between: list[tuple[str, str | None]] = []
        """Expressions for bytes, with the variable of their length where they are counted and padded."""

    def pack(self, codes: str, value: str) -> None:
        """A fixed-size value."""
        before, values = self._runs[-1]
        self._runs[-1] = (before + codes, [*values, value])

    def add(self, expression: str) -> None:
        """Bytes of any length."""
        self._between.append((expression, None))
        self._runs.append(("", []))

    def counted(self, raw: str, size: str) -> None:
        """Bytes after their count, with padding."""
        self.pack("I", size)
        self._between.append((raw, size))
        self._runs.append(("", []))

    def whole(self) -> str:
        """One expression for all of it."""
        if len(self._between) == 1 and self._between[0][1] is not None:
            return self._with_one_string(*self._between[0])
        done: list[str] = []
        for (codes, values), (raw, size) in zip(self._runs, [*self._between, ("", None)], strict=True):
            if codes:
                done.append(f"{self.source.method('pack', codes)}({', '.join(values)})")
            if raw:
                done.append(raw)
            if size is not None:
                done.append(f"PAD[{size} & 3]")
        if not done:
            return "b''"
        return " + ".join(done) if len(done) < 8 else f"b''.join(({', '.join(done)}))"

    def _with_one_string(self, raw: str, size: str | None) -> str:
        (before, first), (after, last) = self._runs
        packs = self.source.refer(f"packs_{before}_{after}", PacksByLength(before, after))
        return f"{packs}[{size}]({', '.join([*first, raw, *last])})"


def write(shape: Shape, value: str, what: str, to: Pieces) -> None:
    """Source that encodes the variable `value`."""
    source = to.source
    match shape:
        case NumberShape():
            if shape.low is not None:
                source.line(f"if not {shape.low} <= {value} <= {shape.high}:")
                source.line(f"    raise out_of_range({what!r}, {value}, {shape.low}, {shape.high})")
            to.pack(shape.code, value)
        case TextShape():
            raw = source.fresh("t")
            source.line(f"{raw} = {value}.encode('utf-8', 'surrogateescape')")
            _write_counted(raw, what, shape.limit, to)
        case BytesShape():
            _write_counted(value, what, shape.limit, to)
        case FixedShape():
            source.line(f"if len({value}) != {shape.size}:")
            source.line(f"    raise out_of_range({what + ' (length)'!r}, len({value}), {shape.size}, {shape.size})")
            to.pack(f"{shape.size}s{-shape.size & 3}x" if shape.size & 3 else f"{shape.size}s", value)
        case CharsShape():
            _write_chars(shape, value, what, to)
        case OptionalShape():
            _write_optional(shape, value, what, to)
        case ListShape():
            _write_list(shape, value, what, to)
        case ParamsShape():
            to.add(f"encode_params({value}, {shape.limit})")
        case StructShape():
            source.line(f"if type_of({value}) is Encoded:")
            source.line(f"    {value} = {value}.value")
            _write_fields(shape, value, what, to)


def _write_fields(shape: StructShape, value: str, what: str, to: Pieces) -> None:
    parts = [to.source.fresh("v") for _ in shape.fields]
    to.source.line(f"{', '.join(parts)}, = {value}")
    for part, (name, item) in zip(parts, shape.fields, strict=True):
        write(item, part, f"{what}.{name}", to)


def _write_counted(raw: str, what: str, limit: int, to: Pieces) -> None:
    size = to.source.fresh("n")
    to.source.line(f"{size} = len({raw})")
    to.source.line(f"if {size} > {limit}:")
    to.source.line(f"    raise too_long({what!r}, {size}, {limit})")
    to.counted(raw, size)


def _write_chars(shape: CharsShape, value: str, what: str, to: Pieces) -> None:
    source = to.source
    raw = source.fresh("t")
    source.line(f"{raw} = chars({value})" + (" + (0,)" if shape.text and not shape.fixed else ""))
    source.line(f"if len({raw}) > {shape.limit}:")
    source.line(f"    raise too_long({what!r}, len({raw}), {shape.limit})")
    if shape.fixed:
        source.line(f"{raw} += (0,) * ({shape.limit} - len({raw}))")
        to.pack(f"{shape.limit}i", "*" + raw)
    else:
        to.pack("I", f"len({raw})")
        to.add(f"struct(f'{{len({raw})}}i').pack(*{raw})")


def _write_optional(shape: OptionalShape, value: str, what: str, to: Pieces) -> None:
    source = to.source
    raw = source.fresh("o")
    source.line(f"if {value} is None:")
    source.line(f"    {raw} = b'\\0\\0\\0\\0'")
    source.line("else:")
    source.indent += 1
    inner = Pieces(source)
    inner.pack("I", "1")
    write(shape.item, value, what, inner)
    source.line(f"{raw} = {inner.whole()}")
    source.indent -= 1
    to.add(raw)


def _write_list(shape: ListShape, value: str, what: str, to: Pieces) -> None:
    source = to.source
    size, raw = source.fresh("n"), source.fresh("l")
    source.line(f"if type_of({value}) is Encoded:")
    source.line(f"    {size} = {value}.items")
    source.line(f"    {raw} = {value}")
    source.line("else:")
    source.indent += 1
    source.line(f"{size} = len({value})")
    source.line(f"if {size} <= {shape.limit}:")
    source.indent += 1
    if isinstance(shape.item, NumberShape):
        source.line(f"{raw} = struct(f'{{{size}}}{shape.item.code}').pack(*{value})")
    else:
        _write_items(shape, value, raw, what, source)
    source.indent -= 2
    source.line(f"if {size} > {shape.limit}:")
    source.line(f"    raise too_long({what!r}, {size}, {shape.limit})")
    to.pack("I", size)
    to.add(raw)


def _write_items(shape: ListShape, value: str, raw: str, what: str, source: Source) -> None:
    item, items, add = source.fresh("i"), source.fresh("a"), source.fresh("add")
    source.line(f"{items} = []")
    source.line(f"{add} = {items}.append")
    source.line(f"for {item} in {value}:")
    source.indent += 1
    inner = Pieces(source)
    if isinstance(shape.item, StructShape):
        source.line(f"if type_of({item}) is Encoded:")
        source.line(f"    {add}({item})")
        source.line("    continue")
        _write_fields(shape.item, item, what + "[]", inner)
    else:
        write(shape.item, item, what + "[]", inner)
    source.line(f"{add}({inner.whole()})")
    source.indent -= 1
    source.line(f"{raw} = b''.join({items})")


class Cursor:
    """Where a decoder is: offset `o` of body `b` of length `e`; fixed-size values wait to be read in one go."""

    def __init__(self, source: Source, at: int | None) -> None:
        self.source = source
        self.at = at
        """The offset while it is known at compile time, None once it is in the variable `o`."""
        self._codes = ""
        self._targets: list[str] = []

    def unpack(self, codes: str, stem: str = "v") -> str:
        """A variable that will hold the next fixed-size value after `flush`."""
        target = self.source.fresh(stem)
        self._codes += codes
        self._targets.append(target)
        return target

    def flush(self) -> None:
        """Read what waits."""
        if not self._codes:
            return
        at = "o" if self.at is None else str(self.at)
        self.source.line(f"{', '.join(self._targets)}, = {self.source.method('unpack_from', self._codes)}(b, {at})")
        size = _struct(self._codes).size
        if self.at is None:
            self.source.line(f"o += {size}")
        else:
            self.at += size
        self._codes, self._targets = "", []

    def settle(self) -> None:
        """Read what waits and have the offset in `o`."""
        self.flush()
        if self.at is not None:
            self.source.line(f"o = {self.at}")
            self.at = None

    def fail(self, condition: str, message: str) -> None:
        """Refuse the message under a condition; `message` is the inside of an f-string."""
        self.source.line(f"if {condition}:")
        self.source.line(f"    raise Malformed(f{message!r})")


def read(shape: Shape, what: str, cursor: Cursor) -> str:
    """Source that decodes; returns the expression that holds the value once the cursor is flushed."""
    source = cursor.source
    match shape:
        case NumberShape():
            value = cursor.unpack(shape.code)
            if shape.low is not None:
                cursor.flush()
                text = f"{what} is {{{value}}}, it must be {shape.low} to {shape.high}"
                cursor.fail(f"not {shape.low} <= {value} <= {shape.high}", text)
            return value
        case TextShape():
            raw = _read_counted(what, shape.limit, cursor)
            cursor.fail(f"0 in {raw}", f"{what} contains a NUL byte")
            source.line(f"{raw} = {raw}.decode('utf-8', 'surrogateescape')")
            return raw
        case BytesShape():
            return _read_counted(what, shape.limit, cursor)
        case FixedShape():
            return _read_fixed(shape, what, cursor)
        case CharsShape():
            return _read_chars(shape, what, cursor)
        case OptionalShape():
            return _read_optional(shape, what, cursor)
        case ListShape():
            return _read_list(shape, what, cursor)
        case ParamsShape():
            cursor.settle()
            value = source.fresh("p")
            source.line(f"{value}, o = decode_params(b, o, {shape.limit}, {shape.pairs})")
            return value
        case StructShape():
            parts = [read(item, f"{what}.{name}", cursor) for name, item in shape.fields]
            cursor.flush()
            cls = source.refer(shape.cls.__name__, shape.cls)
            return f"new({cls}, ({', '.join(parts)},))"


def _read_counted(what: str, limit: int, cursor: Cursor) -> str:
    source = cursor.source
    size, raw, stop = cursor.unpack("I", "n"), source.fresh("t"), source.fresh("e")
    cursor.flush()
    start = "o" if cursor.at is None else str(cursor.at)
    cursor.fail(f"{size} > {limit}", f"{what} has {{{size}}} bytes, at most {limit} are allowed")
    source.line(f"{stop} = {start} + {size}")
    source.line(f"{raw} = b[{start}:{stop}]")
    source.line(f"o = {stop} + (-{size} & 3)")
    cursor.at = None
    cursor.fail(f"o > e or b[{stop}:o] != PAD[{size} & 3]", f"{what} is cut off or its padding is not zero")
    return raw


def _read_fixed(shape: FixedShape, what: str, cursor: Cursor) -> str:
    value = cursor.unpack(f"{shape.size}s")
    if pad := -shape.size & 3:
        rest = cursor.unpack(f"{pad}s")
        cursor.flush()
        cursor.fail(f"{rest} != PAD[{shape.size & 3}]", f"padding of {what} is not zero")
    return value


def _read_chars(shape: CharsShape, what: str, cursor: Cursor) -> str:
    source = cursor.source
    raw = source.fresh("t")
    if shape.fixed:
        size = str(shape.limit)
        cursor.settle()
    else:
        size = cursor.unpack("I", "n")
        cursor.settle()
        cursor.fail(f"{size} > {shape.limit}", f"{what} has {{{size}}} items, at most {shape.limit} are allowed")
    cursor.fail(f"4 * {size} > e - o", f"{what} is cut off")
    source.line(f"{raw} = from_chars(struct(f'{{{size}}}i').unpack_from(b, o))")
    source.line(f"o += 4 * {size}")
    if shape.text:
        source.line(f"{raw} = c_text({raw})")
    return raw


def _read_optional(shape: OptionalShape, what: str, cursor: Cursor) -> str:
    source = cursor.source
    there, value = cursor.unpack("I", "f"), source.fresh("x")
    cursor.settle()
    source.line(f"if {there} == 0:")
    source.line(f"    {value} = None")
    source.line("else:")
    source.indent += 1
    cursor.fail(f"{there} != 1", f"presence of {what} is {{{there}}}, it must be 0 or 1")
    inner = read(shape.item, what, cursor)
    cursor.flush()
    source.line(f"{value} = {inner}")
    source.indent -= 1
    return value


def _read_list(shape: ListShape, what: str, cursor: Cursor) -> str:
    source = cursor.source
    size, value = cursor.unpack("I", "n"), source.fresh("l")
    cursor.settle()
    cursor.fail(f"{size} > {shape.limit}", f"{what} has {{{size}}} items, at most {shape.limit} are allowed")
    cursor.fail(f"{size} * {least(shape.item)} > e - o", f"{what} announces {{{size}}} items in {{e - o}} bytes")
    if isinstance(shape.item, NumberShape):
        source.line(f"{value} = list(struct(f'{{{size}}}{shape.item.code}').unpack_from(b, o))")
        source.line(f"o += {least(shape.item)} * {size}")
        return value
    add = source.fresh("add")
    source.line(f"{value} = []")
    source.line(f"{add} = {value}.append")
    source.line(f"for _ in range({size}):")
    source.indent += 1
    item = read(shape.item, what + "[]", cursor)
    cursor.flush()
    source.line(f"{add}({item})")
    source.indent -= 1
    return value


def begin_decoder(source: Source) -> Cursor:
    """The head of a decoder's body: everything between this and `end_decoder` may read."""
    source.line("e = len(b)")
    source.line("try:")
    source.indent += 1
    return Cursor(source, 0)


def end_decoder(source: Source, cursor: Cursor, what: str) -> None:
    """The tail: the message must be used up, and running off its end is the peer's error."""
    cursor.flush()
    at = "o" if cursor.at is None else str(cursor.at)
    cursor.fail(f"{at} != e", f"{what} has {{e - {at}}} bytes too many")
    source.indent -= 1
    source.line("except (struct_error, ValueError) as broken:")
    source.line(f"    raise Malformed(f'{what}: {{broken}}') from None")


def compile_encoder(shape: Shape | None, title: str) -> Callable[[Any], bytes]:
    """value -> bytes."""
    source = Source()
    pieces = Pieces(source)
    if shape is not None:
        write(shape, "v", title, pieces)
    source.line(f"return {pieces.whole()}")
    return source.compile(title, "encode(v)")


def compile_decoder(shape: Shape, title: str) -> Callable[[bytes], Any]:
    """bytes -> value."""
    source = Source()
    cursor = begin_decoder(source)
    value = read(shape, title, cursor)
    cursor.flush()
    source.line(f"v = {value}")
    end_decoder(source, cursor, title)
    source.line("return v")
    return source.compile(title, "decode(b)")
