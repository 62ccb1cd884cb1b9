"""What the VALIDATE flags hold a document against, from the declarations; as RELAX NG for whoever wants it.

    python -m pyvirtd.conf.schema            prints the schema of <domain>

The schema says which elements and attributes there are and how their values are spelled. It has no order, and does
not ask for anything: what is missing, parsing says with a better message.
"""

from __future__ import annotations

import functools
import re
import sys
from typing import Any
from xml.sax.saxutils import escape, quoteattr, unescape

from lxml import etree

from pyvirtd.conf.xml import fields
from pyvirtd.conf.xml.document import load
from pyvirtd.conf.xml.fields import Rule
from pyvirtd.conf.xml.hints import class_in, codec_for, hints_of
from pyvirtd.conf.xml.names import NAMESPACES
from pyvirtd.conf.xml.types import Codec
from pyvirtd.errors import ErrorDomain, XMLInvalidSchema

RNG = "http://relaxng.org/ns/structure/1.0"
XSD = "http://www.w3.org/2001/XMLSchema-datatypes"
ANY = (
    "<define name='any'><zeroOrMore><choice><attribute><anyName/></attribute><text/>"
    "<element><anyName/><ref name='any'/></element></choice></zeroOrMore></define>"
)
UNIT = "<data type='string'><param name='pattern'>[a-zA-Z]*</param></data>"


class Spec:
    """What one element may hold."""

    def __init__(self) -> None:
        self.attrs: dict[str, list[str]] = {}
        self.texts: list[str] = []
        self.kids: dict[str, Kid] = {}

    def attr(self, name: str, pattern: str) -> None:
        known = self.attrs.setdefault(name, [])
        if pattern not in known:
            known.append(pattern)

    def kid(self, tag: str) -> Kid:
        return self.kids.setdefault(tag, Kid())

    def walk(self, wrappers: list[str]) -> Spec:
        spec = self
        for name in wrappers:
            spec = spec.kid(name).spec()
        return spec


class Kid:
    """A child element: its own contents, or those of classes; once or often."""

    def __init__(self) -> None:
        self.own: Spec | None = None
        self.united = False
        self.classes: list[Any] = []
        self.many = False
        self.raw = False

    def spec(self) -> Spec:
        if self.own is None:
            self.own = Spec()
        return self.own

    def union(self) -> Spec:
        """Everything that may be in it, whichever class it is."""
        spec = self.spec()
        if not self.united:
            self.united = True
            for cls in dict.fromkeys(self.classes):
                _add(spec, cls)
        return spec


def value_pattern(codec: Codec) -> str:
    """The RELAX NG pattern of a value."""
    if codec.words:
        return "".join(f"<value>{escape(word)}</value>" for word in codec.words)
    if codec.pattern is not None:
        return f"<data type='string'><param name='pattern'>\\s*({escape(codec.pattern)})\\s*</param></data>"
    return "<text/>"


def spec_of(cls: Any) -> Spec:
    """What an element of a class may hold."""
    spec = Spec()
    _add(spec, cls)
    return spec


def _add(spec: Spec, cls: Any) -> None:
    hints = hints_of(cls)
    for rule in cls.RULES.values():
        if isinstance(rule, fields.Namespace | fields.Hidden):
            continue
        if isinstance(rule, fields.Kind):
            words = [cls.VARIANT] if not rule.of else list(cls.RULES[rule.of].cls.VARIANTS)
            for word in words:
                spec.attr(rule.path[1:], f"<value>{escape(word)}</value>")
        elif isinstance(rule, fields.Inline):
            for each in _variants(rule.cls):
                _add(spec, each)
        else:
            _place(spec, rule, hints)


def _variants(cls: Any) -> list[Any]:
    """The classes an element of that class may be."""
    if hasattr(cls, "VARIANTS") and not cls.VARIANT:
        return list(cls.VARIANTS.values())
    return [cls]


