"""The engine: the notation does what `pyvirtd.conf` says it does."""

from __future__ import annotations

import time
from typing import Literal

import pytest

from pyvirtd.conf.xml import (
    Dump,
    Element,
    at,
    child,
    children,
    flag,
    format,
    inline,
    kind,
    must,
    namespace,
    parse,
    raw,
    size,
    text,
    texts,
)
from pyvirtd.conf.xml.types import CpuSet, Hex2, Mac, OnOff, UInt, Uuid, YesNo
from pyvirtd.errors import ConfigUnsupported, ValueOverflow, VirtError, XMLDetail, XMLError


class Address(Element, tag="address", family=True):
    type: str = kind("@type", required=True)


class PciAddress(Address, variant="pci"):
    bus: Hex2 | None = at("@bus")
    multifunction: OnOff | None = at("@multifunction")


class DriveAddress(Address, variant="drive"):
    unit: UInt = at("@unit", 0)


class Source(Element, tag="source", family=True):
    policy: Literal["optional", "mandatory"] | None = at("@startupPolicy", bad=ConfigUnsupported)


class FileSource(Source, variant="file"):
    file: str | None = at("@file")
    inner: FileSource | None = child()


class BlockSource(Source, variant="block"):
    dev: str | None = at("@dev")


class Backend(Element, family=True):
    pass


class Pty(Backend, variant="pty"):
    path: str | None = at("source/@path", live=True)


class Tcp(Backend, variant="tcp"):
    host: str = must("source/@host")
    protocol: str = at("protocol/@type", "raw")


class Console(Element, tag="console"):
    type: str = kind("@type", of="backend", default="pty")
    backend: Backend = inline(Backend)
    port: UInt | None = at("target/@port")


class Device(Element):
    alias: str | None = at("alias/@name", keep=lambda name, flags: name.startswith("ua-") or not flags & Dump.INACTIVE,
                           tail=True)  # fmt: skip
    address: Address | None = child(Address, tail=True)


class Disk(Device, tag="disk"):
    type: str = kind("@type", of="source", default="file")
    device: Literal["disk", "cdrom"] = at("@device", "disk")
    cache: str | None = at("driver/@cache")
    source: Source = child(Source, empty=False)
    queues: UInt | None = at("driver/@queues")
    target: str = must("target/@dev")
    readonly: bool = flag("readonly")
    apic: bool = flag("apic")
    eoi: OnOff | None = at("apic/@eoi")
    password: str | None = at("auth/@password", secure=True)
    consoles: list[Console] = children(Console, under="consoles")


class Extra(Element):
    xmlns: None = namespace("qemu")
    args: list[str] = texts("qemu:commandline/qemu:arg/@value")


class Root(Element, tag="root"):
    id: int | None = at("@id", live=True)
    extra: Extra | None = inline(Extra, optional=True)
    name: str = must("name")
    dump_core: OnOff | None = at("memory/@dumpCore")
    memory: int | None = size("memory")
    mac: Mac | None = at("mac/@address")
    uuid: Uuid | None = at("uuid")
    cpus: CpuSet | None = at("cpus")
    nice: YesNo | None = at("cpus/@nice")
    seen: list[str] = texts("seen")
    disks: list[Disk] = children(Disk)
    metadata: str | None = raw("metadata")


class Note(Element, tag="note"):
    lang: str | None = at("@lang", omit="en")
    body: str | None = text()


DISK = """\
<disk type='file' device='disk'>
  <driver cache='none' queues='4'/>
  <source file='/a &amp; b'/>
  <target dev='vda'/>
  <readonly/>
  <apic eoi='on'/>
  <consoles>
    <console type='pty'/>
    <console type='tcp'>
      <source host='h'/>
      <protocol type='raw'/>
      <target port='1'/>
    </console>
  </consoles>
  <address type='pci' bus='0x1f' multifunction='on'/>
</disk>
"""


