"""One domain's statistics as typed parameters: the groups of virDomainStatsTypes. Names and types are libvirt's."""

from __future__ import annotations

import asyncio
from typing import Any, Final, NamedTuple

from pyvirtd.core.domain import Domain
from pyvirtd.drivers.qemu.machine import Machine
from pyvirtd.drivers.qemu.stats import figures
from pyvirtd.drivers.qemu.stats.figures import BlockFigures
from pyvirtd.drivers.qemu.stats.recent import ask
from pyvirtd.errors import VirtError
from pyvirtd.host import netdev
from pyvirtd.host.image import ImageSize, measure
from pyvirtd.host.procfile import process_stat
from pyvirtd.protocol.constants.domain import DomainMemoryStatTags as Tag
from pyvirtd.protocol.constants.domain_jobs import DomainStatsTypes as Group
from pyvirtd.protocol.constants.domain_stats_fields import DomainStatsField as Field
from pyvirtd.protocol.types import Int, LLong, TypedParams, UInt, ULLong
from pyvirtd.store.atomic import in_background

ALL: Final = (
    Group.STATE | Group.CPU_TOTAL | Group.BALLOON | Group.VCPU | Group.INTERFACE | Group.BLOCK | Group.PERF
    | Group.IOTHREAD | Group.MEMORY | Group.DIRTYRATE | Group.VM
)  # fmt: skip
"""The groups that we know. PERF, MEMORY and VM tell of counters that are only kept when a domain turns them on."""

_BALLOON_FIELD: Final = {
    Tag.SWAP_IN: Field.BALLOON_SWAP_IN,
    Tag.SWAP_OUT: Field.BALLOON_SWAP_OUT,
    Tag.MAJOR_FAULT: Field.BALLOON_MAJOR_FAULT,
    Tag.MINOR_FAULT: Field.BALLOON_MINOR_FAULT,
    Tag.UNUSED: Field.BALLOON_UNUSED,
    Tag.AVAILABLE: Field.BALLOON_AVAILABLE,
    Tag.USABLE: Field.BALLOON_USABLE,
    Tag.LAST_UPDATE: Field.BALLOON_LAST_UPDATE,
    Tag.DISK_CACHES: Field.BALLOON_DISK_CACHES,
    Tag.HUGETLB_PGALLOC: Field.BALLOON_HUGETLB_PGALLOC,
    Tag.HUGETLB_PGFAIL: Field.BALLOON_HUGETLB_PGFAIL,
    Tag.RSS: Field.BALLOON_RSS,
}


_COUNTED: Final = (
    Field.BLOCK_SUFFIX_RD_REQS, Field.BLOCK_SUFFIX_RD_BYTES, Field.BLOCK_SUFFIX_RD_TIMES,
    Field.BLOCK_SUFFIX_WR_REQS, Field.BLOCK_SUFFIX_WR_BYTES, Field.BLOCK_SUFFIX_WR_TIMES,
    Field.BLOCK_SUFFIX_FL_REQS, Field.BLOCK_SUFFIX_FL_TIMES,
)  # fmt: skip


class Image(NamedTuple):
    """Where an inactive domain's disk is."""

    path: str
    format: str | None


def images(domain: Domain) -> list[Image | None]:
    """A disk's image each, None for an empty drive or one that is not on this host."""
    found: list[Image | None] = []
    for disk in domain.current.devices.disks:
        path = figures.disk_path(disk)
        found.append(Image(path, figures.disk_format(disk)) if path else None)
    return found


def measure_all(wanted: list[Image | None]) -> list[ImageSize | None]:
    """The sizes of images; for a thread."""
    return [measure(*image) if image is not None else None for image in wanted]


def inactive(domain: Domain, groups: int, sizes: list[ImageSize | None]) -> TypedParams:
    """What there is to say of a domain that does not run; `sizes` are of `images(domain)`."""
    out: TypedParams = {}
    if groups & Group.STATE:
        _state(domain, out)
    if groups & Group.BALLOON:
        memory = int(domain.current.memory or 0)
        current = domain.current.current_memory
        out[Field.BALLOON_CURRENT] = ULLong(memory if current is None else current)
        out[Field.BALLOON_MAXIMUM] = ULLong(memory)
    if groups & Group.VCPU:
        _vcpu_counts(domain, out)
    if groups & Group.BLOCK:
        disks = domain.current.devices.disks
        out[Field.BLOCK_COUNT] = UInt(len(disks))
        for number, (disk, size) in enumerate(zip(disks, sizes, strict=True)):
            _names(out, number, str(disk.target), figures.disk_path(disk))
            if size is not None:
                _sizes(out, number, size.allocation, size.capacity, size.physical)
    return out


