"""Broken and malicious variants of real documents end in an error of ours, or in a document that prints stably."""

from __future__ import annotations

import copy
import random

import pytest
from lxml import etree

from pyvirtd.conf.domain.domain import format_domain, parse_domain
from pyvirtd.conf.domain.postparse import add_implied, arrange_devices, complete_devices, prepare
from pyvirtd.conf.domain.validate import validate
from pyvirtd.errors import VirtError
from tests.conf import corpus

VALUES = (
    "", "-1", "0", "99999999999999999999", "a", "0x", "yes", "on", "4294967296", "é", "٣", "0-", "^1", "x'y<", "none",
    "auto", " 1", "1.5", "::", "hda", "vd", "sd1", "9" * 5000,
)  # fmt: skip


def mutate(root: etree._Element, dice: random.Random) -> None:
    """One thing removed, changed or doubled."""
    elements = [element for element in root.iter() if isinstance(element.tag, str)]
    element = dice.choice(elements)
    parent = element.getparent()
    match dice.randrange(5):
        case 0 if parent is not None:
            parent.remove(element)
        case 1 if element.attrib:
            del element.attrib[dice.choice(list(element.attrib))]
        case 2 if element.attrib:
            element.attrib[dice.choice(list(element.attrib))] = dice.choice(VALUES)
        case 3 if parent is not None:
            parent.append(copy.deepcopy(element))
        case _:
            element.text = dice.choice(VALUES)


@pytest.mark.skipif(not corpus.place().is_dir(), reason="the shared corpus is not beside the repository")
def test_mutations_never_end_in_a_traceback() -> None:
    dice = random.Random(4711)
    files = sorted((corpus.place() / "domain-qemu" / "in").glob("*.xml"))
    good = bad = 0
    while good + bad < 600:
        try:
            root = etree.fromstring(dice.choice(files).read_bytes())
        except etree.XMLSyntaxError:
            continue
        for _ in range(dice.randint(1, 4)):
            mutate(root, dice)
        try:
            domain = parse_domain(etree.tostring(root))
            prepare(domain)
            arrange_devices(domain)
            complete_devices(domain)
            add_implied(domain, video_model="vga")
            validate(domain)
            text = format_domain(domain, corpus.DUMP)
            assert format_domain(parse_domain(text), corpus.DUMP) == text
            good += 1
        except VirtError:
            bad += 1
    assert good > 100
    assert bad > 100