def test_a_document_comes_back_as_it_was() -> None:
    disk = parse(Disk, DISK)
    assert format(disk) == DISK
    assert parse(Disk, format(disk)) == disk
    assert disk.copy() == disk
    assert disk.type == "file"
    assert isinstance(disk.source, FileSource)
    assert disk.line == 1
    assert disk.consoles[1].line == 9


def test_a_made_object_prints_like_a_read_one() -> None:
    disk = Disk(source=BlockSource(dev="/dev/x"), target="vda", address=DriveAddress(unit=3))
    assert format(disk, indent=2) == (
        "  <disk type='block' device='disk'>\n    <source dev='/dev/x'/>\n    <target dev='vda'/>\n"
        "    <address type='drive' unit='3'/>\n  </disk>\n"
    )
    assert format(Disk(target="hda")) == "<disk type='file' device='disk'>\n  <target dev='hda'/>\n</disk>\n"
    with pytest.raises(TypeError, match="no field 'targett'"):
        Disk(target="a", targett="b")  # type: ignore[call-arg]


def test_copies_are_deep() -> None:
    disk = parse(Disk, DISK)
    twin = disk.copy()
    twin.consoles[0].port = 7
    assert disk.consoles[0].port is None
    assert twin != disk


def test_dumps_show_what_they_are_for() -> None:
    xml = "<disk type='file'><target dev='a'/><auth password='p'/><alias name='disk0'/></disk>"
    live = parse(Disk, xml, 0)
    assert "password" not in format(live)
    assert "password='p'" in format(live, Dump.SECURE)
    assert "p" not in repr(live).partition("Disk(")[2].replace("type", "").split("'")
    assert "disk0" in format(live)
    assert "disk0" not in format(live, Dump.INACTIVE)
    assert parse(Disk, xml).alias is None
    assert parse(Disk, xml.replace("disk0", "ua-1")).alias == "ua-1"


def test_values() -> None:
    root = parse(
        Root,
        "<root id='5' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><name>n</name>"
        "<memory unit='MiB' dumpCore='off'>2</memory>"
        "<mac address='52:54:0:AB:1:2'/><uuid>C7A5FDBDEDAF9455926AD65C16DB1809</uuid><cpus nice='yes'>0-3,^2,8</cpus>"
        "<seen>a</seen><seen>b</seen><junk/><metadata><a:x xmlns:a=\"u\"> t <!-- c --></a:x></metadata>"
        "<qemu:commandline><qemu:arg value='-foo'/></qemu:commandline></root>",
    )
    assert root.id is None
    assert root.cpus == {0, 1, 3, 8}
    assert format(root) == (
        "<root xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>\n"
        "  <qemu:commandline>\n    <qemu:arg value='-foo'/>\n  </qemu:commandline>\n"
        "  <name>n</name>\n  <memory dumpCore='off' unit='KiB'>2048</memory>\n  <mac address='52:54:00:ab:01:02'/>\n"
        "  <uuid>c7a5fdbd-edaf-9455-926a-d65c16db1809</uuid>\n  <cpus nice='yes'>0-1,3,8</cpus>\n"
        "  <seen>a</seen>\n  <seen>b</seen>\n"
        '  <metadata>\n    <a:x xmlns:a="u"> t <!-- c --></a:x>\n  </metadata>\n</root>\n'
    )
    assert parse(Root, format(root)) == root
    assert format(parse(Note, "<note lang='en'>a<b/>c</note>")) == "<note>ac</note>\n"


