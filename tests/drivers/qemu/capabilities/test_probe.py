"""Real binaries answer; what they said is kept and found again; those that don't answer are told apart."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import time
from pathlib import Path

import pytest

from pyvirtd.drivers.qemu.capabilities import gather
from pyvirtd.drivers.qemu.capabilities.cache import QemuCapabilitiesCache
from pyvirtd.drivers.qemu.capabilities.probe import probe
from pyvirtd.drivers.qemu.capabilities.selftest import run_test
from pyvirtd.errors import InternalError, InvalidArg, OperationTimeout

QEMU = shutil.which("qemu-system-x86_64") or ""
needs_qemu = pytest.mark.skipif(not QEMU, reason="qemu-system-x86_64 is not installed")


def script(path: Path, text: str) -> str:
    path.write_text(text)
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def cache(tmp_path: Path) -> QemuCapabilitiesCache:
    return QemuCapabilitiesCache(tmp_path / "capabilities")


@needs_qemu
async def test_a_real_binary_tells_what_it_can_do(cache: QemuCapabilitiesCache) -> None:
    caps = await cache.get(QEMU)
    assert caps.arch == "x86_64"
    assert caps.version >= 6_000_000
    assert caps.has_device("virtio-net-pci")
    assert not caps.has_device("virtio-net-ccw")
    assert caps.has_property("virtio-net-pci", "failover")
    assert not caps.has_property("virtio-net-pci", "no-such-thing")
    assert caps.has_schema("blockdev-add/arg-type/+file/filename")
    assert caps.has_option("sandbox", "enable")
    q35 = caps.machine("q35", "tcg")
    assert q35 is not None
    assert q35.alias == "q35"
    assert q35.name.startswith("pc-q35-")
    assert caps.canonical_machine("q35") == q35.name
    default = caps.default_machine("tcg")
    assert default is not None
    assert default.alias == "pc"
    assert next(c for c in caps.cpus("tcg") if c.name == "qemu64").usable
    assert (caps.host_cpu("tcg") or {})["props"]["lm"] is True


@needs_qemu
async def test_the_answer_is_kept_on_disk_and_read_fast(cache: QemuCapabilitiesCache, tmp_path: Path) -> None:
    first = await cache.get(QEMU)
    assert await cache.get(QEMU) is first
    again = QemuCapabilitiesCache(tmp_path / "capabilities")
    before = time.perf_counter()
    kept = again.peek(QEMU)
    took = time.perf_counter() - before
    assert kept is not None
    assert kept.version == first.version
    assert kept.machines() == first.machines()
    assert took < 0.1


@needs_qemu
async def test_asked_by_many_at_once_it_runs_once(cache: QemuCapabilitiesCache) -> None:
    first, *others = await asyncio.gather(*(cache.get(QEMU) for _ in range(5)))
    assert all(other is first for other in others)


@needs_qemu
async def test_a_changed_binary_is_asked_again(cache: QemuCapabilitiesCache, tmp_path: Path) -> None:
    wrapper = script(tmp_path / "qemu", f'#!/bin/sh\nexec {QEMU} "$@"\n')
    assert (await cache.get(wrapper)).binary == wrapper
    os.utime(wrapper, ns=(1, 1))
    assert cache.peek(wrapper) is None


@needs_qemu
async def test_a_binary_without_tcg_still_counts(cache: QemuCapabilitiesCache, tmp_path: Path) -> None:
    no_tcg = f'#!/bin/sh\ncase "$*" in *accel=tcg*) echo no TCG >&2; exit 1;; esac\nexec {QEMU} "$@"\n'
    caps = await cache.get(script(tmp_path / "qemu", no_tcg))
    assert caps.accelerators() == (["kvm"] if caps.kvm else ["tcg"])


@needs_qemu
async def test_a_binary_without_seccomp_still_counts(cache: QemuCapabilitiesCache, tmp_path: Path) -> None:
    refuse = 'case "$*" in *-sandbox*) echo sandbox support is not enabled >&2; exit 1;; esac'
    wrapper = script(tmp_path / "qemu", f'#!/bin/sh\n{refuse}\nexec {QEMU} "$@"\n')
    assert (await cache.get(wrapper)).arch == "x86_64"
    assert (await run_test(wrapper, accelerator="tcg")).works


@needs_qemu
async def test_a_question_that_kills_it_is_left_out(
    cache: QemuCapabilitiesCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gather, "DEVICES", ("virtio-gpu-gl-pci", "virtio-net-pci"))
    caps = await cache.get(QEMU)  # QEMU 7.2 without its OpenGL module aborts at the first of them
    assert caps.has_property("virtio-net-pci", "failover")


@needs_qemu
@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"identity": 1}', b"null"])
async def test_a_damaged_file_is_asked_around(cache: QemuCapabilitiesCache, tmp_path: Path, damage: bytes) -> None:
    await cache.get(QEMU)
    (kept,) = (tmp_path / "capabilities").iterdir()
    good = json.loads(kept.read_bytes())
    kept.write_bytes(damage)
    again = QemuCapabilitiesCache(tmp_path / "capabilities")
    assert again.peek(QEMU) is None
    assert (await again.get(QEMU)).arch == "x86_64"
    assert json.loads(kept.read_bytes())["identity"] == good["identity"]


async def test_no_such_binary(cache: QemuCapabilitiesCache) -> None:
    with pytest.raises(InvalidArg, match="no program /nonexistent/qemu"):
        await cache.get("/nonexistent/qemu")


async def test_a_program_that_is_no_qemu(tmp_path: Path) -> None:
    with pytest.raises(InternalError, match="what is -S"):
        await probe(script(tmp_path / "q", "#!/bin/sh\necho what is $1 >&2\nexit 1\n"))


async def test_a_program_that_cannot_be_executed(tmp_path: Path) -> None:
    with pytest.raises(InternalError, match="Exec format error"):
        await probe(script(tmp_path / "q", "\x7fELF"))


async def test_a_qemu_that_hangs_is_given_up(tmp_path: Path) -> None:
    with pytest.raises(OperationTimeout, match=r"0\.3 s"):
        await probe(script(tmp_path / "q", "#!/bin/sh\nexec sleep 60\n"), timeout=0.3)