def _place(spec: Spec, rule: Rule, hints: dict[str, Any]) -> None:
    *wrappers, last = rule.path.split("/")
    if isinstance(rule, fields.Child | fields.Children):
        cls = rule.cls if rule.cls is not None else class_in(hints[rule.name])
        inside = spec.walk([*wrappers, last] if last else wrappers)
        for each in _variants(cls):
            kid = inside.kid(each.TAG)
            kid.classes.append(each)
            kid.many = kid.many or isinstance(rule, fields.Children)
    elif isinstance(rule, fields.Raw):
        spec.walk(wrappers).kid(last).raw = True
    elif isinstance(rule, fields.Flag):
        spec.walk([*wrappers, last])
    elif isinstance(rule, fields.Texts):
        _texts(spec, wrappers, last, value_pattern(codec_for(rule, hints)))
    elif isinstance(rule, fields.Size):
        attribute = last.startswith("@")
        inside = spec.walk(wrappers if attribute or not last else [*wrappers, last])
        number = "<data type='string'><param name='pattern'>\\s*[0-9]+\\s*</param></data>"
        if attribute:
            inside.attr(last[1:], number)
        else:
            inside.texts.append(number)
        inside.attr("unit", UNIT)
    elif last.startswith("@"):
        spec.walk(wrappers).attr(last[1:], value_pattern(codec_for(rule, hints)))
    else:
        inside = spec.walk([*wrappers, last] if last else wrappers)
        inside.texts.append(value_pattern(codec_for(rule, hints)))


def _texts(spec: Spec, wrappers: list[str], last: str, pattern: str) -> None:
    attribute = last.startswith("@")
    tag = wrappers[-1] if attribute else last
    kid = spec.walk(wrappers[:-1] if attribute else wrappers).kid(tag)
    kid.many = True
    if attribute:
        kid.spec().attr(last[1:], pattern)
    else:
        kid.spec().texts.append(pattern)


class Schema:
    """Writes the grammar of a root class."""

    def __init__(self, root: Any) -> None:
        self.root = root
        self.names: dict[Any, str] = {}
        self.waiting: list[Any] = []

    def name(self, cls: Any) -> str:
        """The name of a class's contents in the grammar."""
        if cls not in self.names:
            self.names[cls] = f"{cls.__name__}-{len(self.names)}"
            self.waiting.append(cls)
        return self.names[cls]

    def text(self) -> str:
        """The grammar."""
        start = self._element(self.root.TAG, f"<ref name='{self.name(self.root)}'/>")
        defines = []
        while self.waiting:
            cls = self.waiting.pop()
            defines.append(f"<define name='{self.names[cls]}'>{self._contents(spec_of(cls))}</define>\n")
        return (
            f"<grammar xmlns='{RNG}' datatypeLibrary='{XSD}'>\n<start>{start}</start>\n"
            + "".join(defines) + ANY + "\n</grammar>\n"
        )  # fmt: skip

    def _element(self, tag: str, inside: str) -> str:
        prefix, colon, local = tag.rpartition(":")
        namespace = f" ns='{NAMESPACES[prefix]}'" if colon else ""
        return f"<element name={quoteattr(local)}{namespace}>{inside}</element>"

    def _contents(self, spec: Spec) -> str:
        parts = [
            f"<optional><attribute name='{name}'><choice>{''.join(patterns)}</choice></attribute></optional>"
            for name, patterns in spec.attrs.items()
        ]
        if not spec.kids:
            if spec.texts:
                parts.append(f"<choice><empty/>{''.join(dict.fromkeys(spec.texts))}</choice>")
            return "".join(parts) or "<empty/>"
        kids = [self._kid(tag, kid) for tag, kid in spec.kids.items()]
        if spec.texts:
            kids.append("<text/>")
        parts.append(f"<interleave>{''.join(kids)}</interleave>")
        return "".join(parts)

    def _kid(self, tag: str, kid: Kid) -> str:
        if kid.raw:
            inside = "<ref name='any'/>"
        else:
            if kid.own is not None:  # a wrapper of some rules and an element of its own to others: all of it together
                inside = self._contents(kid.union())
            else:
                choices = [f"<ref name='{self.name(cls)}'/>" for cls in dict.fromkeys(kid.classes)]
                inside = f"<choice>{''.join(choices)}</choice>"
        often = "zeroOrMore" if kid.many else "optional"
        return f"<{often}>{self._element(tag, inside)}</{often}>"


_known = functools.cache(spec_of)
"""`spec_of` for looking things up in; a grammar is written from one of its own."""


