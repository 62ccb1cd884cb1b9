"""Generated printing functions can be read, and name what they print."""

from __future__ import annotations

from pyvirtd.conf.domain.disk import Disk
from pyvirtd.conf.xml import Dump
from pyvirtd.conf.xml.source import text_of
from pyvirtd.conf.xml.writer import writers


def test_the_source_of_a_writer_is_at_hand() -> None:
    text = text_of(writers(0).elements[Disk])
    assert text.startswith("def write(e, out, i, empty):\n")
    assert "<target" in text
    assert "<mirror" not in text  # a child's tag is its own class's to print


def test_rules_that_a_dump_has_not_are_not_in_its_source() -> None:
    assert "e.mirror" in text_of(writers(0).elements[Disk])
    assert "e.mirror" not in text_of(writers(Dump.INACTIVE).elements[Disk])
