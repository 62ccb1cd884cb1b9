"""From tree to model in one pass over the document, by functions generated at a class's first use.

A class's rules become a tree of `Node`s: which attribute, child or text fills which field; a node becomes straight
code for its attributes and text, and a table for its children. Filling walks the document, not the rules, so its cost
is the document's size, and what no rule knows is met and passed by. `source.text_of(filler_of(cls, flags))` shows one.
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
from pyvirtd.conf.xml.source import Source
from pyvirtd.conf.xml.types import Codec, scale_of
from pyvirtd.conf.xml.verbatim import verbatim
from pyvirtd.errors import ErrorDomain, ValueOverflow, VirtError, XMLDetail, XMLError

log = logging.getLogger(__name__)
E = TypeVar("E", bound=Element)
Xml = etree._Element
Fill = Callable[[Any, Xml, int], None]
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
    made.line = el.sourceline or 0
    (cls.PLANS.get(flags & _READ_FLAGS) or filler_of(cls, flags))(made, el, flags)
    return made


def _variant_of(cls: Any, el: Xml, variants: dict[str, Any]) -> Any:
    """The class of a family that the element's own attribute chooses."""
    rule = cls.PLANS.get("kind")
    if rule is None:
        rule = next((r for r in cls.RULES.values() if isinstance(r, fields.Kind) and not r.of), None)
        if rule is None:
            raise TypeError(f"{cls.__name__} is a family without a kind(); its parent has to choose")
        cls.PLANS["kind"] = rule
    chosen = _choose(rule, variants, el)
    if chosen is None:
        raise missing(el, rule)
    return chosen


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


def filler_of(cls: Any, flags: int) -> Fill:
    """The generated function that fills an element of the class from a tree: (element, tree, flags) -> None."""
    key = flags & _READ_FLAGS
    fill: Fill | None = cls.PLANS.get(key)
    if fill is None:
        fill = cls.PLANS[key] = _filler(plan_of(cls, flags), cls, key)
    return fill


def _filler(plan: Plan, cls: Any, key: int) -> Fill:
    """The whole of a class: variants that its attributes choose, its own tree, groups, and what it has to have."""
    source = _source()
    for kind, variants in plan.kinds:
        name = source.refer("begin", _begin)
        source.line(f"{name}(m, el, {source.refer('kind', kind)}, {source.refer('variants', variants)})")
    _node_source(source, plan.root, f"{cls.__qualname__}, flags {key}", bool(plan.groups))
    for name, group, chosen in plan.groups:
        fill = source.refer("group", _chosen_group if chosen else _group(cls, name, group))
        lone = not chosen and _only_unknown(plan, plan_of(group, key))
        call = f"{fill}(m, {name!r}, el, flags)" if chosen else f"{fill}(m, el, flags)"
        source.line(f"if unknown: {call}" if lone else call)
    for name, part in plan.always:
        source.line(f"if m.{name} is None: m.{name} = {source.refer('part', part)}()")
    for rule in plan.checks:
        source.line(f"if m.{rule.name} is None: raise missing(el, {source.refer('rule', rule)})")
    if plan.hook:
        source.line("m.parsed(flags)")
    return source.compile(f"reader of {cls.__qualname__}, flags {key}", "fill(m, el, flags)")


def _source() -> Source:
    return Source(wrong=wrong, missing=missing, text_of=_text_of, fill_size=_fill_size, unread=_unread)


def _begin(made: Element, el: Xml, kind: fields.Kind, variants: dict[str, Any]) -> None:
    """Make the part whose class an attribute chooses."""
    cls = _choose(kind, variants, el)
    if cls is not None:
        part = cls.__new__(cls)
        blank(part, cls)
        part.line = made.line
        setattr(made, kind.of, part)


def _chosen_group(made: Element, name: str, el: Xml, flags: int) -> None:
    part = getattr(made, name)
    if part is not None:
        filler_of(type(part), flags)(part, el, flags)


def _group(owner: Any, name: str, cls: Any) -> Fill:
    """Fills an inlined group; an optional one is kept when the document has something of it."""
    always = owner.RULES[name].always

    def fill(made: Element, el: Xml, flags: int) -> None:
        part = cls.__new__(cls)
        blank(part, cls)
        part.line = made.line
        filler_of(cls, flags)(part, el, flags)
        if always or part != cls():
            setattr(made, name, part)

    return fill


def _only_unknown(plan: Plan, group: Plan) -> bool:
    """Whether a group comes only from children that its owner doesn't know (then most documents have none)."""
    root = group.root
    alone = not (root.attrs or root.bare or root.flags or root.sizes or root.text or group.kinds or group.groups)
    optional = not (group.always or group.checks or group.hook)
    return alone and optional and not set(root.kids) & set(plan.root.kids) and bool(plan.root.kids)


_CHAIN = 6  # so many attributes are told apart one by one, more by a table