def check_schema(root: Any, xml: str | bytes, *, what: str = "document") -> None:
    """Hold a document against the schema of its root class. XMLInvalidSchema with the line that does not fit.

    The declarations are asked, not the grammar that they give: libxml2 tries every subset of an element's optional
    attributes, so that twenty of them take it minutes, and its time grows with the square of the elements.
    """
    tree = load(xml, root.TAG, what=what)
    told = _misfit(_known(root), tree)
    if told is not None:
        raise XMLInvalidSchema(f"{what} does not fit the schema: {told}", domain=ErrorDomain.XML)


def _misfit(spec: Spec, el: etree._Element) -> str | None:
    """The first thing that does not fit, in words; None when everything does."""
    return _attribute_misfit(spec, el) or _text_misfit(spec, el) or _child_misfit(spec, el)


def _attribute_misfit(spec: Spec, el: etree._Element) -> str | None:
    for name, value in el.items():
        known = spec.attrs.get(str(name))
        if known is None:
            return f"{_where(el)} has no attribute {str(name)[:60]}" + _instead(spec.attrs)
        if not any(_fits(pattern, value) for pattern in known):
            return f"{_where(el)}: {name!s}={value[:60]!r} {_right(known)}"
    return None


def _text_misfit(spec: Spec, el: etree._Element) -> str | None:
    text = (el.text or "").strip()
    if not text or any(_fits(pattern, el.text or "") for pattern in spec.texts):
        return None
    if not spec.texts:
        return f"{_where(el)} has no text of its own: {text[:60]!r}"
    return f"{_where(el)}: {text[:60]!r} {_right(spec.texts)}"


def _child_misfit(spec: Spec, el: etree._Element) -> str | None:
    seen: set[str] = set()
    for sub in el:
        if not isinstance(sub.tag, str):
            continue
        name = _prefixed(sub.tag)
        kid = spec.kids.get(name)
        if kid is None:
            around = _prefixed(str(el.tag))
            return f"line {sub.sourceline}: <{around}> has no element <{name[:60]}>" + _instead(spec.kids)
        if name in seen and not kid.many:
            return f"line {sub.sourceline}: <{_prefixed(str(el.tag))}> has one <{name}>, this is another"
        seen.add(name)
        if not kid.raw:
            told = _misfit(_meant(kid, sub), sub)
            if told is not None:
                return told
    return None


def _where(el: etree._Element) -> str:
    return f"line {el.sourceline}, <{_prefixed(str(el.tag))}>"


def _right(patterns: list[str]) -> str:
    words = [word for pattern in patterns for word in _words(pattern)]
    return f"has to be one of {', '.join(words)}" if words else "is not of its kind"


def _fits(pattern: str, value: str) -> bool:
    """Whether a value is what its pattern, as `value_pattern` writes it, asks for."""
    if pattern.startswith("<value>"):
        return value in _words(pattern)
    if not pattern.startswith("<data"):
        return True
    return _expression(pattern).fullmatch(value) is not None


@functools.cache
def _expression(pattern: str) -> re.Pattern[str]:
    return re.compile(unescape(pattern.partition("'pattern'>")[2].removesuffix("</param></data>")), re.ASCII)


def _meant(kid: Kid, el: etree._Element) -> Spec:
    """The variant that an element says it is; everything that it may be when it doesn't say."""
    if kid.own is None and len(kid.classes) == 1:
        return _known(kid.classes[0])
    for cls in kid.classes:
        for rule in cls.RULES.values():
            if isinstance(rule, fields.Kind) and not rule.of and el.get(rule.path[1:]) == cls.VARIANT:
                return _known(cls)
    return kid.union()


def _words(pattern: str) -> list[str]:
    return [part.partition("</value>")[0] for part in pattern.split("<value>")[1:]]


def _instead(names: dict[str, Any]) -> str:
    return f"; it has {', '.join(names)}" if names else ""


def _prefixed(tag: str) -> str:
    """lxml's {uri}name as the declarations write it."""
    uri, brace, local = tag[1:].partition("}")
    if not brace:
        return tag
    return next((f"{prefix}:{local}" for prefix, known in NAMESPACES.items() if known == uri), tag)


def main() -> None:
    """Print the schema of <domain>."""
    from pyvirtd.conf.domain.domain import DomainDef

    sys.stdout.write(Schema(DomainDef).text())


if __name__ == "__main__":
    main()
