"""Domain capabilities: defaults, refusals, and what the document says of a recorded QEMU."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from lxml import etree

from pyvirtd.drivers.qemu.capabilities import emulators
from pyvirtd.drivers.qemu.capabilities.cache import QemuCapabilitiesCache
from pyvirtd.drivers.qemu.capabilities.domaindoc import choose, describe, domain_capabilities_xml
from pyvirtd.drivers.qemu.capabilities.model import QemuCapabilities
from pyvirtd.drivers.qemu.capabilities.recorded import from_recording
from pyvirtd.errors import ConfigUnsupported, HostSystemError, InvalidArg, VirtError
from pyvirtd.host.firmware import Firmware

SHARED = Path(os.environ.get("PYVIRTD_SHARED") or Path(__file__).parents[5] / "shared")
BASE = SHARED / "corpus/qemucaps/base"
QEMU = shutil.which("qemu-system-x86_64") or ""
needs_qemu = pytest.mark.skipif(not QEMU, reason="qemu-system-x86_64 is not installed")
OVMF = Firmware(
    "/d/60.json", ("uefi",), "flash", "split", "/bin/sh", "raw", "/vars", "raw", (("x86_64", ("pc-q35-*",)),),
    frozenset({"secure-boot", "requires-smm"}),
)  # fmt: skip


@pytest.fixture
async def caps() -> QemuCapabilities:
    if not BASE.exists():
        pytest.skip("the corpus of recorded replies is not here")
    return await from_recording(BASE / "caps_7.2.0_x86_64.replies", "/usr/bin/qemu-system-x86_64")


def document(caps: QemuCapabilities, machine: str | None, virt_type: str | None) -> etree._Element:
    selection = choose(caps, "x86_64", machine, virt_type)
    return etree.fromstring(describe(selection, [OVMF], ("2.0",)).format())


def values(root: etree._Element, path: str) -> list[str]:
    return [v.text or "" for v in root.findall(path + "/value")]


async def test_q35(caps: QemuCapabilities) -> None:
    root = document(caps, "q35", "qemu")
    assert root.findtext("machine") == "pc-q35-7.2"
    assert root.find("vcpu[@max='288']") is not None
    assert values(root, "os/enum[@name='firmware']") == ["efi"]
    assert values(root, "os/loader") == ["/bin/sh"]
    assert values(root, "os/loader/enum[@name='secure']") == ["yes", "no"]
    assert values(root, "devices/disk/enum[@name='bus']") == ["fdc", "scsi", "virtio", "usb", "sata"]
    assert values(root, "devices/tpm/enum[@name='backendVersion']") == ["2.0"]
    assert "virtio" in values(root, "devices/video/enum[@name='modelType']")
    assert root.find("cpu/mode[@name='host-passthrough'][@supported='no']") is not None
    assert root.find("features/genid[@supported='yes']") is not None


async def test_pc_has_ide_and_other_firmware(caps: QemuCapabilities) -> None:
    root = document(caps, "pc", "qemu")
    assert "ide" in values(root, "devices/disk/enum[@name='bus']")
    assert values(root, "os/enum[@name='firmware']") == []
    assert values(root, "os/loader/enum[@name='secure']") == ["no"]


async def test_kvm_where_it_can_be_had(caps: QemuCapabilities) -> None:
    if emulators.host_arch() != "x86_64":
        pytest.skip("KVM runs the host's own architecture")
    assert choose(caps, "x86_64", None, None).virt_type == "kvm"
    assert choose(caps, "x86_64", None, None, kvm_works=False).virt_type == "qemu"
    root = document(caps, None, "kvm")
    assert values(root, "cpu/mode[@name='host-passthrough']/enum") == ["on", "off"]
    model = root.find("cpu/mode[@name='host-model']/model")
    assert model is not None
    assert model.text == "EPYC-Rome"  # what the host of the recording was


async def test_every_offered_cpu_is_a_known_one(caps: QemuCapabilities) -> None:
    models = document(caps, None, "qemu").findall("cpu/mode[@name='custom']/model")
    names = [m.text for m in models]
    assert "qemu64" in names
    assert "max" not in names
    assert not [n for n in names if n and n.endswith("-v1")]
    assert {m.get("usable") for m in models} == {"yes", "no"}


@pytest.mark.parametrize(
    ("machine", "virt_type", "words"),
    [
        ("nonsense", "qemu", "no machine 'nonsense'"),
        ("none", "qemu", "no machine 'none'"),
        (None, "xen", "cannot run x86_64 guests of type xen"),
        ("pc-0.1", "lxc", "no machine 'pc-0.1'"),
    ],
)
async def test_refusals(caps: QemuCapabilities, machine: str | None, virt_type: str, words: str) -> None:
    with pytest.raises(InvalidArg, match=words):
        choose(caps, "x86_64", machine, virt_type)


@pytest.mark.parametrize(
    ("emulator", "arch", "virt_type", "error"),
    [
        ("/nonexistent", None, None, HostSystemError),
        (None, "nonsense", None, InvalidArg),
        (None, None, "nonsense", InvalidArg),
        (None, "unicore32", None, ConfigUnsupported),
        (QEMU, "s390x", None, InvalidArg),
    ],
)
@needs_qemu
async def test_refusals_before_a_binary_is_asked(
    tmp_path: Path, emulator: str | None, arch: str | None, virt_type: str | None, error: type[VirtError]
) -> None:
    with pytest.raises(error):
        await domain_capabilities_xml(QemuCapabilitiesCache(tmp_path), emulator, arch, None, virt_type)


@needs_qemu
async def test_the_installed_binary(tmp_path: Path) -> None:
    text = await domain_capabilities_xml(QemuCapabilitiesCache(tmp_path), None, "x86_64", "q35", "qemu")
    root = etree.fromstring(text)
    assert root.findtext("path") == QEMU
    assert root.findtext("domain") == "qemu"
