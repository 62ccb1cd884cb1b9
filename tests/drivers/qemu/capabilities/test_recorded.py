"""Recorded QMP replies give the same model as a running QEMU; what libvirt concluded from them is the measure."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from lxml import etree

from pyvirtd.drivers.qemu.capabilities.model import QemuCapabilities
from pyvirtd.drivers.qemu.capabilities.recorded import from_recording

SHARED = Path(os.environ.get("PYVIRTD_SHARED") or Path(__file__).parents[5] / "shared")
BASE = SHARED / "corpus/qemucaps/base"
pytestmark = pytest.mark.skipif(not BASE.exists(), reason="the corpus of recorded replies is not here")


@pytest.fixture
async def caps() -> QemuCapabilities:
    return await from_recording(BASE / "caps_7.2.0_x86_64.replies", "/usr/bin/qemu-system-x86_64")


@pytest.fixture
def concluded() -> etree._Element:
    return etree.parse(BASE / "caps_7.2.0_x86_64.xml").getroot()


async def test_version_and_target(caps: QemuCapabilities) -> None:
    assert (caps.version, caps.arch, caps.package, caps.kvm) == (7_002_000, "x86_64", "v7.2.0", True)


@pytest.mark.parametrize("accelerator", ["kvm", "tcg"])
async def test_machines_are_those_that_libvirt_found(
    caps: QemuCapabilities, concluded: etree._Element, accelerator: str
) -> None:
    kind = {"kvm": "kvm", "tcg": "tcg"}[accelerator]
    expected = {m.get("name"): m for m in concluded.findall(f"machine[@type='{kind}']")}
    for machine in caps.machines("kvm" if accelerator == "kvm" else "tcg"):
        if machine.name == "none":
            continue
        if machine.alias is not None:
            assert machine.alias in expected or machine.name in expected
        found = expected.get(machine.name)
        if found is not None:
            assert int(found.get("maxCpus", "0")) == machine.max_cpus
            assert (found.get("hotplugCpus") == "yes") == machine.hotplug_cpus
            assert (found.get("deprecated") == "yes") == machine.deprecated
    assert len(expected) >= 50


async def test_cpus_are_those_that_libvirt_found(caps: QemuCapabilities, concluded: etree._Element) -> None:
    expected = {c.get("name"): c for c in concluded.findall("cpu[@type='kvm']")}
    for cpu in caps.cpus("kvm"):
        found = expected[cpu.name]
        assert found.get("usable") == ("yes" if cpu.usable else "no")
        assert [b.get("name") for b in found.findall("blocker")] == list(cpu.blockers or ())
    assert len(expected) == len(caps.cpus("kvm"))


async def test_host_cpu_properties(caps: QemuCapabilities, concluded: etree._Element) -> None:
    host = caps.host_cpu("kvm")
    assert host is not None
    for prop in concluded.findall("hostCPU[@type='kvm']/property[@type='boolean']"):
        name = prop.get("name", "")
        assert host["props"][name] == (prop.get("value") == "true")
        if prop.get("value") == "true":
            assert (name in host["migratable"]) == (prop.get("migratable") == "yes")


async def test_schema_questions(caps: QemuCapabilities) -> None:
    assert caps.has_schema("blockdev-reopen/arg-type/options")
    assert caps.has_schema("nbd-server-add/arg-type/*bitmap")
    assert not caps.has_schema("nbd-server-add/arg-type/*device")  # it is there, but must be given
    assert caps.has_schema("blockdev-add/arg-type/+file/aio/^io_uring")
    assert not caps.has_schema("blockdev-add/arg-type/+file/aio/^magic")
    assert caps.has_schema("blockdev-snapshot/$allow-write-only-overlay")
    assert caps.has_schema("migrate-set-parameters/arg-type/block-bitmap-mapping/bitmaps/transform")
    assert caps.has_schema("getfd/arg-type/fdname/!str")
    assert not caps.has_schema("getfd/arg-type/fdname/!int")
    assert not caps.has_schema("no-such-command")
    assert "qcow2" in caps.schema.values("blockdev-add/arg-type/driver")


async def test_an_unprobed_type_is_not_taken_for_lacking(caps: QemuCapabilities) -> None:
    assert caps.has_device("edu")
    with pytest.raises(LookupError, match="add it to TYPES"):
        caps.has_property("edu", "dma_mask")
    assert not caps.has_property("no-such-device", "x")


async def test_other_files_are_no_recordings(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    with pytest.raises(ValueError, match="no recorded conversation"):
        await from_recording(tmp_path / "empty", "x")
