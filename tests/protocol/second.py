"""The second implementation: values made and packed from the tables with xdrlib3, knowing nothing of the declarations.

A value is made as what travels (structs are tuples) and as what Python is to see (NamedTuples compare as tuples).
"""

from __future__ import annotations

from random import Random
from typing import Any, Final

from xdrlib3 import Packer

from pyvirtd.protocol.types import Int, LLong, UInt, ULLong
from tests.protocol.tables import Wire

RANGES: Final = {"i": (-(2**31), 2**31 - 1), "I": (0, 2**32 - 1), "q": (-(2**63), 2**63 - 1), "Q": (0, 2**64 - 1)}
SASL_LIMIT: Final = 65536
"""The arrays of char with this limit are bytes, the others are text."""


def make(kind: Wire, random: Random, depth: int = 0) -> Any:
    """A random value of that type."""
    match kind:
        case ("d",):
            return random.choice([0.0, -1.5, 1e300, float("inf")])
        case ("i" | "I" | "q" | "Q", *limits):
            low, high = limits or RANGES[kind[0]]
            return random.choice([low, high, 0, 1, random.randint(low, high)])
        case ("text", _):
            return text(random)
        case ("bytes", limit):
            return random.randbytes(random.choice([0, 1, 2, 3, 4, 7]) if limit > 7 else 0)
        case ("fixed", size):
            return random.randbytes(size)
        case ("chars", limit, _):
            raw = bytes(random.randrange(1, 256) for _ in range(random.randrange(min(limit, 9))))
            return raw if limit == SASL_LIMIT else raw.decode("utf-8", "surrogateescape")
        case ("optional", of):
            return random.choice([None, make(of, random, depth + 1)])
        case ("list", of, limit):
            return [make(of, random, depth + 1) for _ in range(random.randrange(min(limit, 3) + 1))]
        case ("params", limit):
            return [(f"field{n}.{text(random)}", typed(random)) for n in range(random.randrange(min(limit, 8)))]
        case ("struct", fields):
            return tuple(make(of, random, depth + 1) for _, of in fields)
    raise AssertionError(kind)


def text(random: Random) -> str:
    """Strings of all paddings, with and without what isn't ASCII or isn't UTF-8."""
    return random.choice(["", "a", "vm", "vda", "äöü", "domain", "\udcff\udc80", "名前", "x" * 100])


def typed(random: Random) -> Any:
    """One typed parameter's value."""
    kind = random.choice([Int, UInt, LLong, ULLong, float, bool, str])
    if kind is str:
        return text(random)
    if kind in (float, bool):
        return kind(random.choice([0, 1]))
    code = {Int: "i", UInt: "I", LLong: "q", ULLong: "Q"}[kind]
    return kind(make((code,), random))


def pack(kind: Wire, value: Any, to: Packer) -> None:
    """The value as xdrlib3 writes it."""
    match kind:
        case ("d",):
            to.pack_double(value)
        case ("i", *_):
            to.pack_int(value)
        case ("I", *_):
            to.pack_uint(value)
        case ("q",):
            to.pack_hyper(value)
        case ("Q",):
            to.pack_uhyper(value)
        case ("text", _):
            to.pack_string(value.encode("utf-8", "surrogateescape"))
        case ("bytes", _):
            to.pack_opaque(value)
        case ("fixed", size):
            to.pack_fopaque(size, value)
        case ("chars", limit, fixed):
            pack_chars(value, limit, fixed, to)
        case ("optional", of):
            to.pack_bool(value is not None)
            if value is not None:
                pack(of, value, to)
        case ("list", of, _):
            to.pack_array(value, lambda item: pack(of, item, to))
        case ("params", _):
            to.pack_array(value, lambda item: pack_param(*item, to))
        case ("struct", fields):
            for (_, of), item in zip(fields, value, strict=True):
                pack(of, item, to)
        case _:
            raise AssertionError(kind)


def pack_chars(value: str | bytes, limit: int, fixed: bool, to: Packer) -> None:
    """An array of char: text has its NUL with it, a fixed array is filled up."""
    raw = value.encode("utf-8", "surrogateescape") + b"\0" if isinstance(value, str) else value
    signed = [byte - 256 if byte > 127 else byte for byte in raw]
    if fixed:
        to.pack_farray(limit, (signed + [0] * limit)[:limit], to.pack_int)
    else:
        to.pack_array(signed, to.pack_int)


def pack_param(name: str, value: Any, to: Packer) -> None:
    """Field, type number, value."""
    to.pack_string(name.encode("utf-8", "surrogateescape"))
    numbers: dict[type, tuple[int, Any]] = {
        Int: (1, to.pack_int), UInt: (2, to.pack_uint), LLong: (3, to.pack_hyper), ULLong: (4, to.pack_uhyper),
        float: (5, to.pack_double), bool: (6, to.pack_int),
        str: (7, lambda text: to.pack_string(text.encode("utf-8", "surrogateescape"))),
    }  # fmt: skip
    number, write = numbers[type(value)]
    to.pack_int(number)
    write(value)


def packed(kind: Wire, value: Any) -> bytes:
    """The whole value's bytes."""
    packer = Packer()
    pack(kind, value, packer)
    return bytes(packer.get_buffer())
