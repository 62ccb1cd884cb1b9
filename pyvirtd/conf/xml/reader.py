"""From tree to model in one pass over the document, by tables compiled at a class's first use.

A class's rules become a tree of `Node`s: which attribute, child or text fills which field. Filling walks the
document, not the rules, so its cost is the document's size, and what no rule knows is met and passed by.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, TypeVar, cast

from lxml import etree

from pyvirtd.conf.xml import fields
from pyvirtd.conf.xml.document import load
from pyvirtd.conf.xml.element import Element, ElementMeta, blank
from pyvirtd.conf.xml.fields import Dump, Rule
from pyvirtd.conf.xml.hints import class_in, codec_for, hints_of
from pyvirtd.conf.xml.names import clark
from pyvirtd.conf.xml.types import Codec, scale_of
from pyvirtd.conf.xml.verbatim import verbatim
from pyvirtd.errors import ErrorDomain, ValueOverflow, VirtError, XMLDetail, XMLError

log = logging.getLogger(__name__)
E = TypeVar("E", bound=Element)
Xml = etree._Element
_READ_FLAGS = Dump.INACTIVE | Dump.STATUS
_SHOWN = 60


class Node:
    """What is read from one element: its attributes, its text, its children."""

    __slots__ = ("attrs", "bare", "flags", "kids", "sizes", "text")

    def __init__(self) -> None:
        self.attrs: dict[str, tuple[str, Codec, Rule]] = {}
        self.text: tuple[str, Codec, Rule] | None = None
        self.flags: list[str] = []
        self.bare: list[tuple[str, str, Any]] = []
        self.sizes: list[tuple[fields.Size, str]] = []  # the rule, and its attribute ("" the text)
        self.kids: dict[str, Any] = {}


class Plan:
    """The compiled class: its tree, and what has to happen before and after the walk."""

    __slots__ = ("always", "checks", "cls", "groups", "hook", "kinds", "root")

    def __init__(self, cls: ElementMeta) -> None:
        self.cls = cls
        self.root = Node()
        self.kinds: list[tuple[fields.Kind, dict[str, Any]]] = []
        self.groups: list[tuple[str, Any, bool]] = []  # field, class, chosen by a kind
        self.always: list[tuple[str, Any]] = []
        self.checks: list[Rule] = []
        self.hook = cls.parsed is not Element.parsed  # type: ignore[attr-defined]


class One:
    """A child of a class of its own."""

    __slots__ = ("chosen", "cls", "name", "rule")

    def __init__(self, rule: Rule, cls: Any, chosen: bool) -> None:
        self.rule, self.name, self.cls, self.chosen = rule, rule.name, cls, chosen


class Many(One):
    """A child that joins a list."""

    __slots__ = ()


class Each:
    """A child whose one value joins a list."""

    __slots__ = ("attr", "codec", "name", "rule")

    def __init__(self, rule: Rule, attr: str, codec: Codec) -> None:
        self.rule, self.name, self.attr, self.codec = rule, rule.name, attr, codec


class Verbatim:
    """A child kept as it is."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name


def plan_of(cls: Any, flags: int) -> Plan:
    """The class's compiled plan for documents read with these flags."""
    key = ("parse", flags & _READ_FLAGS)
    plan = cls.PLANS.get(key)
    if plan is None:
        plan = cls.PLANS[key] = _compile(cls, flags)
    return cast(Plan, plan)


def _compile(cls: Any, flags: int) -> Plan:
    plan = Plan(cls)
    hints = hints_of(cls)
    chosen = {rule.of for rule in cls.RULES.values() if isinstance(rule, fields.Kind)}
    for rule in cls.RULES.values():
        if not rule.read(flags) or isinstance(rule, fields.Namespace | fields.Hidden):
            continue
        if rule.required and not isinstance(rule, fields.Kind):
            plan.checks.append(rule)
        if isinstance(rule, fields.Child) and rule.always:
            plan.always.append((rule.name, rule.cls))
        match rule:
            case fields.Kind():
                target = rule.owner if not rule.of else cls.RULES[rule.of].cls
                if rule.of:
                    plan.kinds.append((rule, target.VARIANTS))
            case fields.Inline():
                plan.groups.append((rule.name, rule.cls, rule.name in chosen))
            case _:
                _place(plan, rule, hints, rule.name in chosen)
    return plan


