"""The base of all documents: `Element`, a slotted class declared from rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, Self, dataclass_transform

from pyvirtd.conf.xml.fields import Child, Children, Hidden, Inline, Kind, Namespace, Rule, Texts, kind, must
from pyvirtd.conf.xml.source import Source
from pyvirtd.errors import ErrorDomain

_LISTS = (Children, Texts)


@dataclass_transform(kw_only_default=True, field_specifiers=(must, kind))
class ElementMeta(type):
    """Takes the rules out of a class body and gives it slots instead."""

    def __new__(
        mcls,
        name: str,
        bases: tuple[type, ...],
        space: dict[str, Any],
        *,
        tag: str | None = None,
        family: bool = False,
        variant: str | None = None,
    ) -> ElementMeta:
        own: dict[str, Rule] = {key: value for key, value in space.items() if isinstance(value, Rule)}
        inherited: dict[str, Rule] = {}
        for base in bases:
            inherited |= getattr(base, "RULES", {})
        for key, rule in own.items():
            del space[key]
            rule.name = key
            if isinstance(rule, Kind):
                space[key] = property(rule.value)
        stored = [key for key, rule in own.items() if not isinstance(rule, Kind | Namespace) and key not in inherited]
        space["__slots__"] = (*space.get("__slots__", ()), *stored)
        cls = super().__new__(mcls, name, bases, space)
        if tag is not None:
            cls.TAG = tag
        if family:
            cls.VARIANTS = {}
        if variant is not None:
            cls.VARIANT = variant
            cls.VARIANTS[variant] = cls
        for rule in own.values():
            rule.owner = cls  # type: ignore[assignment]
        merged = inherited | own
        cls.RULES = dict(sorted(merged.items(), key=lambda item: item[1].tail))
        holders = [(k, r) for k, r in cls.RULES.items() if not isinstance(r, Kind | Namespace)]
        cls.PLAIN = tuple((k, r.default) for k, r in holders if not isinstance(r, _LISTS))
        cls.LISTS = tuple(k for k, r in holders if isinstance(r, _LISTS))
        cls.FIELDS = tuple(k for k, _ in holders)
        cls.OPEN = frozenset(cls.FIELDS)
        cls.PARTS = _parts(cls)
        cls.PLANS = {}
        return cls

    TAG: str
    VARIANTS: dict[str, Any]
    VARIANT: str
    RULES: dict[str, Rule]
    PLAIN: tuple[tuple[str, Any], ...]
    LISTS: tuple[str, ...]
    FIELDS: tuple[str, ...]
    OPEN: frozenset[str]
    PARTS: list[tuple[str, Any]]
    PLANS: dict[Any, Any]


def _parts(cls: ElementMeta) -> list[tuple[str, Any]]:
    """The fields that a new object has filled although nobody gave them: groups, and default variants."""
    parts: list[tuple[str, Any]] = []
    for name, rule in cls.RULES.items():
        if isinstance(rule, Kind):
            if rule.of and rule.default is not None:
                parts.append((rule.of, _default_variant(cls.RULES[rule.of], rule.default)))
        elif isinstance(rule, Inline | Child) and rule.always:
            parts.append((name, rule.cls))
    return parts


def _default_variant(rule: Any, word: str) -> Any:
    return lambda: rule.cls.VARIANTS[word]()


class Element(metaclass=ElementMeta):
    """An XML element as an object. Subclasses declare fields; the notation is in `pyvirtd.conf`.

    `line` is the line of the source document it stood on, 0 when it was made by hand; it takes no part in equality.
    """

    __slots__ = ("line",)
    TAG: ClassVar[str] = ""
    VARIANT: ClassVar[str] = ""
    ERRORS: ClassVar[int] = ErrorDomain.DOMAIN  # the VIR_FROM_* of errors about its fields, XMLError apart
    if TYPE_CHECKING:
        line: int = kind("")  # a field that no constructor takes

    def __init__(self, **fields: Any) -> None:
        cls = type(self)
        (cls.PLANS.get("blank") or _plan("blank", cls, _compile_blank))(self)
        for name, part in cls.PARTS:
            if name not in fields:
                setattr(self, name, part())
        for name, value in fields.items():
            if name not in cls.OPEN:
                raise TypeError(f"{cls.__name__} has no field {name!r}; it has {', '.join(cls.FIELDS)}")
            setattr(self, name, value)

    def parsed(self, flags: int) -> None:
        """Called when everything inside has been read: where a class checks or completes itself."""

    def printed(self, flags: int) -> bool:
        """Whether a dump has this element."""
        return True

    def hollow(self, flags: int) -> bool:
        """Whether it is printed with a closing tag of its own even when there is nothing inside."""
        return False

    def copy(self) -> Self:
        """A deep copy."""
        cls = type(self)
        made: Self = (cls.PLANS.get("copy") or _plan("copy", cls, _compile_copy))(self)
        return made

    def __eq__(self, other: object) -> bool:
        cls = type(self)
        if cls is not type(other):
            return NotImplemented
        same: bool = (cls.PLANS.get("equal") or _plan("equal", cls, _compile_equal))(self, other)
        return same

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        cls = type(self)
        plain = dict(cls.PLAIN)
        shown = [
            f"{name}={value!r}"
            for name in cls.FIELDS
            if not cls.RULES[name].secure and (value := getattr(self, name)) != plain.get(name, [])
        ]
        return f"{cls.__name__}({', '.join(shown)})"


def blank(element: Element, cls: ElementMeta) -> None:
    """Set every field to its default."""
    (cls.PLANS.get("blank") or _plan("blank", cls, _compile_blank))(element)


def _plan(name: str, cls: ElementMeta, make: Callable[[ElementMeta], Callable[..., Any]]) -> Callable[..., Any]:
    made = cls.PLANS[name] = make(cls)
    return made


def blank_lines(source: Source, cls: ElementMeta, element: str = "e") -> None:
    """Assignments written out: a loop of setattr costs five times as much, and was a third of parsing."""
    groups: dict[str, list[str]] = {}
    for name, default in cls.PLAIN:
        groups.setdefault(source.refer("default", default), []).append(name)
    for value, names in groups.items():
        source.line(" = ".join(f"{element}.{name}" for name in names) + f" = {value}")
    for name in cls.LISTS:
        source.line(f"{element}.{name} = []")


def _compile_blank(cls: ElementMeta) -> Callable[..., Any]:
    source = Source()
    source.line("e.line = 0")
    blank_lines(source, cls)
    return source.compile(f"blank {cls.__qualname__}", "blank(e)")


def _compile_copy(cls: ElementMeta) -> Callable[..., Any]:
    source = Source(new=cls.__new__, cls=cls, any_copy=_any_copy)
    source.line("t = new(cls)")
    source.line("t.line = e.line")
    for name in cls.FIELDS:
        rule = cls.RULES[name]
        if isinstance(rule, Children):
            source.line(f"t.{name} = [w.copy() for w in v] if (v := e.{name}) else []")
        elif isinstance(rule, Texts):
            source.line(f"t.{name} = e.{name}[:]")
        elif isinstance(rule, Child | Inline):
            source.line(f"t.{name} = v.copy() if (v := e.{name}) is not None else None")
        elif isinstance(rule, Hidden):
            source.line(f"t.{name} = any_copy(e.{name})")
        else:
            source.line(f"t.{name} = e.{name}")
    source.line("return t")
    return source.compile(f"copy of {cls.__qualname__}", "copy(e)")


def _any_copy(value: Any) -> Any:
    if isinstance(value, Element):
        return value.copy()
    return [_any_copy(item) for item in value] if isinstance(value, list) else value


def _compile_equal(cls: ElementMeta) -> Callable[..., Any]:
    source = Source()
    source.line("return " + (" and ".join(f"a.{name} == b.{name}" for name in cls.FIELDS) or "True"))
    return source.compile(f"equality of {cls.__qualname__}", "equal(a, b)")
