"""Single figures of a guest, checked: whatever QEMU answers that has not the shape it should is left out."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from pyvirtd.conf.domain.disk import Disk
from pyvirtd.core.domain import Domain
from pyvirtd.drivers.qemu.machine import Machine
from pyvirtd.drivers.qemu.stats.recent import ask
from pyvirtd.host.procfile import process_stat, read_word
from pyvirtd.protocol.constants.domain import DomainMemoryStatTags as Tag

_NODE: Final = re.compile(r"libvirt-(\d+)-")
_ABSENT: Final = (1 << 64) - 1
_U64: Final = 1 << 64

# QEMU's name, libvirt's tag, what to divide by (libvirt counts memory in KiB). Order is libvirt's.
_BALLOON: Final = (
    ("stat-swap-in", Tag.SWAP_IN, 1024),
    ("stat-swap-out", Tag.SWAP_OUT, 1024),
    ("stat-major-faults", Tag.MAJOR_FAULT, 1),
    ("stat-minor-faults", Tag.MINOR_FAULT, 1),
    ("stat-free-memory", Tag.UNUSED, 1024),
    ("stat-total-memory", Tag.AVAILABLE, 1024),
    ("stat-available-memory", Tag.USABLE, 1024),
    ("stat-disk-caches", Tag.DISK_CACHES, 1024),
    ("stat-htlb-pgalloc", Tag.HUGETLB_PGALLOC, 1),
    ("stat-htlb-pgfail", Tag.HUGETLB_PGFAIL, 1),
)


_COUNTERS: Final = (
    "rd_operations", "rd_bytes", "rd_total_time_ns", "wr_operations", "wr_bytes", "wr_total_time_ns",
    "flush_operations", "flush_total_time_ns",
)  # fmt: skip


class BlockFigures(NamedTuple):
    """What QEMU counts about one node of a disk's chain; `backing` is the next node."""

    node: int | None
    """Its number in the chain."""
    counts: list[int]
    """Requests, bytes and nanoseconds of reads, the same of writes, then requests and nanoseconds of flushes."""
    failed: int
    highest: int
    """Highest offset written: what libvirt calls the allocation of a disk in use."""
    backing: BlockFigures | None


def disk_path(disk: Disk) -> str | None:
    """The file, device or directory that a disk's source names on this host; None: it has none."""
    source = disk.source
    if source is None:
        return None
    for field in ("file", "dev", "dir"):
        path = getattr(source, field, None)
        if path:
            return str(path)
    return None


def disk_format(disk: Disk) -> str | None:
    """The recorded format."""
    return disk.driver.type if disk.driver is not None else None


async def block_figures(machine: Machine) -> dict[str, BlockFigures]:
    """By alias of the disk."""
    found: dict[str, BlockFigures] = {}
    for entry in _dicts(await ask(machine, "query-blockstats")):
        device = entry.get("qdev")
        if isinstance(device, str):
            figures = _block(entry)
            for part in device.split("/"):
                if part and part not in ("machine", "peripheral", "virtio-backend"):
                    found[part] = figures
    return found


async def capacities(machine: Machine) -> dict[int, int]:
    """Virtual sizes in bytes by node number."""
    sizes: dict[int, int] = {}
    for node in _dicts(await ask(machine, "query-named-block-nodes", {"flat": True})):
        name, image = node.get("node-name"), node.get("image")
        match = _NODE.match(name) if isinstance(name, str) else None
        if match is None or not isinstance(image, dict):
            continue
        size = _count(image.get("virtual-size"))
        if str(name).endswith("-format"):
            sizes[int(match[1])] = size
        else:
            sizes.setdefault(int(match[1]), size)
    return sizes


def _block(entry: Mapping[str, Any], depth: int = 0) -> BlockFigures:
    stats = entry.get("stats")
    if not isinstance(stats, dict):
        stats = {}
    name = entry.get("node-name")
    match = _NODE.match(name) if isinstance(name, str) else None
    below = entry.get("backing")
    counts = [_count(stats.get(field)) for field in _COUNTERS]
    return BlockFigures(
        int(match[1]) if match else None,
        counts,
        _count(stats.get("failed_rd_operations")) + _count(stats.get("failed_wr_operations")),
        _count(stats.get("wr_highest_offset")),
        _block(below, depth + 1) if isinstance(below, dict) and depth < 200 else None,
    )