def _node_source(source: Source, node: Node, title: str, quiet: bool) -> None:
    """Source that reads the element `el` into the fields of `m`."""
    if len(node.attrs) > _CHAIN:
        table = source.refer("known", node.attrs)
        with source.block("for k, v in el.items():"):
            source.line(f"a = {table}.get(k)")
            source.line(f"if a is not None: {source.refer('take', _take)}(m, el, a, v, flags)")
    elif len(node.attrs) > 2:
        with source.block("for k, v in el.items():"):
            word = "if"
            for attr, (name, codec, rule) in node.attrs.items():
                with source.block(f"{word} k == {attr!r}:"):
                    _value_source(source, name, codec, rule)
                word = "elif"
    else:
        for attr, (name, codec, rule) in node.attrs.items():
            source.line(f"v = el.get({attr!r})")
            with source.block("if v is not None:"):
                _value_source(source, name, codec, rule)
    for name, attr, value in node.bare:
        source.line(f"if el.get({attr!r}) is None: m.{name} = {source.refer('bare', value)}")
    if node.text is not None:
        source.line("v = text_of(el) if len(el) else el.text")
        with source.block("if v:"):
            _value_source(source, *node.text)
    for name in node.flags:
        source.line(f"m.{name} = True")
    for size, attr in node.sizes:
        source.line(f"fill_size({source.refer('size', size)}, {attr!r}, m, el)")
    if node.kids:
        _kids_source(source, node, title, quiet)


def _value_source(source: Source, name: str, codec: Codec, rule: Rule) -> None:
    """Source that converts the text `v` and stores it."""
    stored = "x"
    if codec.parse is None:
        stored = "v"
    else:
        failed = f"raise wrong(el, {source.refer('rule', rule)}, v, {codec.right!r})"
        if codec.table is not None:
            source.line(f"x = {source.refer('table', codec.table)}.get(v)")
            source.line(f"if x is None: {failed}")
        else:
            source.line(f"try: x = {source.refer('parse', codec.parse)}(v)")
            source.line(f"except ValueError: {failed} from None")
    kept = f"if {source.refer('keep', rule.keep)}({stored}, flags): " if rule.keep is not None else ""
    source.line(f"{kept}m.{name} = {stored}")


def _kids_source(source: Source, node: Node, title: str, quiet: bool) -> None:
    kids: dict[str, tuple[bool, Fill]] = {}
    for tag, kid in node.kids.items():
        kids[tag] = not isinstance(kid, Many | Each), _taker(kid, kids, tag, title, quiet)
    source.line("unknown, done = False, []")
    with source.block("for sub in el:"):
        source.line("tag = sub.tag")
        source.line(f"kid = {source.refer('kids', kids)}.get(tag)")
        with source.block("if kid is None:"):
            source.line("unknown = True")
            if not quiet:
                source.line("unread(sub, el)")
            source.line("continue")
        source.line("once, take = kid")
        with source.block("if once:"):  # the first one counts
            source.line("if tag in done: continue")
            source.line("done.append(tag)")
        source.line("take(m, sub, flags)")


def _taker(kid: Any, kids: dict[str, tuple[bool, Fill]], tag: str, title: str, quiet: bool) -> Fill:
    """The function that reads one child into its parent's model."""
    if isinstance(kid, Node):
        return _wrapper(kid, kids, tag, f"{title}: {tag}", quiet)
    if isinstance(kid, Verbatim):
        return lambda made, sub, flags: setattr(made, kid.name, verbatim(sub))
    if isinstance(kid, Each):
        return lambda made, sub, flags: _fill_each(kid, made, sub, flags)
    if isinstance(kid, Many):
        return lambda made, sub, flags: getattr(made, kid.name).append(read(kid.cls, sub, flags))
    if kid.chosen:
        return lambda made, sub, flags: _fill_chosen(kid, made, sub, flags)
    keep = kid.rule.keep
    if keep is None:
        return lambda made, sub, flags: setattr(made, kid.name, read(kid.cls, sub, flags))
    return lambda made, sub, flags: _fill_kept(kid, made, sub, flags)


def _wrapper(node: Node, kids: dict[str, tuple[bool, Fill]], tag: str, title: str, quiet: bool) -> Fill:
    """A child without a class of its own; its source is generated when a document first has it."""

    def first(made: Element, sub: Xml, flags: int) -> None:
        source = _source()
        _node_source(source, node, title, quiet)
        fill = source.compile(f"reader of {title}", "fill(m, el, flags)")
        kids[tag] = True, fill
        fill(made, sub, flags)

    return first


def _fill_chosen(kid: One, made: Element, sub: Xml, flags: int) -> None:
    part = getattr(made, kid.name)
    if part is not None:
        part.line = sub.sourceline or 0
        filler_of(type(part), flags)(part, sub, flags)


def _fill_kept(kid: One, made: Element, sub: Xml, flags: int) -> None:
    value = read(kid.cls, sub, flags)
    if kid.rule.keep is None or kid.rule.keep(value, flags):
        setattr(made, kid.name, value)


def _unread(sub: Xml, el: Xml) -> None:
    if log.isEnabledFor(logging.DEBUG) and isinstance(sub.tag, str):
        log.debug("line %s: <%s> in <%s> is not known, and dropped", sub.sourceline, sub.tag, el.tag)


def _take(made: Element, el: Xml, known: tuple[str, Codec, Rule], value: str, flags: int) -> None:
    name, codec, rule = known
    got = _convert(el, rule, codec, value)
    if rule.keep is None or rule.keep(got, flags):
        setattr(made, name, got)


def _text_of(el: Xml) -> str:
    return "".join(el.itertext()) if len(el) else (el.text or "")


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
