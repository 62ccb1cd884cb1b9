"""Validation refuses what libvirt's own validation refuses, with its codes, and nothing that libvirt accepts."""

from __future__ import annotations

import pytest

from pyvirtd.conf.domain.domain import parse_domain
from pyvirtd.conf.domain.postparse import add_implied, arrange_devices, complete_devices, prepare
from pyvirtd.conf.domain.validate import validate
from pyvirtd.errors import ErrorDomain, VirtError
from tests.conf import corpus

# Refused by 9.0.0, which did not know it yet; or by its driver's rules about PCI and USB under the same domain.
NEWER = {
    "net-user-passt", "disk-network-rbd-encryption-luks-any", "async-teardown", "s390-async-teardown-disabled",
    "vm-virt-install-hyperv_enable_xmm_and_emsr", "firmware-auto-efi-loader-path",
    "firmware-auto-efi-nvram-template-nonstandard", "firmware-auto-efi-nvram-template",
    "vm-virt-install-virtio-sound-device", "chardev-reconnect-generated-path",
}  # fmt: skip
NEWER_WORDS = ("itco", "pvpanic", "loongarch64")
DRIVERS = (
    "PCI", "USB bus", "no hub at port", "loadparm", "memory devices",
)  # fmt: skip

ONE = "<disk><source file='/x'/><target dev='sda'/>"


def refused(xml: bytes) -> int | None:
    """The code of the error that the conf room raises."""
    try:
        domain = parse_domain(xml)
        prepare(domain)
        arrange_devices(domain)
        complete_devices(domain)
        add_implied(domain, video_model="cirrus")
        validate(domain)
    except VirtError as error:
        return error.code
    return None


@pytest.mark.skipif(not corpus.place().is_dir(), reason="the shared corpus is not beside the repository")
def test_the_corpus_is_judged_alike() -> None:
    wrong, right = [], 0
    for name, answers in corpus.answered("domain-qemu"):
        stem, _, variant = name.partition(":")
        if variant != "raw" or stem in NEWER or "define" not in answers:
            continue
        error = answers["define"].get("error")
        ours = refused((corpus.place() / "domain-qemu" / "in" / f"{stem}.xml").read_bytes())
        if error is None:
            if ours is not None:
                wrong.append((stem, None, ours))
            right += 1
            continue
        said = str(error["message"])
        if error["domain"] != ErrorDomain.DOMAIN or any(word in said for word in (*NEWER_WORDS, *DRIVERS)):
            continue
        right += 1
        if ours != error["code"]:
            wrong.append((stem, error["code"], ours))
    assert not wrong, wrong
    assert right > 650


@pytest.mark.parametrize(
    ("inside", "devices", "code"),
    [
        ("<name>a/b</name>", "", 27),
        ("<name> </name>", "", 27),
        ("<os><type>hvm</type><bootmenu enable='yes' timeout='70000'/></os>", "", 67),
        ("<clock offset='utc'><timer name='rtc' frequency='1'/></clock>", "", 67),
        ("<clock offset='utc'><timer name='pit' track='guest'/></clock>", "", 67),
        ("<sysinfo type='smbios'><system><entry name='uuid'>zz</entry></system></sysinfo>", "", 35),
        ("<memoryBacking><hugepages><page size='2' nodeset='3'/></hugepages></memoryBacking>", "", 35),
        ("<numatune><memnode cellid='1' mode='strict' nodeset='0'/></numatune>", "", 27),
        ("<os><type>hvm</type><nvram>/x</nvram></os>", "", 35),
        ("<os><type>hvm</type><firmware><feature enabled='yes' name='secure-boot'/></firmware></os>", "", 35),
        ("", "<disk><source file='/x'/></disk>", 20),
        ("", "<disk device='lun'><source file='/x'/><target dev='sda'/></disk>", 67),
        ("", "<disk><source file='/x'/><target dev='sda' removable='on'/></disk>", 27),
        ("", f"{ONE}</disk>{ONE}</disk>", 27),
        ("", "<disk><target dev='sda'/></disk>", 19),
        ("", "<disk><source file='/x'/><target dev='sda'/><address type='pci'/></disk>", 67),
        ("", "<serial type='file'/>", 1),
        ("", "<serial type='tcp'><source host='h' mode='connect'/></serial>", 1),
        ("", "<serial type='tcp'><source service='1' mode='connect'/></serial>", 1),
        ("", "<serial type='udp'/>", 1),
        ("", "<serial type='nmdm'/>", 1),
        ("", "<serial type='spiceport'/>", 1),
        ("", "<serial type='unix'><source path='/x' mode='bind'><reconnect enabled='yes'/></source></serial>", 1),
        ("", "<video><model type='none'/></video><video><model type='vga'/></video>", 67),
        ("", "<watchdog model='ib700'/><watchdog model='ib700'/>", 1),
        ("", "<controller type='sata' index='0'/><controller type='sata' index='0'/>", 27),
        ("", "<controller type='usb' model='none'/><hub type='usb'/>", 67),
        ("", "<controller type='usb' index='1'><master startport='0'/></controller>", 35),
        ("", "<shmem name='a/b'/>", 27),
        ("", "<shmem name='a'><msi/></shmem>", 27),
        ("", f"{ONE}<boot order='1'/></disk>{ONE.replace('sda', 'sdb')}<boot order='1'/></disk>", 67),
    ],
)  # fmt: skip
def test_what_makes_no_sense(inside: str, devices: str, code: int) -> None:
    name = "" if "<name>" in inside else "<name>n</name>"
    os = "" if "<os>" in inside else "<os><type>hvm</type></os>"
    xml = (
        f"<domain type='qemu'>{name}<memory>1024</memory>{os}{inside}<devices>{devices}</devices></domain>"
    )
    assert refused(xml.encode()) == code
