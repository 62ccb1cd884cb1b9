"""The rules an Element is declared from: where in the document a field lives, and which dumps print it.

A path is relative to the element: "@x" an attribute, "a/@x" an attribute of a wrapper <a>, "a" the text of <a>,
"a/b" the text of <b> in <a>, "qemu:arg" a name in one of `names.NAMESPACES`. Wrappers need no class of their own: all
rules of a class with the same wrapper share it, it stands where the first of them stands, and it is printed when one
of them has something to say. Like libvirt's own lookups, the first of several equal elements counts.

Marks that every rule takes:

live        read and printed in live documents only (not under INACTIVE)
status      read and printed in the daemon's own status documents only
secure      printed only under SECURE (passwords, cookies)
migratable  False: left out of dumps for a migration's other side
when        printed only if `when(element, flags)`
omit        the value that is not printed (None never is)
keep        read and printed only if `keep(value, flags)`
bare        the value when an attribute's element is there without the attribute (`<pmu/>` means on)
tail        where among the last rules this one stands, whatever class declares it (0: not among them)
bad         the error class for text that is not of the field's kind (XMLError unless told)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Literal

from pyvirtd.errors import VirtError, XMLError

if TYPE_CHECKING:
    from pyvirtd.conf.xml.element import Element

When = Callable[[Any, int], bool]
Keep = Callable[[Any, int], bool]
NOTHING: Final = object()  # no value of its own: never equal to one


def told(value: Any, flags: int) -> bool:
    """For `keep`: no and 0 are what a document without the field means; the model doesn't hold them."""
    return bool(value)


class Dump:
    """What a document is for: the bits of VIR_DOMAIN_XML_* and, above them, the daemon's own."""

    SECURE: Final = 1
    INACTIVE: Final = 2
    UPDATE_CPU: Final = 4
    MIGRATABLE: Final = 8
    STATUS: Final = 1 << 8
    CLOCK_ADJUST: Final = 1 << 9


class Rule:
    """One field's place in the document. Built by the functions below; `name` is set by the class it is in."""

    __slots__ = (
        "bad", "bare", "default", "keep", "live", "migratable", "name", "omit", "owner", "path", "required",
        "secure", "status", "tail", "when",
    )  # fmt: skip

    def __init__(
        self,
        path: str,
        default: Any = None,
        *,
        required: bool = False,
        live: bool = False,
        status: bool = False,
        secure: bool = False,
        migratable: bool = True,
        when: When | None = None,
        keep: Keep | None = None,
        omit: Any = NOTHING,
        bare: Any = None,
        bad: type[VirtError] = XMLError,
        tail: int = 0,
    ) -> None:
        self.path, self.default, self.required = path, default, required
        self.live, self.status, self.secure, self.migratable = live, status, secure, migratable
        self.when, self.keep, self.omit, self.bare, self.bad = when, keep, omit, bare, bad
        self.tail = tail
        self.name = ""
        self.owner: type[Element]

    def printed(self, flags: int) -> bool:
        """Whether a dump with these flags has this rule at all."""
        return not (
            (self.live and flags & Dump.INACTIVE)
            or (self.status and not flags & Dump.STATUS)
            or (self.secure and not flags & Dump.SECURE)
            or (not self.migratable and flags & Dump.MIGRATABLE)
        )

    def read(self, flags: int) -> bool:
        """Whether a document parsed with these flags has this rule at all."""
        return not ((self.live and flags & Dump.INACTIVE) or (self.status and not flags & Dump.STATUS))


class Value(Rule):
    """A single value: attribute or text."""

    __slots__ = ()


class Flag(Rule):
    """True when the element is there."""

    __slots__ = ()


class Size(Rule):
    """A number of units with a unit attribute beside it; the field counts in `unit`."""

    __slots__ = ("floor", "plain", "pretty", "unit")

    def __init__(
        self, path: str, default: Any, unit: str, plain: bool, floor: bool, pretty: bool, **marks: Any
    ) -> None:
        super().__init__(path, default, **marks)
        self.unit, self.plain, self.floor, self.pretty = unit, plain, floor, pretty


class Child(Rule):
    """One element with a class of its own."""

    __slots__ = ("always", "cls", "empty")

    def __init__(self, cls: Any, path: str, empty: bool, always: bool, **marks: Any) -> None:
        super().__init__(path, **marks)
        self.cls, self.empty, self.always = cls, empty, always


