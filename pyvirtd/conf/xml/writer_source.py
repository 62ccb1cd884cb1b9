"""The source of the functions that print a class: its rules in order, every fixed piece of text in a literal.

A class's rules become a tree of `Node`s, one for each XML element that they mention; a node becomes straight code
that reads each field once. What is absent costs one comparison.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pyvirtd.conf.xml import fields
from pyvirtd.conf.xml.element import Element
from pyvirtd.conf.xml.fields import Rule
from pyvirtd.conf.xml.hints import class_in, codec_for, hints_of
from pyvirtd.conf.xml.names import NAMESPACES
from pyvirtd.conf.xml.source import Source, literal
from pyvirtd.conf.xml.types import Codec, escape, is_plain

if TYPE_CHECKING:
    from pyvirtd.conf.xml.writer import Writers

Spell = Callable[[Source, str], str]  # the part of an f-string that spells the value of a variable


class Spelled:
    """An attribute, or an element's text: a field and how it is spelled."""

    __slots__ = ("name", "rule", "spell")

    def __init__(self, name: str, rule: Rule, spell: Spell) -> None:
        self.name, self.rule, self.spell = name, rule, spell


class Held:
    """A part that is a field's value: a child, children, texts, a group or verbatim XML."""

    __slots__ = ("rule", "spell", "tags")

    def __init__(self, rule: Rule, tags: list[str] | None = None, spell: Spell | None = None) -> None:
        self.rule, self.tags, self.spell = rule, tags or [], spell


class Node:
    """What is printed for one element: attributes (fixed text, fields, groups), then text or parts."""

    __slots__ = ("attrs", "flag", "parts", "tag", "text")

    def __init__(self, tag: str) -> None:
        self.tag = tag
        self.attrs: list[str | Spelled | Held] = []
        self.parts: list[Node | Held] = []
        self.text: Spelled | None = None
        self.flag: str | None = None

    def rules(self) -> list[Rule]:
        """The rules of everything in it."""
        found = [attr.rule for attr in self.attrs if not isinstance(attr, str)]
        found += [self.text.rule] if self.text is not None else []
        for part in self.parts:
            found += part.rules() if isinstance(part, Node) else [part.rule]
        return found

    def flags(self) -> list[str]:
        """The fields that say whether an element in it is there."""
        found = [self.flag] if self.flag is not None else []
        for part in self.parts:
            found += part.flags() if isinstance(part, Node) else []
        return found


def tree(cls: Any, flags: int) -> Node:
    """The class as it is printed under these flags."""
    root = Node(cls.TAG)
    hints = hints_of(cls)
    for rule in cls.RULES.values():
        if rule.printed(flags) and not isinstance(rule, fields.Hidden):
            _place(root, rule, hints, flags)
    return root


def _place(root: Node, rule: Rule, hints: dict[str, Any], flags: int) -> None:
    *wrappers, last = rule.path.split("/")
    if isinstance(rule, fields.Namespace):
        root.attrs.append(f" xmlns:{rule.path}='{NAMESPACES[rule.path]}'")
    elif isinstance(rule, fields.Inline):
        root.attrs.append(Held(rule))
        root.parts.append(Held(rule))
    elif isinstance(rule, fields.Child | fields.Children):
        if class_in(hints[rule.name]) is None and rule.cls is None:
            raise TypeError(f"{rule.owner.__name__}.{rule.name}: which class?")
        _walk(root, [*wrappers, last] if last else wrappers).parts.append(Held(rule))
    elif isinstance(rule, fields.Texts):
        attribute = last.startswith("@")
        tags = [wrappers.pop(), last[1:]] if attribute else [last]
        _walk(root, wrappers).parts.append(Held(rule, tags, _by_codec(codec_for(rule, hints))))
    elif isinstance(rule, fields.Raw):
        _walk(root, wrappers).parts.append(Held(rule))
    elif isinstance(rule, fields.Flag):
        _walk(root, [*wrappers, last]).flag = rule.name
    else:
        _place_value(root, rule, hints, wrappers, last, flags)


def _place_value(root: Node, rule: Rule, hints: dict[str, Any], wrappers: list[str], last: str, flags: int) -> None:
    unit: Spell | None = None
    if not isinstance(rule, fields.Size):
        spell = _by_codec(codec_for(rule, hints))
    elif rule.pretty:
        spell, unit = _by_call(lambda kib: _pretty(kib)[0]), _by_call(lambda kib: _pretty(kib)[1])
    else:
        spell, unit = _by_call(str), _always(rule.unit)
    if last.startswith("@"):
        node = _walk(root, wrappers)
        node.attrs.append(Spelled(last[1:], rule, spell))
    else:
        node = _walk(root, [*wrappers, last] if last else wrappers)
        node.text = Spelled("", rule, spell)
    if isinstance(rule, fields.Size) and not rule.plain and unit is not None:
        node.attrs.append(Spelled("unit", rule, unit))


