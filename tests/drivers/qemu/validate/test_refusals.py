"""Definitions that QEMU can't run, each with the error libvirt gives it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pyvirtd.conf.domain.domain import parse_domain
from pyvirtd.drivers.qemu.capabilities import QemuCapabilities
from pyvirtd.drivers.qemu.capabilities.cache import QemuCapabilitiesCache
from pyvirtd.drivers.qemu.postparse import emulator_of, post_parse
from pyvirtd.drivers.qemu.validate import HostFacts, validate
from pyvirtd.errors import ConfigUnsupported, HostSystemError, InternalError, VirtError, XMLDetail, XMLError

BINARY = "/usr/bin/qemu-system-x86_64"
pytestmark = pytest.mark.skipif(not os.path.exists(BINARY), reason=f"{BINARY} is not installed")

DISK = "<disk type='file' device='disk'><source file='/a'/><target dev='{dev}' bus='{bus}'/>{more}</disk>"


def guest(devices: str = "", *, before: str = "", system: str = "", machine: str = "pc") -> str:
    return (
        f"<domain type='qemu'><name>t</name><memory>65536</memory><vcpu>1</vcpu>{before}"
        f"<os><type machine='{machine}'>hvm</type>{system}</os><devices>{devices}</devices></domain>"
    )


@pytest.fixture
async def caps(tmp_path: Path) -> QemuCapabilities:
    return await QemuCapabilitiesCache(tmp_path).get(BINARY)


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        (guest(DISK.format(dev="vda", bus="virtio", more="") * 2), XMLError, "two disks"),
        (guest(DISK.format(dev="vda1", bus="virtio", more="")), ConfigUnsupported, "not a partition"),
        (guest(DISK.format(dev="hda", bus="ide", more="<vendor>x</vendor>")), ConfigUnsupported, "vendor"),
        (guest("<serial type='unix'/>"), InternalError, "path"),
        (guest("<hub type='usb'/><controller type='usb' model='none'/>"), ConfigUnsupported, "switched off"),
        (guest("<controller type='usb' model='qemu-xhci' ports='16'/>"), ConfigUnsupported, "15 ports"),
        (guest("<tpm><backend type='emulator' version='2.0'/></tpm>"), ConfigUnsupported, "swtpm"),
        (guest("<video><model type='none'/></video><video><model type='vga'/></video>"), ConfigUnsupported, "none"),
        (guest("<graphics type='spice' tlsPort='5902'/>"), ConfigUnsupported, "TLS"),
        (guest(machine="q35", system="<loader type='pflash' readonly='yes'>/f</loader>"), ConfigUnsupported, "ACPI"),
        (guest(before="<maxMemory slots='2' unit='KiB'>131072</maxMemory>"), ConfigUnsupported, "NUMA"),
        (guest("<memballoon model='none'/><rng model='virtio'><backend model='random'/></rng>", machine="isapc"),
         XMLError, "no PCI bus"),
        (guest(machine="pc-0.1"), ConfigUnsupported, "pc-0.1"),
        (guest("<controller type='pci' index='0' model='pcie-root'/>"), XMLError, "pci-root"),
        (guest(system="<loader type='pflash'/>"), XMLDetail, "path"),
    ],
)  # fmt: skip
def test_refused(text: str, error: type[VirtError], words: str, caps: QemuCapabilities) -> None:
    definition = parse_domain(text)
    with pytest.raises(error, match=words) as caught:  # noqa: PT012 - either step may refuse
        post_parse(definition, caps)
        validate(definition, caps, HostFacts(swtpm=lambda: False))
    assert type(caught.value) is error


def test_an_emulator_that_is_not_there_is_named() -> None:
    with pytest.raises(HostSystemError, match="/nowhere/qemu"):
        emulator_of(parse_domain(guest("<emulator>/nowhere/qemu</emulator>")))