def _place(plan: Plan, rule: Rule, hints: dict[str, Any], chosen: bool) -> None:
    """Hang one rule into the tree."""
    *wrappers, last = rule.path.split("/")
    if isinstance(rule, fields.Child | fields.Children):
        cls = rule.cls if rule.cls is not None else class_in(hints[rule.name])
        node = _walk(plan.root, [*wrappers, last] if last else wrappers)
        make = Many if isinstance(rule, fields.Children) else One
        for each in [cls] if cls.TAG else cls.VARIANTS.values():
            node.kids[clark(each.TAG)] = make(rule, each, chosen)
        return
    if isinstance(rule, fields.Texts):
        attr = last[1:] if last.startswith("@") else ""
        tag = wrappers.pop() if attr else last
        _walk(plan.root, wrappers).kids[clark(tag)] = Each(rule, clark(attr) if attr else "", codec_for(rule, hints))
        return
    if isinstance(rule, fields.Raw):
        _walk(plan.root, wrappers).kids[clark(last)] = Verbatim(rule.name)
        return
    if isinstance(rule, fields.Size):
        attr = last[1:] if last.startswith("@") else ""
        _walk(plan.root, wrappers if attr or not last else [*wrappers, last]).sizes.append((rule, attr))
        return
    if isinstance(rule, fields.Flag):
        _walk(plan.root, [*wrappers, last]).flags.append(rule.name)
    elif last.startswith("@"):
        node = _walk(plan.root, wrappers)
        node.attrs[clark(last[1:])] = (rule.name, codec_for(rule, hints), rule)
        if rule.bare is not None:
            node.bare.append((rule.name, clark(last[1:]), rule.bare))
    else:
        node = _walk(plan.root, [*wrappers, last] if last else wrappers)
        node.text = (rule.name, codec_for(rule, hints), rule)


def _walk(node: Node, wrappers: list[str]) -> Node:
    for name in wrappers:
        node = node.kids.setdefault(clark(name), Node())
    return node


def read(cls: type[E], el: Xml, flags: int = Dump.INACTIVE) -> E:
    """The model of one element of the tree."""
    variants = getattr(cls, "VARIANTS", None)
    if variants is not None and not cls.VARIANT:
        cls = _variant_of(cls, el, variants)
    made: E = cls.__new__(cls)
    blank(made, cls)
    plan = cls.PLANS.get(("parse", flags & _READ_FLAGS)) or plan_of(cls, flags)
    made.line = el.sourceline or 0
    _fill_all(plan, made, el, flags)
    return made


def _variant_of(cls: Any, el: Xml, variants: dict[str, Any]) -> Any:
    """The class of a family that the element's own attribute chooses."""
    for rule in cls.RULES.values():
        if isinstance(rule, fields.Kind) and not rule.of:
            chosen = _choose(rule, variants, el)
            if chosen is None:
                raise missing(el, rule)
            return chosen
    raise TypeError(f"{cls.__name__} is a family without a kind(); its parent has to choose")


def _choose(rule: fields.Kind, variants: dict[str, Any], el: Xml) -> Any:
    word = el.get(rule.path[1:], rule.default)
    if word is None:
        if not rule.required:
            return None
        raise missing(el, rule)
    try:
        return variants[word]
    except KeyError:
        raise wrong(el, rule, word, "one of " + ", ".join(variants)) from None


def _fill_all(plan: Plan, made: Element, el: Xml, flags: int) -> None:
    for kind, variants in plan.kinds:
        cls = _choose(kind, variants, el)
        if cls is not None:
            part = cls.__new__(cls)
            blank(part, cls)
            part.line = made.line
            setattr(made, kind.of, part)
    _fill(plan.root, made, el, flags, bool(plan.groups))
    for name, cls, chosen in plan.groups:
        _fill_group(made, name, cls, chosen, el, flags)
    for name, cls in plan.always:
        if getattr(made, name) is None:
            setattr(made, name, cls())
    for rule in plan.checks:
        value = getattr(made, rule.name)
        if value is None:
            raise missing(el, rule)
    if plan.hook:
        made.parsed(flags)


def _fill_group(made: Element, name: str, cls: Any, chosen: bool, el: Xml, flags: int) -> None:
    if chosen:
        part = getattr(made, name)
        if part is not None:
            _fill_all(plan_of(type(part), flags), part, el, flags)
        return
    part = cls.__new__(cls)
    blank(part, cls)
    part.line = made.line
    _fill_all(plan_of(cls, flags), part, el, flags)
    rule = type(made).RULES[name]
    if rule.always or part != cls():  # type: ignore[attr-defined]
        setattr(made, name, part)


def _fill(node: Node, made: Element, el: Xml, flags: int, quiet: bool) -> None:
    attrs = node.attrs
    if attrs:
        for key, value in el.items():
            known = attrs.get(key)
            if known is not None:
                name, codec, rule = known
                parse = codec.parse
                if parse is None:
                    got: Any = value
                else:
                    try:
                        got = parse(value)
                    except ValueError:
                        raise wrong(el, rule, value, codec.right) from None
                if rule.keep is None or rule.keep(got, flags):
                    setattr(made, name, got)
    for name, attr, value in node.bare:
        if attr not in el.attrib:
            setattr(made, name, value)
    if node.text is not None:
        _fill_text(node.text, made, el, flags)
    for name in node.flags:
        setattr(made, name, True)
    for rule, attr in node.sizes:
        _fill_size(rule, attr, made, el)
    kids = node.kids
    if not kids:
        return
    seen: list[Any] = []
    for sub in el:
        kid = kids.get(sub.tag)  # type: ignore[arg-type]
        if kid is None:
            if not quiet and log.isEnabledFor(logging.DEBUG) and isinstance(sub.tag, str):
                log.debug("line %s: <%s> in <%s> is not known, and dropped", sub.sourceline, sub.tag, el.tag)
            continue
        if type(kid) is Many:
            getattr(made, kid.name).append(read(kid.cls, sub, flags))
        elif type(kid) is Each:
            _fill_each(kid, made, sub, flags)
        elif kid not in seen:
            seen.append(kid)
            _fill_once(kid, made, sub, flags, quiet)