def _pretty(kib: int) -> tuple[str, str]:
    """3072 -> ("3", "MiB")."""
    for unit in ("KiB", "MiB", "GiB", "TiB"):
        if kib % 1024 or not kib:
            return str(kib), unit
        kib //= 1024
    return str(kib), "PiB"


def _always(word: str) -> Spell:
    return lambda source, value: literal(word)


def _by_call(format: Callable[[Any], str]) -> Spell:
    if format is str:
        return lambda source, value: f"{{{value}}}"
    return lambda source, value: f"{{{source.refer('show', format)}({value})}}"


def _by_codec(codec: Codec) -> Spell:
    if codec.format is escape:
        return lambda source, value: f"{{{value} if plain({value}) is None else escape({value})}}"
    if codec.spelled:
        return lambda source, value: codec.spelled.replace("VALUE", value)
    return _by_call(codec.format)


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


def element(cls: Any, writers: Writers) -> Callable[..., None]:
    """(element, lines, indentation, empty) -> None."""
    printer = Printer(cls, writers)
    printer.unless_printed("return")
    printer.source.line("add = out.append")
    printer.node(tree(cls, writers.flags), 0, root=True)
    return printer.source.compile(f"writer of {cls.__qualname__}, flags {writers.flags}", "write(e, out, i, empty)")


def attributes(cls: Any, writers: Writers) -> Callable[..., str]:
    """(group) -> text."""
    printer = Printer(cls, writers)
    printer.unless_printed("return ''")
    opening = printer.opening(tree(cls, writers.flags))
    printer.source.line(f'return f"{opening}"')
    return printer.source.compile(f"writer of {cls.__qualname__}'s attributes, flags {writers.flags}", "write(e)")


def contents(cls: Any, writers: Writers) -> Callable[..., None]:
    """(group, lines, indentation) -> None."""
    printer = Printer(cls, writers)
    root = tree(cls, writers.flags)
    if root.parts:
        printer.unless_printed("return")
        printer.source.line("add = out.append")
        printer.parts(root, -1)
    return printer.source.compile(f"writer of {cls.__qualname__}'s contents, flags {writers.flags}", "write(e, out, i)")


