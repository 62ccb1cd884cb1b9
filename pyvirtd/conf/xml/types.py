"""How one value is written in a document: codecs between an attribute's text and a Python value.

A rule finds its codec from its field's annotation: `str`, `int`, `float`, a `Literal` of words, or
`Annotated[..., Codec(...)]` such as the names below. A codec's `parse` raises ValueError for text that is not
of its kind; `right` says, for the error message, what would be.
"""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Callable, Iterable
from typing import Annotated, Any, Final, Literal, Union

ESCAPES: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "'": "&apos;", '"': "&quot;"})
_SPECIAL = re.compile("[&<>'\"\x00-\x08\x0b\x0c\x0e-\x1f]")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")


is_plain: Final = _SPECIAL.search  # None for text that stands as it is


def escape(text: str) -> str:
    """Text as it stands in an attribute or element: five entities, and no control characters (XML has none)."""
    if is_plain(text) is None:
        return text
    return _CONTROL.sub("", text).translate(ESCAPES)


class Codec:
    """Text <-> value. `parse` None: the text is the value. `format` gives text that needs no escaping.

    `spelled` says the same as `format` as a part of an f-string that shows the variable VALUE, for generated code;
    "" where only calling `format` will do.
    """

    __slots__ = ("format", "parse", "pattern", "right", "spelled", "table", "words")

    def __init__(
        self,
        parse: Callable[[str], Any] | None,
        format: Callable[[Any], str] = str,
        *,
        right: str = "text",
        pattern: str | None = None,
        words: tuple[str, ...] = (),
        spelled: str = "",
        table: dict[str, Any] | None = None,
    ) -> None:
        self.parse = parse
        self.format = format
        self.right = right
        self.pattern = pattern  # XSD regular expression, for the schema
        self.spelled = spelled or ("{VALUE}" if format is str else "")
        self.table = table  # the value of each text, where there is no more to parsing than that
        self.words = words  # the only texts there are, where that is so


def words(choices: Iterable[str]) -> Codec:
    """One of these words and nothing else."""
    table = {word: word for word in choices}

    def parse(text: str) -> str:
        try:
            return table[text]
        except KeyError:
            raise ValueError from None

    return Codec(parse, str, right="one of " + ", ".join(table), words=tuple(table), table=table)


def switch(off: str, on: str) -> Codec:
    """A bool spelled as two words."""
    table = {off: False, on: True}

    def parse(text: str) -> bool:
        try:
            return table[text]
        except KeyError:
            raise ValueError from None

    def show(value: bool) -> str:
        return on if value else off

    return Codec(
        parse, show, right=f"{on} or {off}", words=(on, off), table=table,
        spelled=f"{{{on!r} if VALUE else {off!r}}}",
    )  # fmt: skip


_DECIMAL = re.compile(r"\s*[+-]?[0-9]+", re.ASCII)
_ANY_BASE = re.compile(r"\s*([+-]?)(0[xX][0-9a-fA-F]+|[0-9]+)", re.ASCII)
_MAX_DIGITS = 40  # int() of a megabyte of digits would take minutes


def integer(low: int, high: int, *, base: int = 10, show: str = "d") -> Codec:
    """A whole number from `low` to `high`; base 0 also takes 0x… and octal 0…; `show` is a format specification,
    where a leading `0x` is kept: "0x04x" gives 0x001f."""
    prefix, spec = ("0x", show[2:]) if show.startswith("0x") else ("", show)

    def parse(text: str) -> int:
        if len(text) > _MAX_DIGITS:
            raise ValueError
        if text.isdigit() and text.isascii() and (base or text[0] != "0"):  # nearly always
            value = int(text)
        elif base == 0 and text.startswith("0x") and text[2:].isalnum() and text.isascii():  # addresses
            value = int(text[2:], 16)
        elif base == 0:
            match = _ANY_BASE.fullmatch(text)
            if match is None:
                raise ValueError
            sign, digits = match.groups()
            if digits[:2] in ("0x", "0X"):
                value = int(digits, 16)
            elif len(digits) > 1 and digits[0] == "0":
                value = int(digits, 8)
            else:
                value = int(digits)
            if sign == "-":
                value = -value
        else:
            if _DECIMAL.fullmatch(text) is None:
                raise ValueError
            value = int(text)
        if not low <= value <= high:
            raise ValueError
        return value

    def decimal(value: int) -> str:
        return str(value)

    def other(value: int) -> str:
        return prefix + format(value, spec)

    pattern = "(0[xX][0-9a-fA-F]+|[0-9]+)" if base == 0 else ("[0-9]+" if low >= 0 else "-?[0-9]+")
    spelled = f"{prefix}{{VALUE}}" if spec == "d" else f"{prefix}{{VALUE:{spec}}}"
    return Codec(
        parse, decimal if show == "d" else other, right=f"a whole number from {low} to {high}", pattern=pattern,
        spelled=spelled,
    )  # fmt: skip


def _uuid(text: str) -> str:
    if len(text) > 128:
        raise ValueError
    digits = text.strip().replace("-", "").lower()
    if len(digits) != 32 or re.fullmatch("[0-9a-f]{32}", digits) is None:
        raise ValueError
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