async def active(domain: Domain, machine: Machine, groups: int, *, backing: bool) -> TypedParams:
    """What there is to say of a guest; QEMU is asked for all of it at once, and never waited for when it hangs."""
    wanted: dict[int, Any] = {}
    if groups & Group.BALLOON:
        wanted[Group.BALLOON] = figures.memory_figures(domain, machine)
    if groups & Group.BLOCK:
        wanted[Group.BLOCK] = _block_facts(domain, machine)
    if groups & Group.IOTHREAD and domain.current.iothread_ids:
        wanted[Group.IOTHREAD] = ask(machine, "query-iothreads")
    if groups & Group.DIRTYRATE:
        wanted[Group.DIRTYRATE] = ask(machine, "query-dirty-rate")
    facts = dict(zip(wanted, await asyncio.gather(*wanted.values()), strict=True))
    out: TypedParams = {}
    if groups & Group.STATE:
        _state(domain, out)
    if groups & Group.CPU_TOTAL:
        _cpu(machine, out)
    if groups & Group.BALLOON:
        _balloon(domain, facts[Group.BALLOON], out)
    if groups & Group.VCPU:
        _vcpu_counts(domain, out)
        _vcpus(domain, machine, out)
    if groups & Group.INTERFACE:
        _interfaces(domain, out)
    if groups & Group.BLOCK:
        _blocks(domain, facts[Group.BLOCK], out, backing=backing)
    if groups & Group.IOTHREAD:
        _iothreads(facts.get(Group.IOTHREAD), out)
    if groups & Group.DIRTYRATE:
        _dirty_rate(facts[Group.DIRTYRATE], out)
    return out


def _state(domain: Domain, out: TypedParams) -> None:
    out[Field.STATE_STATE] = Int(domain.state)
    out[Field.STATE_REASON] = Int(domain.reason)


def _cpu(machine: Machine, out: TypedParams) -> None:
    try:
        stat = process_stat(machine.pid)
    except (OSError, IndexError, ValueError, VirtError):
        return
    out[Field.CPU_TIME] = ULLong(stat.user + stat.system)
    out[Field.CPU_USER] = ULLong(stat.user)
    out[Field.CPU_SYSTEM] = ULLong(stat.system)
    out[Field.CPU_CACHE_MONITOR_COUNT] = UInt(0)
    success, failure = figures.halt_poll(machine.pid)
    out[Field.CPU_HALTPOLL_SUCCESS_TIME] = ULLong(success)
    out[Field.CPU_HALTPOLL_FAIL_TIME] = ULLong(failure)


def _balloon(domain: Domain, facts: list[tuple[int, int]], out: TypedParams) -> None:
    out[Field.BALLOON_CURRENT] = ULLong(facts[0][1])
    out[Field.BALLOON_MAXIMUM] = ULLong(domain.current.memory or 0)
    for tag, value in facts[1:]:
        out[_BALLOON_FIELD[tag]] = ULLong(value)


def _vcpu_counts(domain: Domain, out: TypedParams) -> None:
    definition = domain.current
    out[Field.VCPU_CURRENT] = UInt(definition.current_vcpus or definition.max_vcpus)
    out[Field.VCPU_MAXIMUM] = UInt(definition.max_vcpus)


def _vcpus(domain: Domain, machine: Machine, out: TypedParams) -> None:
    for number in sorted(machine.vcpu_threads):
        found = figures.vcpu_figures(machine, number)
        if found is not None:
            head = f"{Field.VCPU_PREFIX}{number}"
            out[head + Field.VCPU_SUFFIX_STATE] = Int(1)
            out[head + Field.VCPU_SUFFIX_TIME] = ULLong(found.time)
            out[head + Field.VCPU_SUFFIX_WAIT] = ULLong(found.wait)
            out[head + Field.VCPU_SUFFIX_DELAY] = ULLong(found.delay)


def _interfaces(domain: Domain, out: TypedParams) -> None:
    interfaces = domain.current.devices.interfaces
    out[Field.NET_COUNT] = UInt(len(interfaces))
    for number, interface in enumerate(interfaces):
        name = interface.target
        if not name:
            continue
        head = f"{Field.NET_PREFIX}{number}"
        out[head + Field.BLOCK_SUFFIX_NAME] = name
        try:
            counted = netdev.stats(name).swapped()
        except VirtError:
            continue
        values = zip(
            (
                Field.NET_SUFFIX_RX_BYTES, Field.NET_SUFFIX_RX_PKTS, Field.NET_SUFFIX_RX_ERRS, Field.NET_SUFFIX_RX_DROP,
                Field.NET_SUFFIX_TX_BYTES, Field.NET_SUFFIX_TX_PKTS, Field.NET_SUFFIX_TX_ERRS, Field.NET_SUFFIX_TX_DROP,
            ),
            counted,
            strict=True,
        )  # fmt: skip
        for field, value in values:
            out[head + field] = ULLong(value)


class _BlockFacts(NamedTuple):
    by_alias: dict[str, BlockFigures]
    capacities: dict[int, int]
    sizes: list[ImageSize | None]


async def _block_facts(domain: Domain, machine: Machine) -> _BlockFacts:
    wanted = images(domain)
    by_alias, sizes, measured = await asyncio.gather(
        figures.block_figures(machine), figures.capacities(machine), in_background(measure_all, wanted)
    )
    return _BlockFacts(by_alias, sizes, measured)