class Printer:
    """Writes source for one class. In it: e the element, i its indentation, out the lines, add = out.append."""

    def __init__(self, cls: Any, writers: Writers) -> None:
        self.cls, self.flags = cls, writers.flags
        self.source = Source(
            plain=is_plain, escape=escape, elements=writers.elements, attributes=writers.attributes,
            contents=writers.contents,
        )  # fmt: skip

    def unless_printed(self, leave: str) -> None:
        if self.cls.printed is not Element.printed:
            self.source.line(f"if not e.printed({self.flags}): {leave}")

    def shown(self, rule: Rule, value: str) -> str:
        """The condition under which the rule prints the value of a variable."""
        terms = [f"{value} is not None"]
        if rule.omit is not fields.NOTHING:
            terms.append(f"{value} != {self.source.refer('omit', rule.omit)}")
        if rule.when is not None:
            terms.append(f"{self.source.refer('when', rule.when)}(e, {self.flags})")
        if rule.keep is not None:
            terms.append(f"{self.source.refer('keep', rule.keep)}({value}, {self.flags})")
        return " and ".join(terms)

    def opening(self, node: Node) -> str:
        """Collects the attributes; what is for an f-string to say after the tag."""
        if not node.attrs:
            return ""
        source, text = self.source, self.source.fresh("o")
        fixed = "".join(attr for attr in node.attrs if isinstance(attr, str))
        if not node.attrs or all(isinstance(attr, str) for attr in node.attrs):
            return literal(fixed)
        source.line(f"{text} = ''")
        for attr in node.attrs:
            if isinstance(attr, str):
                source.line(f'{text} += "{attr}"')
                continue
            source.line(f"v = e.{attr.rule.name}")
            said = "attributes[type(v)](v)"
            if isinstance(attr, Spelled):
                said = f"f\" {attr.name}='{attr.spell(source, 'v')}'\""
            with source.block(f"if {self.shown(attr.rule, 'v')}:"):
                source.line(f"{text} += {said}")
        return f"{{{text}}}"

    def node(self, node: Node, depth: int, *, root: bool = False) -> None:
        """Everything of an element that is indented by `depth` steps; `root`: the class's own element."""
        source, margin = self.source, "{i}" + "  " * depth
        opening = self.opening(node)
        closed = f'add(f"{margin}<{node.tag}{opening}/>\\n")'
        # What makes an element without contents worth printing.
        reasons = [opening.strip("{}") if opening.startswith("{") else "True"] if opening else []
        reasons += ["empty"] if root else []
        reasons += [f"e.{node.flag}"] if node.flag is not None else []
        reason = " or ".join(reasons)
        if node.text is not None:
            source.line(f"v = e.{node.text.rule.name}")
            with source.block(f"if {self.shown(node.text.rule, 'v')}:"):
                spelled = node.text.spell(source, "v")
                source.line(f'add(f"{margin}<{node.tag}{opening}>{spelled}</{node.tag}>\\n")')
            if node.parts:
                with source.block("else:"):
                    self.around(node, depth, opening, reason, closed, root)
            elif reason:
                source.line(f"elif {reason}: {closed}")
        elif node.parts:
            self.around(node, depth, opening, reason, closed, root)
        elif reason:
            source.line(f"if {reason}: {closed}")

    def around(self, node: Node, depth: int, opening: str, reason: str, closed: str, root: bool) -> None:
        """The parts between the tags, or what stands for them when there are none."""
        source, mark = self.source, self.source.fresh("n")
        held = [] if root else self.anything(node)
        if held:
            with source.block(f"if {' or '.join(held)}:"):
                self.filled(node, depth, opening, mark, reason, root)
            if reason:
                source.line(f"elif {reason}: {closed}")
        else:
            self.filled(node, depth, opening, mark, reason, root)

    def filled(self, node: Node, depth: int, opening: str, mark: str, reason: str, root: bool) -> None:
        """Parts of which some may be there: the opening tag is taken back when it turns out that none is."""
        source, margin = self.source, "{i}" + "  " * depth
        source.line(f"{mark} = len(out) + 1")
        source.line(f'add(f"{margin}<{node.tag}{opening}>\\n")')
        self.parts(node, depth)
        hollow = root and self.cls.hollow is not Element.hollow
        full = f"len(out) > {mark}" + (f" or e.hollow({self.flags})" if hollow else "")
        source.line(f'if {full}: add(f"{margin}</{node.tag}>\\n")')
        if reason:
            source.line(f'elif {reason}: out[-1] = f"{margin}<{node.tag}{opening}/>\\n"')
        source.line("else: out.pop()")

    def anything(self, node: Node) -> list[str]:
        """Conditions of which one holds when one of the node's parts has something to say."""
        terms: dict[str, None] = {}
        for part in node.parts:
            for rule in part.rules() if isinstance(part, Node) else [part.rule]:
                several = isinstance(rule, fields.Children | fields.Texts)
                terms[f"e.{rule.name}" if several else f"e.{rule.name} is not None"] = None
            for name in part.flags() if isinstance(part, Node) else []:
                terms[f"e.{name}"] = None
        return list(terms)

    def parts(self, node: Node, depth: int) -> None:
        """The contents of an element, in order."""
        source, margin = self.source, "i"
        if depth >= 0 and any(isinstance(part, Held) for part in node.parts):
            margin = source.fresh("i")
            source.line(f"{margin} = i + '{'  ' * (depth + 1)}'")
        for part in node.parts:
            if isinstance(part, Node):
                self.node(part, depth + 1)
            else:
                self.held(part, margin)

    def held(self, part: Held, margin: str) -> None:
        """One part that is a field's value."""
        source, rule = self.source, part.rule
        source.line(f"v = e.{rule.name}")
        with source.block(f"if {self.shown(rule, 'v')}:"):
            if isinstance(rule, fields.Children):
                source.line(f"for w in v: elements[type(w)](w, out, {margin}, True)")
            elif isinstance(rule, fields.Child):
                source.line(f"elements[type(v)](v, out, {margin}, {rule.empty})")
            elif isinstance(rule, fields.Raw):
                source.line(f'add(f"{{{margin}}}{{v}}\\n")')
            elif isinstance(rule, fields.Inline):
                source.line(f"contents[type(v)](v, out, {margin})")
            elif part.spell is not None:
                tag, spelled = part.tags[0], part.spell(source, "w")
                said = f">{spelled}</{tag}>" if len(part.tags) == 1 else f" {part.tags[1]}='{spelled}'/>"
                source.line(f'for w in v: add(f"{{{margin}}}<{tag}{said}\\n")')
