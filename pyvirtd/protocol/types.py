"""The vocabulary of the declarations: wire types as annotations, typed parameters, references.

An annotation says both what Python sees and what travels: ``String`` is a ``str`` and a counted, padded run of bytes;
``Annotated[list[DomainRef], Max(DOMAIN_LIST_MAX)]`` is a list and a count that may not exceed the limit;
``String | None`` is XDR's optional; a NamedTuple is its fields in order. XDR is RFC 4506.
"""

from __future__ import annotations

from typing import Annotated, Final, NamedTuple, TypeVar, cast

STRING_MAX: Final = 4 * 1024 * 1024
UUID_LEN: Final = 16


class Number:
    """A number of fixed size: the struct module's format character, and the range where that says too much."""

    __slots__ = ("code", "high", "low")

    def __init__(self, code: str, low: int | None = None, high: int | None = None) -> None:
        self.code, self.low, self.high = code, low, high


class Max:
    """The largest count of a string's bytes, an opaque's bytes, a list's items or a set of typed parameters."""

    __slots__ = ("limit",)

    def __init__(self, limit: int) -> None:
        self.limit = limit


class Fixed:
    """Exactly that many bytes, without a count before them."""

    __slots__ = ("size",)

    def __init__(self, size: int) -> None:
        self.size = size


class Chars:
    """XDR's array of char: four bytes on the wire for each. `fixed`: no count, NUL-filled up to the limit.

    As `str` it is C text: the terminating NUL travels with it and is not seen here. As `bytes` it is taken as it is.
    """

    __slots__ = ("fixed", "limit")

    def __init__(self, limit: int, *, fixed: bool = False) -> None:
        self.limit, self.fixed = limit, fixed


I32 = Annotated[int, Number("i")]
U32 = Annotated[int, Number("I")]
I64 = Annotated[int, Number("q")]
U64 = Annotated[int, Number("Q")]
F64 = Annotated[float, Number("d")]
Char = Annotated[int, Number("i", -128, 127)]
UChar = Annotated[int, Number("I", 0, 255)]
UShort = Annotated[int, Number("I", 0, 65535)]
String = Annotated[str, Max(STRING_MAX)]
Uuid = Annotated[bytes, Fixed(UUID_LEN)]


class Int(int):
    """A typed parameter's signed 32-bit value. A bare int is sent as one, too."""

    __slots__ = ()


class UInt(int):
    """A typed parameter's unsigned 32-bit value."""

    __slots__ = ()


class LLong(int):
    """A typed parameter's signed 64-bit value."""

    __slots__ = ()


class ULLong(int):
    """A typed parameter's unsigned 64-bit value."""

    __slots__ = ()


TypedValue = bool | int | float | str
TypedParams = dict[str, TypedValue | list[TypedValue]]
"""Typed parameters by field name, in order; a list stands for a field that occurs several times."""

ParamList = list[tuple[str, TypedValue]]
"""Typed parameters whose order and repetition carry meaning (statistics of one CPU after the other)."""


class Encoded(bytes):
    """A value that is already in wire form: encoders copy it as it is.

    Made by `pyvirtd.protocol.encoded` for one struct (a reference, a statistics record), for a set of typed parameters
    or for a whole list; `value` is what it was made from, `items` how many it holds.
    """

    value: object
    items: int


T = TypeVar("T")


def plain(value: T) -> T:
    """The value itself, also when it comes in wire form."""
    return cast(T, value.value) if isinstance(value, Encoded) else value


class DomainRef(NamedTuple):
    """A domain as the wire names it; `id` is -1 while it does not run."""

    name: String
    uuid: Uuid
    id: I32


class NetworkRef(NamedTuple):
    name: String
    uuid: Uuid


class NetworkPortRef(NamedTuple):
    net: NetworkRef
    uuid: Uuid


class NWFilterRef(NamedTuple):
    name: String
    uuid: Uuid


class NWFilterBindingRef(NamedTuple):
    portdev: String
    filtername: String


class InterfaceRef(NamedTuple):
    name: String
    mac: String


class StoragePoolRef(NamedTuple):
    name: String
    uuid: Uuid


class StorageVolRef(NamedTuple):
    pool: String
    name: String
    key: String


class NodeDeviceRef(NamedTuple):
    name: String


class SecretRef(NamedTuple):
    uuid: Uuid
    usage_type: I32
    usage_id: String


class DomainCheckpointRef(NamedTuple):
    name: String
    dom: DomainRef


class DomainSnapshotRef(NamedTuple):
    name: String
    dom: DomainRef
