"""From model to libvirt's text: two spaces a level, single quotes, in the order of the declarations.

Like parsing, by tables compiled at first use; one table per class and set of flags, so that a rule that a dump
does not have costs nothing in it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from pyvirtd.conf.xml import fields
from pyvirtd.conf.xml.element import Element, values
from pyvirtd.conf.xml.fields import Rule
from pyvirtd.conf.xml.names import NAMESPACES
from pyvirtd.conf.xml.reader import class_in, codec_for, hints_of

Out = list[str]


class Attr:
    """One attribute: its text up to the quote, and how its value is spelled."""

    __slots__ = ("format", "index", "plain", "rule", "start")

    def __init__(self, index: int, name: str, rule: Rule, format: Callable[[Any], str]) -> None:
        self.index, self.start, self.rule, self.format = index, f" {name}='", rule, format
        self.plain = rule.when is None and rule.keep is None and rule.omit is fields.NOTHING


class Text(Attr):
    """The element's own text."""

    __slots__ = ()


class Node:
    """What is printed for one element: attributes, then text or contents."""

    __slots__ = ("attrs", "fields", "flag", "hollow", "parts", "read", "tag", "text")

    def __init__(self, tag: str) -> None:
        self.tag = tag
        self.hollow = False
        self.attrs: list[Any] = []
        self.parts: list[Any] = []
        self.text: Text | None = None
        self.flag: int | None = None
        self.fields: list[str] = []
        self.read: Callable[[Any], tuple[Any, ...]] = lambda _: ()

    def index(self, field: str) -> int:
        """Where a field's value stands in what `read` gives."""
        if field not in self.fields:
            self.fields.append(field)
        return self.fields.index(field)

    def finish(self) -> None:
        if self.fields:
            self.read = values(tuple(self.fields))
        for part in self.parts:
            if isinstance(part, Node):
                part.finish()


class Held:
    """A part that is a field's value: a child, children, texts, a group or verbatim XML."""

    __slots__ = ("format", "index", "rule", "tags")

    def __init__(self, index: int, rule: Rule) -> None:
        self.index, self.rule = index, rule
        self.tags: list[str] = []
        self.format: Callable[[Any], str] = str


class Group(Held):
    """The attributes of an inlined group."""

    __slots__ = ()


def plan_of(cls: Any, flags: int) -> Node:
    """The class's compiled form for these flags."""
    key = ("format", flags)
    plan = cls.PLANS.get(key)
    if plan is None:
        plan = cls.PLANS[key] = _compile(cls, flags)
    return cast(Node, plan)


def _compile(cls: Any, flags: int) -> Node:
    root = Node(cls.TAG)
    root.hollow = cls.hollow is not Element.hollow
    hints = hints_of(cls)
    for rule in cls.RULES.values():
        if rule.printed(flags) and not isinstance(rule, fields.Hidden):
            _place(root, rule, hints, flags)
    root.finish()
    return root


def _place(root: Node, rule: Rule, hints: dict[str, Any], flags: int) -> None:
    *wrappers, last = rule.path.split("/")
    if isinstance(rule, fields.Namespace):
        root.attrs.append(f" xmlns:{rule.path}='{NAMESPACES[rule.path]}'")
    elif isinstance(rule, fields.Inline):
        index = root.index(rule.name)
        root.attrs.append(Group(index, rule))
        root.parts.append(Group(index, rule))
    elif isinstance(rule, fields.Child | fields.Children):
        if class_in(hints[rule.name]) is None and rule.cls is None:
            raise TypeError(f"{rule.owner.__name__}.{rule.name}: which class?")
        node = _walk(root, [*wrappers, last] if last else wrappers)
        node.parts.append(Held(node.index(rule.name), rule))
    elif isinstance(rule, fields.Texts):
        node = _walk(root, wrappers[:-1] if last.startswith("@") else wrappers)
        held = Held(node.index(rule.name), rule)
        held.tags = [wrappers[-1], last[1:]] if last.startswith("@") else [last]
        held.format = codec_for(rule, hints).format
        node.parts.append(held)
    elif isinstance(rule, fields.Raw):
        node = _walk(root, wrappers)
        node.parts.append(Held(node.index(rule.name), rule))
    elif isinstance(rule, fields.Flag):
        node = _walk(root, [*wrappers, last])
        node.flag = node.index(rule.name)
    else:
        _place_value(root, rule, hints, wrappers, last, flags)


