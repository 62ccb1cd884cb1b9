"""The host's <capabilities> hold together, and offer what the binaries can do."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from lxml import etree

from pyvirtd.drivers.qemu.capabilities import emulators
from pyvirtd.drivers.qemu.capabilities.cache import QemuCapabilitiesCache
from pyvirtd.drivers.qemu.capabilities.hostdoc import host_capabilities_xml
from pyvirtd.drivers.qemu.capabilities.probe import RunAs

pytestmark = pytest.mark.skipif(not shutil.which("qemu-system-x86_64"), reason="qemu-system-x86_64 is not installed")


async def test_capabilities_of_this_host(tmp_path: Path) -> None:
    cache = QemuCapabilitiesCache(tmp_path)
    uuid = "c7a5fdbd-edaf-9455-926a-d65c16db1809"
    text = await host_capabilities_xml(cache, run_as=RunAs(os.getuid(), os.getgid(), tuple(os.getgroups())), uuid=uuid)
    root = etree.fromstring(text)
    assert root.findtext("host/uuid") == uuid
    assert root.findtext("host/cpu/arch") == emulators.host_arch()
    cpus = root.findall("host/topology/cells/cell/cpus/cpu")
    assert len(cpus) == os.sysconf("SC_NPROCESSORS_CONF")
    assert {m.findtext("model") for m in root.findall("host/secmodel")} == {"none", "dac"}
    guest = root.find("guest/arch[@name='x86_64']")
    assert guest is not None
    assert guest.findtext("wordsize") == "64"
    machines = [m.text for m in guest.findall("machine")]
    assert machines[1] == "pc"
    assert machines[0] == guest.findall("machine")[1].get("canonical")
    assert "q35" in machines
    assert "none" not in machines
    assert guest.findall("domain")[0].get("type") == "qemu"


async def test_a_broken_emulator_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    broken = tmp_path / "qemu-system-s390x"
    broken.write_text("#!/bin/sh\necho no >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setattr(
        "pyvirtd.drivers.qemu.capabilities.hostdoc.installed",
        lambda: {"s390x": str(broken), "x86_64": shutil.which("qemu-system-x86_64")},
    )
    root = etree.fromstring(await host_capabilities_xml(QemuCapabilitiesCache(tmp_path / "cache")))
    assert [a.get("name") for a in root.findall("guest/arch")] == ["x86_64"]
    assert f"{broken} does not answer" in caplog.text


def test_architectures_are_in_order() -> None:
    found = list(emulators.installed())
    assert found == sorted(found, key=list(emulators.TARGETS).index)
    assert emulators.find_emulator("nonsense") is None
