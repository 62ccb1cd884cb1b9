"""Whole command lines, against QEMU itself: every device that virt-install asks for, on pc and q35.

A binary that accepts the words and goes on running has understood them.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from pyvirtd.conf.domain.domain import DomainDef, format_domain, parse_domain
from pyvirtd.conf.xml import Dump
from pyvirtd.drivers.qemu.capabilities import QemuCapabilities
from pyvirtd.drivers.qemu.capabilities.cache import QemuCapabilitiesCache
from pyvirtd.drivers.qemu.command import LaunchContext, build_command, dry_context, prepare_dry
from pyvirtd.drivers.qemu.postparse import assign_aliases, post_parse
from pyvirtd.drivers.qemu.validate import HostFacts, validate
from pyvirtd.errors import ConfigUnsupported

BINARY = "/usr/bin/qemu-system-x86_64"
pytestmark = pytest.mark.skipif(not os.path.exists(BINARY), reason=f"{BINARY} is not installed")

GUEST = """
<domain type='qemu'><name>t,1</name><uuid>8f3a3a1e-2a52-4a39-9a43-94d3f1a3d5c7</uuid>
<memory>262144</memory><vcpu>2</vcpu>
<os><type machine='{machine}'>hvm</type></os>
<features><acpi/><apic/><vmport state='off'/></features>
<cpu><topology sockets='1' cores='2' threads='1'/></cpu>
<clock offset='utc'><timer name='rtc' tickpolicy='catchup'/><timer name='hpet' present='no'/></clock>
<devices>
<disk type='file' device='disk'><source file='{dir}/disk.img'/><target dev='vda' bus='virtio'/></disk>
<disk type='file' device='cdrom'><target dev='{cd}' bus='{bus}'/></disk>
<disk type='file' device='floppy'><source file='{dir}/floppy.img'/><target dev='fda' bus='fdc'/></disk>
<controller type='usb' model='qemu-xhci' ports='15'/><controller type='scsi' model='virtio-scsi'/>
<serial type='file'><source path='{dir}/serial'/></serial>
<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
<input type='tablet' bus='usb'/><sound model='ich9'/><sound model='ac97'/>
<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>
<watchdog model='i6300esb' action='reset'/><panic model='isa'/>
</devices></domain>
"""


@pytest.fixture
async def caps(tmp_path: Path) -> QemuCapabilities:
    return await QemuCapabilitiesCache(tmp_path / "caps").get(BINARY)


def definition_of(machine: str, directory: Path, caps: QemuCapabilities) -> DomainDef:
    cd, bus = ("sda", "sata") if machine == "q35" else ("hdc", "ide")
    definition = parse_domain(GUEST.format(machine=machine, dir=directory, cd=cd, bus=bus))
    post_parse(definition, caps)
    validate(definition, caps, HostFacts(swtpm=lambda: True))
    return definition


@pytest.mark.parametrize("machine", ["pc", "q35"])
async def test_qemu_takes_the_words(machine: str, tmp_path: Path, caps: QemuCapabilities) -> None:
    (tmp_path / "disk.img").write_bytes(bytes(1 << 20))
    (tmp_path / "floppy.img").write_bytes(bytes(1440 << 10))
    live = definition_of(machine, tmp_path, caps).copy()
    assign_aliases(live)
    context = LaunchContext(1, str(tmp_path), channel_dir=str(tmp_path), master_key=False)
    command = build_command(live, caps, context)
    process = subprocess.Popen(  # noqa: ASYNC220 - nothing else runs in this test
        command.argv, env=command.env, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(1.5)
    except BaseException:
        raise AssertionError(process.communicate(timeout=5)[1].decode()) from None
    finally:
        process.kill()
        process.communicate(timeout=10)


@pytest.mark.parametrize("machine", ["pc", "q35"])
async def test_post_parse_settles(machine: str, tmp_path: Path, caps: QemuCapabilities) -> None:
    """Reading it again only groups the controllers that were added by their types, as libvirt's own order does."""
    flags = Dump.INACTIVE | Dump.SECURE
    once = format_domain(definition_of(machine, tmp_path, caps), flags)
    printed = [once]
    for _ in range(2):
        again = parse_domain(printed[-1])
        post_parse(again, caps)
        printed.append(format_domain(again, flags))
    assert sorted(printed[1].splitlines()) == sorted(once.splitlines())
    assert printed[2] == printed[1]


async def test_a_dry_run_names_paths_of_no_guest(tmp_path: Path, caps: QemuCapabilities) -> None:
    live = definition_of("q35", tmp_path, caps)
    context = dry_context(live, "/var/lib/libvirt")
    prepare_dry(live, caps, context)
    assign_aliases(live)
    argv = build_command(live, caps, context).argv
    assert argv[argv.index("-name") + 1] == "guest=t,,1,debug-threads=on"
    assert any("/var/lib/libvirt/qemu/domain--1-t,,1/monitor.sock" in word for word in argv)


@pytest.mark.parametrize(
    "inside", ["<ip address='10.0.0.2' prefix='24'/>", "<route address='10.1.0.0' prefix='16' gateway='10.0.0.1'/>"]
)
async def test_addresses_inside_a_guest_are_refused(inside: str, caps: QemuCapabilities) -> None:
    text = GUEST.format(machine="pc", dir="/tmp", cd="hdc", bus="ide").replace(
        "<serial", f"<interface type='ethernet'>{inside}</interface><serial", 1
    )
    definition = parse_domain(text)
    post_parse(definition, caps)
    with pytest.raises(ConfigUnsupported, match="inside a guest"):
        validate(definition, caps, HostFacts(swtpm=lambda: True))