@pytest.mark.parametrize(
    ("cls", "xml", "error", "words"),
    [
        (Disk, "<disk device='x'><target dev='a'/></disk>", XMLError, ["line 1", "<disk>", "device='x'", "cdrom"]),
        (Disk, "<disk type='x'/>", XMLError, ["type='x'", "file, block"]),
        (Disk, "<disk>\n<target/></disk>", XMLError, ["line 1", "target/@dev", "missing"]),
        (Disk, "<disk><source startupPolicy='q'/></disk>", ConfigUnsupported, ["startupPolicy='q'", "mandatory"]),
        (Disk, "<disk><target dev='a'/><address/></disk>", XMLError, ["@type", "missing"]),
        (Disk, "<disk><driver queues='-1'/></disk>", XMLError, ["queues='-1'", "whole number"]),
        (Disk, "<disk><driver queues='1_0'/></disk>", XMLError, ["1_0"]),
        (Disk, "<disk><driver queues='" + "1" * 5000 + "'/></disk>", XMLError, ["…"]),
        (Root, "<root><memory unit='XB'>1</memory></root>", XMLError, ["XB", "KiB"]),
        (Root, "<root><memory unit='EiB'>99</memory></root>", ValueOverflow, ["16 EiB"]),
        (Root, "<root><cpus>3-1</cpus></root>", XMLError, ["3-1"]),
        (Root, "<root><cpus>0-99999999999</cpus></root>", XMLError, ["set of CPUs"]),
        (Disk, "<domain/>", XMLError, ["<domain>", "<disk>"]),
        (Disk, "<disk>\n<a></disk>", XMLDetail, ["line 2"]),
        (Disk, "", XMLDetail, ["document"]),
        (Disk, b"\xff\xfe<\0", XMLDetail, ["NUL"]),
        (Disk, b"<?xml version='1.0' encoding='UTF-7'?><disk/>", XMLDetail, ["UTF-7"]),
        (Disk, b"<disk><target dev='\xe4'/></disk>", XMLDetail, ["line 1"]),
        (Disk, "<!DOCTYPE disk [<!ENTITY a 'b'>]><disk/>", XMLDetail, ["DOCTYPE"]),
        (Disk, "<?xml version='1.0'?><!-- x --> <!DOCTYPE disk SYSTEM 'file:///etc/passwd'><disk/>", XMLDetail,
         ["DOCTYPE"]),
        (Disk, "<disk>&e;</disk>", XMLDetail, ["line 1"]),
        (Disk, "<a>" * 10000 + "</a>" * 10000, XMLDetail, ["line 1"]),
        (Disk, "<disk><target dev='a'/><x>" + "y" * (64 << 20) + "</x></disk>", XMLDetail, ["bytes"]),
        (Disk, "<disk><target dev='a'/><x>" + "y" * (11 << 20) + "</x></disk>", XMLDetail, ["line"]),
        (Disk, "<disk type='file'>" + "<source>" * 260 + "</source>" * 260 + "</disk>", XMLDetail, ["depth"]),
    ],
)  # fmt: skip
def test_what_is_refused(cls: type[Element], xml: str | bytes, error: type[VirtError], words: list[str]) -> None:
    start = time.perf_counter()
    with pytest.raises(error) as caught:
        parse(cls, xml)
    assert time.perf_counter() - start < 2
    for word in words:
        assert word in caught.value.message
    assert len(caught.value.message) < 500


def test_what_libxml2_lets_through_is_not_too_deep_for_us() -> None:
    """Nothing that has been read once may end in a RecursionError later."""
    disk = parse(Disk, "<disk type='file'><target dev='a'/>" + "<source>" * 240 + "</source>" * 240 + "</disk>")
    assert disk.copy() == disk
    assert parse(Disk, format(disk)) == disk


def test_a_billion_laughs_are_not_laughed() -> None:
    entities = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10 if i else "lol"}">' for i in range(10))
    with pytest.raises(XMLDetail):
        parse(Disk, f"<!DOCTYPE disk [{entities}]><disk><target dev='&l9;'/></disk>")


def test_the_first_of_equals_counts() -> None:
    disk = parse(Disk, "<disk><target dev='a'/><target dev='b'/><source file='1'/><source file='2'/></disk>")
    assert disk.target == "a"
    assert isinstance(disk.source, FileSource)
    assert disk.source.file == "1"