def _blocks(domain: Domain, facts: _BlockFacts, out: TypedParams, *, backing: bool) -> None:
    number = 0
    disks = domain.current.devices.disks
    count_at = Field.BLOCK_COUNT
    out[count_at] = UInt(len(disks))
    for disk, size in zip(disks, facts.sizes, strict=False):
        path, target = figures.disk_path(disk), str(disk.target)
        counted = facts.by_alias.get(disk.alias or "")
        _names(out, number, target, path)
        _counters(out, number, counted, facts, size)
        number += 1
        layer, below = (counted.backing if counted is not None else None), disk.backing
        while backing and layer is not None:
            _names(out, number, target, _backing_path(below))
            _counters(out, number, layer, facts, None)
            number += 1
            layer, below = layer.backing, below.backing if below is not None else None
    out[count_at] = UInt(number)


def _backing_path(backing: Any) -> str | None:
    return figures.disk_path(backing) if backing is not None else None


def _names(out: TypedParams, number: int, target: str, path: str | None) -> None:
    head = f"{Field.BLOCK_PREFIX}{number}"
    out[head + Field.BLOCK_SUFFIX_NAME] = target
    if path is not None:
        out[head + Field.BLOCK_SUFFIX_PATH] = path


def _counters(
    out: TypedParams, number: int, counted: BlockFigures | None, facts: _BlockFacts, size: ImageSize | None
) -> None:
    head = f"{Field.BLOCK_PREFIX}{number}"
    if counted is None:
        return
    if counted.node is not None:
        out[head + Field.BLOCK_SUFFIX_BACKINGINDEX] = UInt(counted.node)
    for suffix, value in zip(_COUNTED, counted.counts, strict=True):
        out[head + suffix] = ULLong(value)
    capacity = facts.capacities.get(counted.node) if counted.node is not None else None
    if capacity is not None:
        _sizes(out, number, counted.highest, capacity, size.physical if size is not None else None)


def _sizes(out: TypedParams, number: int, allocation: int, capacity: int, physical: int | None) -> None:
    head = f"{Field.BLOCK_PREFIX}{number}"
    out[head + Field.BLOCK_SUFFIX_ALLOCATION] = ULLong(allocation)
    out[head + Field.BLOCK_SUFFIX_CAPACITY] = ULLong(capacity)
    if physical is not None:
        out[head + Field.BLOCK_SUFFIX_PHYSICAL] = ULLong(physical)


def _iothreads(reply: Any, out: TypedParams) -> None:
    threads = [entry for entry in reply if isinstance(entry, dict)] if isinstance(reply, list) else []
    if not threads:
        return
    out[Field.IOTHREAD_COUNT] = UInt(len(threads))
    for thread in threads:
        number = str(thread.get("id", "")).removeprefix("iothread")
        for suffix, key in (
            (Field.IOTHREAD_SUFFIX_POLL_MAX_NS, "poll-max-ns"),
            (Field.IOTHREAD_SUFFIX_POLL_GROW, "poll-grow"),
            (Field.IOTHREAD_SUFFIX_POLL_SHRINK, "poll-shrink"),
        ):
            value = thread.get(key)
            if number.isdigit() and isinstance(value, int) and value >= 0:
                kind = ULLong if key == "poll-max-ns" else UInt
                out[f"{Field.IOTHREAD_PREFIX}{number}{suffix}"] = kind(value)


_RATE_STATUS: Final = {"unstarted": 0, "measuring": 1, "measured": 2}


def _dirty_rate(reply: Any, out: TypedParams) -> None:
    if not isinstance(reply, dict) or reply.get("status") not in _RATE_STATUS:
        return
    status = _RATE_STATUS[reply["status"]]
    out[Field.DIRTYRATE_CALC_STATUS] = Int(status)
    out[Field.DIRTYRATE_CALC_START_TIME] = LLong(_number(reply.get("start-time")))
    out[Field.DIRTYRATE_CALC_PERIOD] = Int(_number(reply.get("calc-time")))
    mode = reply.get("mode")
    out[Field.DIRTYRATE_CALC_MODE] = mode if isinstance(mode, str) else "page-sampling"
    if status == 2:
        out[Field.DIRTYRATE_MEGABYTES_PER_SECOND] = LLong(_number(reply.get("dirty-rate")))
        rates = reply.get("vcpu-dirty-rate")
        for entry in rates if isinstance(rates, list) else []:
            if isinstance(entry, dict) and isinstance(entry.get("id"), int):
                head = f"{Field.DIRTYRATE_VCPU_PREFIX}{entry['id']}"
                out[head + Field.DIRTYRATE_VCPU_SUFFIX_MEGABYTES_PER_SECOND] = LLong(_number(entry.get("dirty-rate")))


def _number(value: Any) -> int:
    return value if isinstance(value, int) else 0
