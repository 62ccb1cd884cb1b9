"""Generated functions can be read, and do for a document only what is in it."""

from __future__ import annotations

import pytest

from pyvirtd.conf.domain.disk import Disk
from pyvirtd.conf.domain.domain import DomainDef, parse_domain
from pyvirtd.conf.xml import Dump, reader
from pyvirtd.conf.xml.reader import filler_of
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


def test_the_source_of_a_reader_is_at_hand() -> None:
    text = text_of(filler_of(Disk, Dump.INACTIVE))
    assert text.startswith("def fill(m, el, flags):\n")
    assert "'device'" in text


def test_namespaces_are_read_only_where_a_child_is_in_none_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    begin = "<domain type='qemu' xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0'><name>a</name>"
    parse_domain(f"{begin}</domain>")  # generates
    filled: list[object] = []
    real = reader.filler_of
    monkeypatch.setattr(reader, "filler_of", lambda cls, flags: (filled.append(cls), real(cls, flags))[1])
    assert parse_domain(f"{begin}</domain>").qemu is None
    assert filled == []
    found = parse_domain(f"{begin}<q:commandline><q:arg value='-S'/></q:commandline></domain>")
    assert isinstance(found, DomainDef)
    assert found.qemu is not None
    assert filled
