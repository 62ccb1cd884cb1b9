"""Devices are completed as the real library completes them for its test driver, which adds nothing of its own."""

from __future__ import annotations

import json
import re

import pytest

from pyvirtd.conf.domain.address import CcidAddress, DriveAddress
from pyvirtd.conf.domain.controller import Controller
from pyvirtd.conf.domain.disk import Disk
from pyvirtd.conf.domain.domain import DomainDef, format_domain, parse_domain
from pyvirtd.conf.domain.postparse import add_implied, arrange_devices, complete_devices, prepare
from pyvirtd.conf.domain.postparse.order import disk_index
from pyvirtd.conf.xml import Dump
from pyvirtd.errors import ConfigUnsupported, InternalError, NoSource, NoTarget
from tests.conf import corpus

HEAD = "<domain type='test'><name>t</name><memory>65536</memory><os><type>hvm</type></os><devices>"


def complete(devices: str) -> DomainDef:
    """A guest with these devices, after post-parse."""
    return finish(parse_domain(f"{HEAD}{devices}</devices></domain>"))


def finish(domain: DomainDef) -> DomainDef:
    """All steps, with the test driver's only own default: its video card."""
    prepare(domain)
    arrange_devices(domain)
    for _ in range(2):
        for video in domain.devices.videos:
            video.model = video.model or "cirrus"
        complete_devices(domain)
        add_implied(domain)
    return domain


def _comparable(xml: str) -> str:
    """Less what is random, or the test driver's own."""
    xml = xml[xml.index("<devices>") : xml.index("</devices>")]
    xml = re.sub(r"\n *<target dev='testnet\d+'/>", "", xml)
    return re.sub(r"<mac address='[^']*'", "<mac", xml)


@pytest.mark.skipif(not corpus.place().is_dir(), reason="the shared corpus is not beside the repository")
def test_the_corpus_for_the_test_driver() -> None:
    count = 0
    for path in sorted((corpus.place() / "domain-test" / "oracle").glob("*.json")):
        document = json.loads(path.read_text())
        answer = document.get("variants", {}).get("raw", {}).get("xml", {})
        source = corpus.place() / "domain-test" / "in" / document.get("name", "")
        if not answer.get("ok"):
            continue
        count += 1
        got = format_domain(finish(parse_domain(source.read_bytes())), Dump.INACTIVE | Dump.SECURE)
        assert _comparable(got) == _comparable("\n".join(answer["xml"])), path.name
    assert count > 30


def test_disks_get_bus_and_address_from_their_names() -> None:
    devices = complete(
        "".join(
            f"<disk{kind}><source file='/x'/><target dev='{name}'{bus}/></disk>"
            for name, bus, kind in [
                ("vda", "", ""), ("sdah", " bus='scsi'", ""), ("hdc", " bus='ide'", " device='cdrom'"),
                ("sdh", " bus='sata'", ""), ("fdb", "", " device='floppy'"), ("xvda", "", ""),
            ]
        )
    ).devices  # fmt: skip
    found = {disk.target: (disk.bus, disk.address) for disk in devices.disks}
    assert found == {
        "vda": ("virtio", None),
        "xvda": ("xen", None),
        "sdah": ("scsi", DriveAddress(controller=4, unit=5)),
        "hdc": ("ide", DriveAddress(bus=1)),
        "sdh": ("sata", DriveAddress(controller=1, unit=1)),
        "fdb": ("fdc", DriveAddress(unit=1)),
    }
    assert [(c.type, c.index) for c in devices.controllers] == [
        *(("scsi", index) for index in range(5)), ("fdc", 0), ("ide", 0), ("sata", 0), ("sata", 1),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "index"), [("vda", 0), ("sdz", 25), ("hdaa", 26), ("sdah", 33), ("vdb1", 1), ("x", -1), (None, -1)]
)
def test_disk_names_are_numbers(name: str | None, index: int) -> None:
    assert disk_index(name) == index


