"""Documents that use every declared rule print again byte for byte.

golden/devices-*.xml were printed by libvirt 9.0.0's test driver from definitions written for this test.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from lxml import etree

from pyvirtd.conf.domain.devices import Devices
from pyvirtd.conf.domain.domain import DomainDef, parse_domain
from pyvirtd.conf.xml import Dump, Element, format, parse, read
from tests.conf import corpus

GOLDEN = sorted((Path(__file__).parent / "golden").glob("devices-*.xml"))
FLAGS = Dump.INACTIVE | Dump.SECURE
LIVE = """\
<devices>
  <disk type='file' device='cdrom'>
    <source file='/a' index='3'/>
    <backingStore type='file' index='4'>
      <format type='raw'/>
      <source file='/b'/>
      <backingStore/>
    </backingStore>
    <mirror type='file' file='/c' format='raw' job='copy' ready='yes'>
      <format type='raw'/>
      <source file='/c'/>
    </mirror>
    <target dev='hdc' bus='ide' tray='open'/>
    <readonly/>
    <alias name='ide0-1-0'/>
    <address type='drive' controller='0' bus='1' target='0' unit='0'/>
  </disk>
  <interface type='bridge'>
    <mac address='52:54:00:00:00:01'/>
    <source network='default' portid='c5fc8eb4-cb69-4fea-8f8b-65e00e6d1dba' bridge='virbr0' macTableManager='libvirt'/>
    <target dev='vnet3'/>
    <guest dev='eth0' actual='eth1'/>
    <model type='virtio'/>
    <alias name='net0'/>
  </interface>
  <serial type='pty'>
    <source path='/dev/pts/7'/>
    <target port='0'/>
    <alias name='serial0'/>
  </serial>
  <console type='pty' tty='/dev/pts/7'>
    <source path='/dev/pts/7'/>
    <target type='serial' port='0'/>
    <alias name='serial0'/>
  </console>
  <channel type='unix'>
    <source mode='bind' path='/c'/>
    <target type='virtio' name='org.qemu.guest_agent.0' state='connected'/>
    <alias name='channel0'/>
  </channel>
  <graphics type='vnc' port='5901' autoport='yes' listen='127.0.0.1'>
    <listen type='address' address='127.0.0.1'/>
  </graphics>
</devices>
"""


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_golden_devices_come_back(path: Path) -> None:
    text = path.read_text()
    assert format(parse(Devices, text, FLAGS), FLAGS) == text


def test_live_devices_come_back() -> None:
    assert format(parse(Devices, LIVE, 0)) == LIVE


def test_a_live_definition_dumped_as_inactive_forgets_what_is_live() -> None:
    devices = parse(Devices, LIVE, 0)
    text = format(devices, Dump.INACTIVE)
    for word in ("alias", "/dev/pts", "tty", "vnet3", "portid", "mirror", " index=", "state=", "actual="):
        assert word not in text, word
    assert "tray='open'" in text


def test_passwords_print_only_under_secure() -> None:
    text = "<devices>\n  <graphics type='spice' port='5900' autoport='no' passwd='geheim'>\n"
    devices = parse(Devices, text + "</graphics></devices>")
    assert "geheim" not in format(devices, Dump.INACTIVE)
    assert "passwd" not in format(devices, Dump.INACTIVE)
    assert "passwd='geheim'" in format(devices, Dump.SECURE)
    assert "geheim" not in repr(devices)


@pytest.mark.skipif(not corpus.place().is_dir(), reason="the shared corpus is not beside the repository")
def test_running_guests_come_back() -> None:
    paths = sorted((corpus.place() / "device" / "expect").glob("*.xml"))
    for path in paths:
        text = path.read_text()
        got = format(read(DomainDef, etree.fromstring(text.encode()), 0), Dump.SECURE)
        assert got[got.index("<devices>") :] == text[text.index("<devices>") :], path.name
    assert len(paths) > 20


def _elements(element: Element) -> Iterator[Element]:
    yield element
    for name in type(element).FIELDS:
        value = getattr(element, name)
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, Element):
                yield from _elements(item)


@pytest.mark.skipif(not corpus.place().is_dir(), reason="the shared corpus is not beside the repository")
def test_nearly_every_rule_is_in_some_document() -> None:
    """Those that are not are newer than libvirt 9.0.0, or stand in status documents only."""
    used: dict[type[Element], set[str]] = {}
    documents: list[Element] = [parse(Devices, path.read_text(), FLAGS) for path in GOLDEN]
    documents.append(parse(Devices, LIVE, 0))
    for _, xml, _flags in corpus.printed("domain-qemu", ("xml",)):
        documents.append(parse_domain(xml).devices)
    for path in sorted((corpus.place() / "domain-qemu" / "expect" / "xml").glob("*.xml")):
        documents.append(parse_domain(path.read_bytes()).devices)
    for document in documents:
        for element in _elements(document):
            cls = type(element)
            plain = dict(cls.PLAIN)
            names = {name for name in cls.FIELDS if getattr(element, name) != plain.get(name, [])}
            used.setdefault(cls, set()).update(names)
    unused = {
        f"{cls.__name__}.{name}" for cls, names in used.items() for name in cls.FIELDS if name not in names
        and not cls.RULES[name].status
    }  # fmt: skip
    assert len(unused) < 100, sorted(unused)
