"""Sample elements: a value for every rule of a class, made from its declaration."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pyvirtd.conf.xml import Element, fields
from pyvirtd.conf.xml.fields import Rule
from pyvirtd.conf.xml.hints import class_in, codec_for, hints_of

TEXTS = (
    "3", "2", "1", "0x1", "yes", "a", "on", "0-1", "2.0", "00:11:22:33:44:55", "10.1.2.3", "0755", "0123456789abcdef",
    "c7a5fdbd-edaf-9455-926a-d65c16db1809", "reset", "1.10", "0x1af4", "52:54:00:00:00:01",
    "ff:ff:ff:00:00:00", "fd00::1", "NEW", "SYN/ALL", "src,dst", "no",
)  # fmt: skip

NOT_ALONE = (
    ("Console", "tty"),  # follows from the backend
    ("RedirDev", "bus"),  # has one word
    ("Interface", "passthrough"),  # shares its words with the driver
)


def classes(root: type[Element]) -> list[type[Element]]:
    """Every class that a document of that root can have in it, variants instead of their families."""
    found: dict[Any, None] = {}

    def reach(cls: Any) -> None:
        if cls in found:
            return
        found[cls] = None
        for variant in getattr(cls, "VARIANTS", {}).values() if not cls.VARIANT else ():
            reach(variant)
        for rule in cls.RULES.values():
            inner = class_of(cls, rule)
            if inner is not None:
                reach(inner)

    reach(root)
    return [cls for cls in found if not is_family(cls)]


def is_family(cls: Any) -> bool:
    """A class that only its variants are made of."""
    return hasattr(cls, "VARIANTS") and not cls.VARIANT


def class_of(cls: Any, rule: Rule) -> Any:
    """The class of a rule's elements, if it has one."""
    if isinstance(rule, fields.Child | fields.Children | fields.Inline):
        return rule.cls if rule.cls is not None else class_in(hints_of(cls)[rule.name])
    return None


def concrete(cls: Any) -> Any:
    """A class to make: a family's first variant."""
    return next(iter(cls.VARIANTS.values())) if is_family(cls) else cls


def sample(cls: Any, rule: Rule, depth: int = 0) -> Any:
    """A value for the rule that isn't its default; None where the declaration gives no idea."""
    inner = class_of(cls, rule)
    if isinstance(rule, fields.Flag):
        return True
    if isinstance(rule, fields.Size):
        return 3
    if isinstance(rule, fields.Raw):
        return f'<{rule.path}>\n    <a:b xmlns:a="u"/>\n  </{rule.path}>'
    if inner is not None:
        element = filled(concrete(inner), depth + 1)
        return [element] if isinstance(rule, fields.Children) else element
    codec = codec_for(rule, hints_of(cls))
    value = next(iter(_values(codec, rule)), None)
    return [value] if isinstance(rule, fields.Texts) and value is not None else value


def _values(codec: Any, rule: Rule) -> Iterator[Any]:
    for text in (*reversed(codec.words), *TEXTS):
        try:
            value = codec.parse(text) if codec.parse is not None else text
        except ValueError:
            continue
        if value not in (None, rule.default, rule.omit) and (rule.keep is None or rule.keep(value, 0)):
            yield value


def make(cls: Any, depth: int = 0) -> Any:
    """An element with what it has to have."""
    element = cls()
    for rule in cls.RULES.values():
        if rule.required and not isinstance(rule, fields.Kind) and depth < 8:
            setattr(element, rule.name, sample(cls, rule, depth))
        elif isinstance(rule, fields.Kind) and rule.of and getattr(element, rule.of) is None:
            setattr(element, rule.of, make(concrete(cls.RULES[rule.of].cls), depth + 1))
    return element


def filled(cls: Any, depth: int = 0) -> Any:
    """The same with something in it besides."""
    element = make(cls, depth)
    for rule in rules(cls):
        if not rule.required and depth < 8 and getattr(element, rule.name) in (None, False, [], rule.default):
            setattr(element, rule.name, sample(cls, rule, depth))
            break
    return element


def rules(cls: Any) -> list[Rule]:
    """The rules of a class that have a field in the document, and values to try."""
    return [
        rule
        for rule in cls.RULES.values()
        if not isinstance(rule, fields.Kind | fields.Namespace | fields.Hidden)
        and (cls.__name__, rule.name) not in NOT_ALONE
    ]