def _fill_once(kid: Any, made: Element, sub: Xml, flags: int, quiet: bool) -> None:
    """A child of which the first one counts."""
    if type(kid) is Node:
        _fill(kid, made, sub, flags, quiet)
    elif type(kid) is Verbatim:
        setattr(made, kid.name, verbatim(sub))
    elif kid.chosen:
        part = getattr(made, kid.name)
        if part is not None:
            part.line = sub.sourceline or 0
            _fill_all(plan_of(type(part), flags), part, sub, flags)
    else:
        value = read(kid.cls, sub, flags)
        if kid.rule.keep is None or kid.rule.keep(value, flags):
            setattr(made, kid.name, value)


def _text_of(el: Xml) -> str:
    return "".join(el.itertext()) if len(el) else (el.text or "")


def _fill_text(known: tuple[str, Codec, Rule], made: Element, el: Xml, flags: int) -> None:
    name, codec, rule = known
    value = _text_of(el)
    if not value:
        return
    got = _convert(el, rule, codec, value)
    if rule.keep is None or rule.keep(got, flags):
        setattr(made, name, got)


def _fill_each(kid: Each, made: Element, el: Xml, flags: int) -> None:
    value = el.get(kid.attr) if kid.attr else _text_of(el)
    if value is not None and (value or kid.attr):
        got = _convert(el, kid.rule, kid.codec, value)
        if kid.rule.keep is None or kid.rule.keep(got, flags):
            getattr(made, kid.name).append(got)


def _convert(el: Xml, rule: Rule, codec: Codec, value: str) -> Any:
    if codec.parse is None:
        return value
    try:
        return codec.parse(value)
    except ValueError:
        raise wrong(el, rule, value, codec.right) from None


def _fill_size(rule: fields.Size, attr: str, made: Element, el: Xml) -> None:
    value = el.get(attr) if attr else _text_of(el)
    if not value:
        return
    digits = value.strip()
    if not (digits.isascii() and digits.isdigit()):
        raise wrong(el, rule, value, "a whole number")
    unit = el.get("unit", "")
    try:
        scale = scale_of(unit) if unit else scale_of(rule.unit)
    except ValueError:
        raise wrong(el, rule, unit, "a unit such as KiB, MiB, GB or bytes") from None
    if len(digits) > 20 or int(digits) * scale > 2**64 - 1:
        raise ValueOverflow(f"{_where(el)}: {value[:_SHOWN]} {unit} is more than 16 EiB", domain=ErrorDomain.XML)
    own = scale_of(rule.unit)
    setattr(made, rule.name, (int(digits) * scale + (0 if rule.floor else own - 1)) // own)


def name_of(el: Xml) -> str:
    """The element's name as a message shows it."""
    return str(el.tag)[:_SHOWN]


def _where(el: Xml) -> str:
    return f"line {el.sourceline}, <{name_of(el)}>"


def wrong(el: Xml, rule: Rule, value: str, right: str) -> VirtError:
    """The error for text that is not what a rule's field holds."""
    shown = value if len(value) <= _SHOWN else value[:_SHOWN] + "…"
    name = rule.path.rpartition("/")[2] or name_of(el)
    return rule.bad(f"{_where(el)}: {name.removeprefix('@')}={shown!r} has to be {right}", domain=_domain(rule))


def missing(el: Xml, rule: Rule) -> VirtError:
    """The error for a field that the document has to have."""
    what = rule.path or "text"
    return rule.bad(f"{_where(el)}: {what} is missing, it has to be given", domain=_domain(rule))


def _domain(rule: Rule) -> int:
    return ErrorDomain.XML if rule.bad is XMLError else rule.owner.ERRORS


def parse(cls: type[E], xml: str | bytes, flags: int = Dump.INACTIVE, *, what: str = "document") -> E:
    """A whole document whose root is `cls`.

    Errors: XMLDetail for what isn't XML (or isn't accepted as such), XMLError and what rules name for the rest.
    """
    root = load(xml, cls.TAG, what=what)
    return guarded(lambda: read(cls, root, flags), what)


def guarded(work: Callable[[], E], what: str) -> E:
    """Run `work`; elements nested deeper than Python can follow are the document's fault."""
    try:
        return work()
    except RecursionError:
        raise XMLDetail(f"{what}: elements are nested too deeply", domain=ErrorDomain.DOMAIN) from None