@pytest.mark.parametrize(
    ("disk", "error"),
    [
        ("<disk><source file='/x'/></disk>", NoTarget),
        ("<disk><target dev='vda'/></disk>", NoSource),
        ("<disk><source file='/x'/><target dev='what' bus='sata'/></disk>", InternalError),
    ],
)
def test_disks_that_cannot_be_completed(disk: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        complete(disk)


def test_a_disk_cannot_be_where_a_host_device_is() -> None:
    with pytest.raises(ConfigUnsupported, match="unit 0"):
        complete(
            "<disk><source file='/x'/><target dev='sda' bus='scsi'/></disk><hostdev mode='subsystem' type='scsi'>"
            "<source><adapter name='scsi_host0'/><address bus='0' target='0' unit='1'/></source>"
            "<address type='drive' controller='0' bus='0' target='0' unit='0'/></hostdev>"
        )


def test_controllers_are_ordered_and_numbered() -> None:
    devices = complete(
        "<controller type='scsi' index='4'/><controller type='scsi' index='2'/><controller type='scsi'/>"
        "<controller type='usb' model='ich9-uhci1'/><controller type='usb' model='ich9-ehci1'/>"
        "<controller type='usb' model='ich9-uhci2'/><controller type='usb' model='ich9-uhci1'/>"
    ).devices
    assert [(c.type, c.index, c.master_startport) for c in devices.controllers] == [
        ("scsi", 2, None), ("scsi", 4, None), ("scsi", 0, None),
        ("usb", 0, 0), ("usb", 0, None), ("usb", 0, 2), ("usb", 1, 0),
    ]  # fmt: skip


def test_the_first_console_is_the_first_serial_port() -> None:
    devices = complete("<console type='pty'/><serial type='null'><target port='3'/></serial>").devices
    assert [(c.backend.type, c.target_type, c.port) for c in devices.consoles] == [("null", "serial", 3)]
    devices = complete("<console type='pty'/>").devices
    assert [(s.backend.type, s.port) for s in devices.serials] == [("pty", 0)]
    devices = complete("<serial type='pty'/><console type='null'><target type='virtio'/></console>").devices
    assert [c.target_type for c in devices.consoles] == ["serial", "virtio"]
    devices = complete("<serial type='pty'><target type='usb-serial'/></serial>").devices
    assert devices.consoles == []
    with pytest.raises(ConfigUnsupported):
        complete("<console type='pty'/><console type='pty'/>")


def test_smartcards_take_the_next_slot() -> None:
    devices = complete(
        "<smartcard mode='host'/><smartcard mode='host'><address type='ccid' controller='0' slot='3'/></smartcard>"
    ).devices
    assert [card.address for card in devices.smartcards] == [CcidAddress(slot=4), CcidAddress(slot=3)]
    assert devices.controllers == [Controller(type="ccid", index=0)]


def test_defaults_of_small_devices() -> None:
    devices = complete(
        "<input type='mouse'/><input type='tablet'/><input type='passthrough'><source evdev='/e'/></input><vsock/>"
        "<rng model='virtio'><backend model='random'/></rng><filesystem><source dir='/'/><target dir='x'/></filesystem>"
        "<interface type='user'/><graphics type='vnc'/>"
    ).devices
    assert [i.bus for i in devices.inputs] == ["ps2", "usb", "virtio"]
    assert devices.vsocks[0].auto is True
    assert devices.rngs[0].backend.path == "/dev/random"
    assert devices.filesystems[0].accessmode == "passthrough"
    assert re.fullmatch("52:54:00(:[0-9a-f]{2}){3}", devices.interfaces[0].mac or "")
    assert [(v.model, v.primary) for v in devices.videos] == [("cirrus", True)]


def test_post_parse_is_idempotent() -> None:
    disk = "<disk><source file='/x'/><target dev='sdb' bus='scsi'/></disk>"
    domain = complete(disk + "<serial type='pty'/><graphics type='vnc'/>")
    text = format_domain(domain, Dump.INACTIVE)
    assert format_domain(finish(parse_domain(text)), Dump.INACTIVE) == text
    assert isinstance(domain.devices.disks[0], Disk)
