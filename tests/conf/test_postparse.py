"""What a definition leaves out is filled in, and what contradicts itself is refused."""

from __future__ import annotations

import pytest

from pyvirtd.conf.domain.address import DriveAddress
from pyvirtd.conf.domain.domain import DomainDef, parse_domain
from pyvirtd.conf.domain.postparse import add_implied, arrange_devices, complete_devices, prepare
from pyvirtd.conf.domain.postparse.order import disk_index
from pyvirtd.errors import ConfigUnsupported, InternalError, VirtError, XMLDetail, XMLError


def complete(inside: str, devices: str = "") -> DomainDef:
    memory = "" if inside.startswith("<memory") or "<numa>" in inside else "<memory>1024</memory>"
    domain = parse_domain(
        f"<domain type='qemu'><name>n</name>{memory}{inside}<os><type>hvm</type></os>"
        f"<devices>{devices}</devices></domain>"
    )
    prepare(domain)
    arrange_devices(domain)
    complete_devices(domain)
    add_implied(domain, video_model="vga")
    return domain


def test_a_bare_guest() -> None:
    domain = complete("")
    assert len(domain.uuid) == 36
    assert domain.uuid[14] == "4"
    assert domain.uuid != complete("").uuid
    assert (domain.memory, domain.current_memory, domain.max_vcpus) == (1024, 1024, 1)
    assert domain.os.boot == ["hd"]
    assert (domain.clock.offset, domain.on_poweroff, domain.on_reboot, domain.on_crash) == (
        "utc", "destroy", "restart", "destroy",
    )  # fmt: skip


def test_cells_count_before_memory() -> None:
    domain = complete(
        "<vcpu>4</vcpu><cpu><numa><cell id='1' cpus='1' memory='512'/><cell id='0' cpus='0' memory='512'>"
        "<distances><sibling id='1' value='21'/></distances></cell></numa></cpu>"
    )
    assert domain.memory == 1024
    assert domain.cpu is not None
    assert [cell.id for cell in domain.cpu.cells] == [0, 1]
    assert domain.cpu.cells[0].cpus == {0, 2, 3}
    assert [(s.id, s.value) for s in domain.cpu.cells[1].distances] == [(0, 21), (1, 10)]


def test_io_threads_fill_up() -> None:
    domain = complete("<iothreads>3</iothreads><iothreadids><iothread id='2'/></iothreadids>")
    assert [(thread.id, thread.filled) for thread in domain.iothread_ids] == [(2, False), (1, True), (3, True)]


@pytest.mark.parametrize(
    ("inside", "error"),
    [
        ("<memory>0</memory>", XMLError),
        ("<maxMemory>4096</maxMemory>", XMLError),
        ("<maxMemory slots='1'>512</maxMemory>", XMLError),
        ("<vcpu current='3'>2</vcpu>", XMLError),
        ("<vcpu>2</vcpu><vcpus><vcpu id='2' enabled='yes'/></vcpus>", XMLError),
        ("<iothreadids><iothread id='2'/><iothread id='2'/></iothreadids>", XMLError),
        ("<cpu><numa><cell id='1' memory='512'/></numa></cpu>", XMLError),
        ("<cputune><vcpupin vcpu='0' cpuset='0'/><vcpupin vcpu='0' cpuset='1'/></cputune>", InternalError),
        ("<cputune><vcpusched vcpus='0-1' scheduler='idle'/><vcpusched vcpus='1' scheduler='idle'/></cputune>",
         XMLDetail),
        ("<cputune><vcpusched vcpus='0' scheduler='fifo'/></cputune>", XMLError),
        ("<numatune><memory mode='strict' placement='static'/></numatune>", ConfigUnsupported),
        ("<seclabel model='a'/><seclabel model='a'/>", XMLDetail),
        ("<seclabel type='static' model='a'/>", XMLError),
        ("<title>a\nb</title>", XMLError),
        ("<clock offset='absolute'/>", XMLError),
        ("<cpu><topology sockets='1'/></cpu>", XMLError),
    ],
)  # fmt: skip
def test_contradictions(inside: str, error: type[VirtError]) -> None:
    with pytest.raises(error):
        complete(inside)


def test_metadata_keeps_one_element_a_namespace() -> None:
    domain = complete("<metadata><a xmlns='u'/><b/><c xmlns='u'/><d:d xmlns:d='v'>x</d:d></metadata>")
    assert domain.metadata is not None
    assert '<a xmlns="u"/>' in domain.metadata
    assert '<d:d xmlns:d="v">x</d:d>' in domain.metadata
    assert "<b/>" not in domain.metadata
    assert "<c" not in domain.metadata


@pytest.mark.parametrize(
    ("target", "index"),
    [("hda", 0), ("sdz", 25), ("vdaa", 26), ("vdb1", 1), ("fdb", 1), ("xvdc", 2), ("eth0", -1), ("sd", -1),
     ("sdA", -1), ("sd" + "a" * 99, -1)],
)  # fmt: skip
def test_disk_names_are_numbers(target: str, index: int) -> None:
    assert disk_index(target) == index


def test_disks_find_their_places() -> None:
    names = ("vdb", "sdh", "vda", "hdc", "sda")
    disks = "".join(f"<disk><source file='/{name}'/><target dev='{name}'/></disk>" for name in names)
    domain = complete("", disks)
    assert [(d.target, d.bus) for d in domain.devices.disks] == [
        ("vda", "virtio"), ("sda", "scsi"), ("vdb", "virtio"), ("hdc", "ide"), ("sdh", "scsi"),
    ]  # fmt: skip
    assert domain.devices.disks[4].address == DriveAddress(controller=1)
    assert domain.devices.disks[3].address == DriveAddress(bus=1)
    assert domain.devices.disks[0].address is None


def test_a_console_is_a_serial_port() -> None:
    domain = complete("", "<console type='pty'/>")
    assert [serial.port for serial in domain.devices.serials] == [0]
    assert domain.devices.consoles[0].target_type == "serial"
    domain = complete("", "<serial type='file'><source path='/x'/></serial><console type='pty'><target type='virtio'/>"
                          "</console>")  # fmt: skip
    assert [console.target_type for console in domain.devices.consoles] == ["serial", "virtio"]
    assert domain.devices.consoles[0].backend == domain.devices.serials[0].backend
    assert complete("", "<serial type='pty'><target type='isa-debug'/></serial>").devices.consoles == []


def test_a_screen_has_a_card() -> None:
    domain = complete("", "<graphics type='vnc'/>")
    video = domain.devices.videos[0]
    assert (video.model, video.vram, video.heads, video.primary) == ("vga", 16384, 1, True)


def test_interfaces_get_addresses() -> None:
    mac = complete("", "<interface type='user'/>").devices.interfaces[0].mac
    assert mac is not None
    assert mac.startswith("52:54:00:")