async def memory_figures(domain: Domain, machine: Machine) -> list[tuple[int, int]]:
    """(VIR_DOMAIN_MEMORY_STAT_*, value) in libvirt's order: the balloon's statistics, then QEMU's resident memory."""
    live = domain.current
    actual = live.current_memory if live.current_memory is not None else live.memory or 0
    figures = [(int(Tag.ACTUAL_BALLOON), int(actual))]
    balloon = live.devices.memballoons[0] if live.devices.memballoons else None
    if balloon is not None and balloon.alias and balloon.model != "none":
        path = f"/machine/peripheral/{balloon.alias}"
        reply = await ask(machine, "qom-get", {"path": path, "property": "guest-stats"})
        if isinstance(reply, dict):
            figures += _balloon(reply)
    with contextlib.suppress(OSError, IndexError, ValueError):
        figures.append((int(Tag.RSS), process_stat(machine.pid).rss))
    return figures


def _balloon(reply: Mapping[str, Any]) -> Iterator[tuple[int, int]]:
    stats = reply.get("stats")
    if isinstance(stats, dict):
        for name, tag, unit in _BALLOON[:7]:
            if (value := _present(stats.get(name))) is not None:
                yield int(tag), value // unit
    if isinstance(updated := reply.get("last-update"), int):
        yield int(Tag.LAST_UPDATE), max(updated, 0)
    if isinstance(stats, dict):
        for name, tag, unit in _BALLOON[7:]:
            if (value := _present(stats.get(name))) is not None:
                yield int(tag), value // unit


class VcpuFigures(NamedTuple):
    """One running vCPU's thread: nanoseconds it ran, waited inside the scheduler, was ready without a CPU; its CPU."""

    time: int
    wait: int
    delay: int
    processor: int


def vcpu_figures(machine: Machine, number: int) -> VcpuFigures | None:
    """None for a vCPU that is off."""
    thread = machine.vcpu_threads.get(number)
    if thread is None:
        return None
    try:
        stat = process_stat(machine.pid, thread)
    except (OSError, IndexError, ValueError):
        return None
    schedule = (read_word(f"/proc/{machine.pid}/task/{thread}/schedstat") or "").split()
    delay = int(schedule[1]) if len(schedule) == 3 and schedule[1].isdigit() else 0
    return VcpuFigures(stat.user + stat.system, _wait_sum(machine.pid, thread), delay, stat.processor)


def _wait_sum(pid: int, thread: int) -> int:
    """Nanoseconds; the kernel keeps it in milliseconds with a fraction, where it keeps it at all."""
    for line in (read_word(f"/proc/{pid}/task/{thread}/sched") or "").splitlines():
        name, _, value = line.partition(":")
        if name.strip().endswith("wait_sum"):
            try:
                return int(float(value) * 1_000_000)
            except ValueError:
                return 0
    return 0


def halt_poll(pid: int) -> tuple[int, int]:
    """Nanoseconds for which KVM polled with and without success; zeros where nothing polls (no KVM)."""
    base = "/sys/kernel/debug/kvm"
    success = failure = 0
    try:
        guests = [name for name in os.listdir(base) if name.startswith(f"{pid}-")]
    except OSError:
        return 0, 0
    for name in guests:
        for vcpu in os.listdir(f"{base}/{name}"):
            if vcpu.startswith("vcpu"):
                success += _count_text(f"{base}/{name}/{vcpu}/halt_poll_success_ns")
                failure += _count_text(f"{base}/{name}/{vcpu}/halt_poll_fail_ns")
    return success, failure


def _count_text(path: str) -> int:
    text = read_word(path) or ""
    return int(text) if text.isdigit() else 0


def _dicts(reply: Any) -> Iterator[dict[str, Any]]:
    if isinstance(reply, list):
        for entry in reply:
            if isinstance(entry, dict):
                yield entry


def _count(value: Any) -> int:
    return value if isinstance(value, int) and 0 <= value < _U64 else 0


def _present(value: Any) -> int | None:
    """The balloon driver says -1, as an unsigned number, for what its guest does not tell."""
    return value if isinstance(value, int) and 0 <= value < _ABSENT else None