class Children(Rule):
    """All elements of a class, in document order."""

    __slots__ = ("cls",)

    def __init__(self, cls: Any, path: str, **marks: Any) -> None:
        super().__init__(path, **marks)
        self.cls = cls


class Texts(Rule):
    """All elements of a name that hold only one value each: a list of those values."""

    __slots__ = ()


class Inline(Rule):
    """A group of rules of another class, spliced into this element."""

    __slots__ = ("always", "cls")

    def __init__(self, cls: Any, optional: bool, **marks: Any) -> None:
        super().__init__("", **marks)
        self.cls = cls
        self.always = not optional and not hasattr(cls, "VARIANTS")


class Raw(Rule):
    """An element kept as it was written, byte for byte."""

    __slots__ = ()


class Hidden(Rule):
    """A field that is in no document."""

    __slots__ = ()


class Namespace(Rule):
    """Declares a namespace prefix on this element; `path` is the prefix. No field."""

    __slots__ = ()


class Kind(Rule):
    """The attribute that chooses a variant. It has no storage: it is read off the variant's class."""

    __slots__ = ("of",)

    def __init__(self, path: str, of: str, **marks: Any) -> None:
        super().__init__(path, **marks)
        self.of = of

    def value(self, element: Any) -> Any:
        chosen = getattr(element, self.of) if self.of else element
        return None if chosen is None else type(chosen).VARIANT


def at(path: str, default: Any = None, **marks: Any) -> Any:
    """An optional value; `default` when the document has none."""
    return Value(path, default, **marks)


def must(path: str, **marks: Any) -> Any:
    """A value that has to be there."""
    return Value(path, required=True, **marks)


def text(default: Any = None, **marks: Any) -> Any:
    """The element's own text."""
    return Value("", default, **marks)


def flag(path: str, **marks: Any) -> Any:
    """A bool: whether the element `path` is present."""
    return Flag(path, False, **marks)


def size(
    path: str,
    default: Any = None,
    *,
    unit: str = "KiB",
    plain: bool = False,
    floor: bool = False,
    pretty: bool = False,
    **marks: Any,
) -> Any:
    """An int in `unit`s from `<path unit='...'>number</path>`: scaled, rounded up (`floor`: down), printed with
    unit='`unit`' (`plain`: without the attribute; `pretty`, KiB only: in the largest unit without rest). Text without
    unit counts in `unit`. The path may also be an attribute, "a/@size", beside which "a/@unit" stands."""
    return Size(path, default, unit, plain, floor, pretty, **marks)


def child(
    cls: Any = None, under: str = "", *, empty: bool = True, always: bool = False, **marks: Any
) -> Any:
    """One element of a class (None: the annotation's), inside the wrapper `under`; None when absent.

    empty=False: not printed when there is nothing in it. always=True: when absent, an empty one instead of None
    (needs `cls`).
    """
    return Child(cls, under, empty, always, **marks)


def children(cls: Any = None, under: str = "", **marks: Any) -> Any:
    """Every element of a class (None: the annotation's list item), inside the wrapper `under`: a list.

    A family whose root has no tag is told apart by its variants' tags, and keeps the document's order among them.
    """
    return Children(cls, under, **marks)


def texts(path: str, **marks: Any) -> Any:
    """The values of every element or attribute `path` ("a" or "a/@x"; one element each): a list."""
    return Texts(path, **marks)


def inline(cls: Any, *, optional: bool = False, **marks: Any) -> Any:
    """The rules of another class, printed here and read from this same element.

    optional: the field is None unless the document has something of it. For a family the field's class is chosen
    by the `kind` that is `of` this field.
    """
    return Inline(cls, optional, **marks)


def raw(path: str, **marks: Any) -> Any:
    """The element `path` as a `str` of verbatim XML, namespaces and all."""
    return Raw(path, **marks)


def hidden(default: Any = None) -> Any:
    """A field without a place in the document: what post-parse notes for the printing or for the driver. It is
    copied and compared like any other."""
    return Hidden("", default)


def namespace(prefix: str) -> Any:
    """Print xmlns:`prefix` on this element. The field is never assigned."""
    return Namespace(prefix)


def kind(path: str, *, of: str = "", default: str | None = None, init: Literal[False] = False, **marks: Any) -> Any:
    """The attribute ("@type") whose word picks the class: of the field `of` (a child or an inline) or, without
    `of`, of this element itself. The words are the `variant=` of the classes below the family's root."""
    return Kind(path, of, default=default, **marks)
