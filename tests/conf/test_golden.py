"""Pairs of a document as written and as the real libvirtd 9.0.0 (test driver) printed it.

definition: everything apart from devices, in a muddled order.
"""

from __future__ import annotations

from pathlib import Path

from pyvirtd.conf.domain.domain import format_domain, parse_domain
from pyvirtd.conf.domain.postparse import prepare
from pyvirtd.conf.xml import Dump

GOLDEN = Path(__file__).parent / "golden"
DUMP = Dump.INACTIVE | Dump.SECURE


def test_a_definition_with_everything() -> None:
    printed = (GOLDEN / "definition.out.xml").read_text()
    assert format_domain(parse_domain(printed), DUMP) == printed
    domain = parse_domain((GOLDEN / "definition.in.xml").read_bytes())
    prepare(domain)
    assert format_domain(domain, DUMP) == printed
    again = parse_domain(printed)
    prepare(again)
    assert again == domain