_MAC = re.compile("[0-9a-fA-F]{1,2}(:[0-9a-fA-F]{1,2}){5}")


def _mac(text: str) -> str:
    if _MAC.fullmatch(text) is None:
        raise ValueError
    return ":".join(part.rjust(2, "0") for part in text.lower().split(":"))


_CPU_LIMIT = 16384


def parse_cpuset(text: str) -> frozenset[int]:
    """ "0-3,^2,8" -> {0, 1, 3, 8}; ValueError for anything else, for numbers from 16384 on and for no number."""
    found: set[int] = set()
    if len(text) > 65536:
        raise ValueError
    for part in text.split(","):
        item = part.strip()
        remove = item.startswith("^")
        first, dash, last = item[remove:].partition("-")
        if not (first.isascii() and first.isdigit() and len(first) < 6):
            raise ValueError
        low = high = int(first)
        if dash:
            if remove or not (last.isascii() and last.isdigit() and len(last) < 6):
                raise ValueError
            high = int(last)
        if high < low or high >= _CPU_LIMIT:
            raise ValueError
        if remove:
            found.discard(low)
        else:
            found.update(range(low, high + 1))
    return frozenset(found)


def format_cpuset(cpus: Iterable[int]) -> str:
    """{0, 1, 3} -> "0-1,3"."""
    out: list[str] = []
    start = previous = -2
    for cpu in [*sorted(cpus), None]:
        if cpu == previous + 1 and start >= 0:
            previous = cpu
            continue
        if start >= 0:
            out.append(str(start) if start == previous else f"{start}-{previous}")
        if cpu is not None:
            start = previous = cpu
    return ",".join(out)


def _real(text: str) -> float:
    if len(text) > _MAX_DIGITS or re.fullmatch(r"[+-]?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?", text) is None:
        raise ValueError
    return float(text)


YesNo = Annotated[bool, switch("no", "yes")]
OnOff = Annotated[bool, switch("off", "on")]
Int = Annotated[int, integer(-(2**31), 2**31 - 1)]
UInt = Annotated[int, integer(0, 2**32 - 1)]
Positive = Annotated[int, integer(1, 2**32 - 1)]
Long = Annotated[int, integer(-(2**63), 2**63 - 1)]
ULong = Annotated[int, integer(0, 2**64 - 1)]
AnyUInt = Annotated[int, integer(0, 2**32 - 1, base=0)]  # reads 0x…, prints decimal
Hex2 = Annotated[int, integer(0, 0xFF, base=0, show="0x02x")]
Hex4 = Annotated[int, integer(0, 0xFFFF, base=0, show="0x04x")]
Hex8 = Annotated[int, integer(0, 0xFFFFFFFF, base=0, show="0x08x")]
HexLong = Annotated[int, integer(0, 2**64 - 1, base=0, show="0xx")]
Uuid = Annotated[str, Codec(_uuid, str, right="a UUID", pattern="[0-9a-fA-F-]{32,36}")]
Mac = Annotated[str, Codec(_mac, str, right="six bytes like 52:54:00:12:34:56", pattern=_MAC.pattern)]
CpuSet = Annotated[frozenset[int], Codec(parse_cpuset, format_cpuset, right="a set of CPUs like 0-3,^2,8")]
Text = Codec(None, escape)
_PLAIN: Final[dict[Any, Codec]] = {
    str: Text,
    int: integer(-(2**63), 2**64 - 1),
    bool: switch("no", "yes"),
    float: Codec(_real, repr, right="a number"),
}


def codec_of(hint: Any) -> Codec | None:
    """The codec of an annotation; None when it names no single value (an element, a list)."""
    origin = typing.get_origin(hint)
    if origin is Annotated:
        for extra in hint.__metadata__:
            if isinstance(extra, Codec):
                return extra
        return codec_of(hint.__origin__)
    if origin is Literal:
        return words(typing.get_args(hint))
    if origin is Union or origin is types.UnionType:
        inner = [arg for arg in typing.get_args(hint) if arg is not type(None)]
        return codec_of(inner[0]) if len(inner) == 1 else None
    if isinstance(hint, type) and hint not in _PLAIN and issubclass(hint, str):
        return _PLAIN[str]
    return _PLAIN.get(hint)


_UNITS: Final = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5, "e": 6}


def scale_of(unit: str) -> int:
    """Bytes in one of a size unit: "KiB" or "k" 1024, "KB" 1000, "b"/"byte(s)" 1. ValueError for an unknown one."""
    lower = unit.lower()
    if lower in ("b", "byte", "bytes"):
        return 1
    if lower in _UNITS:
        return int(1024 ** _UNITS[lower])
    if len(lower) == 3 and lower.endswith("ib") and lower[0] in _UNITS:
        return int(1024 ** _UNITS[lower[0]])
    if len(lower) == 2 and lower.endswith("b") and lower[0] in _UNITS:
        return int(1000 ** _UNITS[lower[0]])
    raise ValueError