def _place_value(root: Node, rule: Rule, hints: dict[str, Any], wrappers: list[str], last: str, flags: int) -> None:
    format: Callable[[Any], str] = str
    unit: Callable[[Any], str] = _always(rule.unit) if isinstance(rule, fields.Size) else str
    if not isinstance(rule, fields.Size):
        format = codec_for(rule, hints).format
    elif rule.pretty:
        format, unit = (lambda kib: _pretty(kib)[0]), (lambda kib: _pretty(kib)[1])
    if rule.mask is not None and not flags & fields.Dump.SECURE:
        format = _always(rule.mask)
    if last.startswith("@"):
        node = _walk(root, wrappers)
        node.attrs.append(Attr(node.index(rule.name), last[1:], rule, format))
    else:
        node = _walk(root, [*wrappers, last] if last else wrappers)
        node.text = Text(node.index(rule.name), "", rule, format)
    if isinstance(rule, fields.Size) and not rule.plain:
        node.attrs.append(Attr(node.index(rule.name), "unit", rule, unit))


def _pretty(kib: int) -> tuple[str, str]:
    """3072 -> ("3", "MiB")."""
    for unit in ("KiB", "MiB", "GiB", "TiB"):
        if kib % 1024 or not kib:
            return str(kib), unit
        kib //= 1024
    return str(kib), "PiB"


def _always(word: str) -> Callable[[Any], str]:
    return lambda _: word


def _walk(node: Node, wrappers: list[str]) -> Node:
    for name in wrappers:
        for part in node.parts:
            if isinstance(part, Node) and part.tag == name:
                node = part
                break
        else:
            node.parts.append(made := Node(name))
            node = made
    return node


def write(element: Element, out: Out, indent: str, flags: int, empty: bool = True) -> None:
    """Append the element's lines. `empty` False: nothing when there is nothing in it."""
    cls = type(element)
    plan = cls.PLANS.get(("format", flags)) or plan_of(cls, flags)
    if element.printed(flags):
        _write(plan, element, out, indent, flags, empty)


def _shown(rule: Rule, value: Any, element: Element, flags: int) -> bool:
    return (
        value is not None
        and (rule.omit is fields.NOTHING or value != rule.omit)
        and (rule.when is None or rule.when(element, flags))
        and (rule.keep is None or rule.keep(value, flags))
    )


def _attributes(node: Node, got: tuple[Any, ...], element: Element, flags: int) -> str:
    opening = ""
    for attr in node.attrs:
        if type(attr) is Attr:
            value = got[attr.index]
            if value is not None and (attr.plain or _shown(attr.rule, value, element, flags)):
                opening += f"{attr.start}{attr.format(value)}'"
        elif type(attr) is str:
            opening += attr
        else:
            group = got[attr.index]
            if group is not None and group.printed(flags) and _shown(attr.rule, group, element, flags):
                plan = plan_of(type(group), flags)
                opening += _attributes(plan, plan.read(group), group, flags)
    return opening


def _write(node: Node, element: Element, out: Out, indent: str, flags: int, empty: bool) -> None:
    got = node.read(element)
    opening = _attributes(node, got, element, flags) if node.attrs else ""
    text = node.text
    if text is not None:
        value = got[text.index]
        if value is not None and _shown(text.rule, value, element, flags):
            out.append(f"{indent}<{node.tag}{opening}>{text.format(value)}</{node.tag}>\n")
            return
    mark = len(out)
    if node.parts:
        out.append("")
        _contents(node, got, element, out, indent + "  ", flags)
        if len(out) > mark + 1 or (node.hollow and element.hollow(flags)):
            out[mark] = f"{indent}<{node.tag}{opening}>\n"
            out.append(f"{indent}</{node.tag}>\n")
            return
        out.pop()
    if opening or empty or (node.flag is not None and got[node.flag]):
        out.append(f"{indent}<{node.tag}{opening}/>\n")


def _contents(node: Node, got: tuple[Any, ...], element: Element, out: Out, indent: str, flags: int) -> None:
    for part in node.parts:
        if type(part) is Node:
            _write(part, element, out, indent, flags, False)
            continue
        value = got[part.index]
        if value is None or not _shown(part.rule, value, element, flags):
            continue
        rule = part.rule
        if type(rule) is fields.Children:
            for item in value:
                write(item, out, indent, flags)
        elif type(rule) is fields.Child:
            write(value, out, indent, flags, rule.empty)
        elif type(rule) is fields.Texts:
            _texts(part, value, out, indent)
        elif type(rule) is fields.Raw:
            out.append(f"{indent}{value}\n")
        elif value.printed(flags):
            plan = plan_of(type(value), flags)
            _contents(plan, plan.read(value), value, out, indent, flags)


def _texts(part: Held, items: list[Any], out: Out, indent: str) -> None:
    tag = part.tags[0]
    for item in items:
        if len(part.tags) == 2:
            out.append(f"{indent}<{tag} {part.tags[1]}='{part.format(item)}'/>\n")
        else:
            out.append(f"{indent}<{tag}>{part.format(item)}</{tag}>\n")


def format(element: Element, flags: int = 0, *, indent: int = 0) -> str:
    """The element as libvirt prints it, with a newline at the end. `flags`: bits of `Dump`."""
    out: Out = []
    write(element, out, " " * indent, flags)
    return "".join(out)
