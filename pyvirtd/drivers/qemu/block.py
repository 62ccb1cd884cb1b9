"""A domain's disks: their figures, their sizes, their errors, their limits."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from typing import Any, Final

from pyvirtd.conf.domain.disk import Disk, Iotune
from pyvirtd.conf.domain.domain import DomainDef
from pyvirtd.core.calls.change import change_live, impact, keep, seen, tried
from pyvirtd.core.domain import Domain
from pyvirtd.core.modifies import modifies, queries
from pyvirtd.drivers.qemu.machine import Machine
from pyvirtd.drivers.qemu.noun import Noun, machine_of
from pyvirtd.drivers.qemu.stats.figures import BlockFigures, block_figures, capacities, disk_format, disk_path
from pyvirtd.drivers.qemu.stats.recent import ask
from pyvirtd.errors import InvalidArg, OperationFailed, OperationInvalid, OperationUnsupported, ValueOverflow
from pyvirtd.host.image import measure
from pyvirtd.protocol.calls import supports
from pyvirtd.protocol.constants.domain import DomainBlockResizeFlags as Resize
from pyvirtd.protocol.constants.domain import DomainDiskErrorCode
from pyvirtd.protocol.constants.domain import DomainModificationImpact as Impact
from pyvirtd.protocol.constants.domain_fields import DomainBlockStatsField as Stats
from pyvirtd.protocol.remote.domain_block import DomainBlockStats, DomainDiskError, DomainGetBlockInfo
from pyvirtd.protocol.remote.events import DomainEventTunable
from pyvirtd.protocol.types import LLong, TypedParams, ULLong
from pyvirtd.store.atomic import in_background

_BOTH: Final = Impact.LIVE | Impact.CONFIG
_SECTOR: Final = 512
_MOST_BYTES: Final = (1 << 63) - 1

# libvirt's order, and where the number stands in `BlockFigures.counts`.
_STATS: Final = (
    (Stats.WRITE_BYTES, 4), (Stats.WRITE_REQ, 3), (Stats.READ_BYTES, 1), (Stats.READ_REQ, 0), (Stats.FLUSH_REQ, 6),
    (Stats.WRITE_TOTAL_TIMES, 5), (Stats.READ_TOTAL_TIMES, 2), (Stats.FLUSH_TOTAL_TIMES, 7),
)  # fmt: skip

# The limits, as parameters and fields of <iotune> call them, and as QEMU does.
_TUNE: Final = {
    "total_bytes_sec": "bps", "read_bytes_sec": "bps_rd", "write_bytes_sec": "bps_wr",
    "total_iops_sec": "iops", "read_iops_sec": "iops_rd", "write_iops_sec": "iops_wr",
    "total_bytes_sec_max": "bps_max", "read_bytes_sec_max": "bps_rd_max", "write_bytes_sec_max": "bps_wr_max",
    "total_iops_sec_max": "iops_max", "read_iops_sec_max": "iops_rd_max", "write_iops_sec_max": "iops_wr_max",
    "size_iops_sec": "iops_size",
    "group_name": "group",
    "total_bytes_sec_max_length": "bps_max_length", "read_bytes_sec_max_length": "bps_rd_max_length",
    "write_bytes_sec_max_length": "bps_wr_max_length", "total_iops_sec_max_length": "iops_max_length",
    "read_iops_sec_max_length": "iops_rd_max_length", "write_iops_sec_max_length": "iops_wr_max_length",
}  # fmt: skip
_TEXT: Final = "group_name"
_ALWAYS: Final = tuple(name for name in _TUNE if name.endswith("_sec") and name != "size_iops_sec")
_SETS: Final = tuple(
    tuple(f"{which}_{what}" for which in ("total", "read", "write"))
    for what in ("bytes_sec", "iops_sec", "bytes_sec_max", "iops_sec_max")
)
"""Limits that are set together: naming one of them clears the others; the total excludes its parts."""


class BlockCalls(Noun):
    """See the module."""

    @queries
    async def domain_block_stats(self, dom: Domain, path: str) -> DomainBlockStats:
        counts = await self._counts(dom, path)
        return DomainBlockStats(counts[0], counts[1], counts[3], counts[4], -1)

    @queries
    async def domain_block_stats_flags(self, dom: Domain, path: str, flags: int) -> TypedParams:
        counts = await self._counts(dom, path)
        return {name: LLong(counts[place]) for name, place in _STATS}

    async def _counts(self, dom: Domain, path: str) -> list[int]:
        """What QEMU counts of a disk; of all of them together for an empty path."""
        machine = machine_of(dom)
        disks = [find_disk(dom.current, path)] if path else dom.current.devices.disks
        by_alias = await block_figures(machine)
        found = [by_alias[disk.alias] for disk in disks if disk.alias in by_alias]
        if path and not found:
            raise OperationFailed(f"{dom}: QEMU has not told anything about the disk '{path}' yet")
        return [sum(column) for column in zip(*(figures.counts for figures in found), strict=True)] or [0] * 8

    @queries
    async def domain_get_block_info(self, dom: Domain, path: str, flags: int) -> DomainGetBlockInfo:
        disk = find_disk(dom.current, path)
        if disk.empty:
            raise InvalidArg(f"{dom}: the drive '{path}' is empty")
        where = disk_path(disk)
        size = await in_background(measure, where, disk_format(disk)) if where else None
        figures, capacity = await self._told(dom, disk)
        if size is None and (figures is None or capacity is None):
            raise OperationFailed(f"{dom}: cannot find out the sizes of disk '{path}'")
        allocation = figures.highest if figures is not None and figures.highest else size.allocation if size else 0
        physical = size.physical if size is not None else capacity or 0
        if capacity is None:
            capacity = size.capacity if size is not None else 0
        return DomainGetBlockInfo(allocation, capacity, physical)

    async def _told(self, dom: Domain, disk: Disk) -> tuple[BlockFigures | None, int | None]:
        """QEMU's figures of a disk and its capacity, as far as QEMU has told."""
        if not isinstance(dom.machine, Machine) or not disk.alias:
            return None, None
        # Both at once: each waits a moment for a QEMU that hangs.
        told, sizes = await asyncio.gather(block_figures(dom.machine), capacities(dom.machine))
        figures = told.get(disk.alias)
        return figures, sizes.get(figures.node) if figures is not None and figures.node is not None else None

    @queries
    async def domain_get_disk_errors(self, dom: Domain, flags: int) -> list[DomainDiskError]:
        machine = machine_of(dom)
        reply = await ask(machine, "query-block")
        if reply is None:
            raise OperationFailed(f"{dom}: QEMU has not told anything about its disks yet")
        states = {alias: entry.get("io-status") for alias, entry in by_device(reply)}
        codes = {"nospace": DomainDiskErrorCode.NO_SPACE, "failed": DomainDiskErrorCode.UNSPEC}
        return [
            DomainDiskError(str(disk.target), codes[state])
            for disk in dom.current.devices.disks
            if (state := states.get(disk.alias or "")) in codes
        ]

    @supports(Resize.BYTES)
    @modifies
    async def domain_block_resize(self, dom: Domain, disk: str, size: int, flags: int) -> None:
        machine = machine_of(dom)
        target = find_disk(dom.current, disk)
        if not flags & Resize.BYTES:
            size <<= 10
        if size > _MOST_BYTES:
            raise ValueOverflow(f"{dom}: a disk of {size} bytes is more than there can be")
        if target.empty:
            raise OperationInvalid(f"{dom}: the drive '{disk}' is empty")
        if target.readonly:
            raise OperationUnsupported(f"{dom}: disk '{disk}' is read-only, it cannot be resized")
        if target.format in ("qcow2", "qed"):
            size = -(-size // _SECTOR) * _SECTOR
        node = node_of(dom, target, await machine.run("query-block"))
        await machine.run("block_resize", {"node-name": node, "size": size})

    @supports(_BOTH)
    @queries
    async def domain_get_block_io_tune(self, dom: Domain, disk: str | None, flags: int) -> TypedParams:
        definition = seen(dom, flags)
        if not disk:
            # Asked for how many there are; without a disk there is nothing more to say.
            return _as_params({})
        found = find_disk(definition, disk)
        if definition is dom.live:
            entries = dict(by_device(await ask(machine_of(dom), "query-block")))
            if (entry := entries.get(found.alias or "")) is not None:
                return _as_params(_told_limits(entry))
        return _as_params(_kept_limits(found.iotune))

    @supports(_BOTH)
    @modifies
    async def domain_set_block_io_tune(self, dom: Domain, disk: str, params: TypedParams, flags: int) -> None:
        live, config = impact(dom, flags)
        wanted = _checked(params)

        def change(definition: DomainDef) -> None:
            found = find_disk(definition, disk)
            found.iotune = _tune_of(_merged(_kept_limits(found.iotune), wanted))

        kept = tried(dom, change) if config else None
        if live:
            found, machine = find_disk(dom.current, disk), machine_of(dom)
            if found.empty:
                raise OperationInvalid(f"{dom}: the drive '{disk}' is empty, there is nothing to limit")
            entry = dict(by_device(await machine.run("query-block"))).get(found.alias or "")
            if entry is None:
                raise OperationFailed(f"{dom}: QEMU has no disk '{disk}'")
            await _throttle(machine, str(entry["qdev"]), _merged(_told_limits(entry), wanted))
            await change_live(self.runtime, dom, change)
            told: TypedParams = {"blkdeviotune.disk": str(found.target)}
            told |= {f"blkdeviotune.{name}": value for name, value in params.items()}
            self.runtime.emit(DomainEventTunable(dom.ref, told))
        if kept is not None:
            await keep(self.runtime, dom, kept)


def find_disk(definition: DomainDef, name: str) -> Disk:
    """The disk whose target or whose image has that name. Raises InvalidArg for none."""
    for disk in definition.devices.disks:
        if disk.target == name:
            return disk
    for disk in definition.devices.disks:
        if name and disk_path(disk) == name:
            return disk
    raise InvalidArg(f"domain '{definition.name}' has no disk '{name}'")


def by_device(reply: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Entries of query-block by the alias of the disk."""
    for entry in reply if isinstance(reply, list) else []:
        path = entry.get("qdev") if isinstance(entry, dict) else None
        if isinstance(path, str):
            for part in path.split("/"):
                if part and part not in ("machine", "peripheral", "virtio-backend"):
                    yield part, entry


def node_of(dom: Domain, disk: Disk, reply: Any) -> str:
    """The name of the disk's node, from query-block."""
    entry = dict(by_device(reply)).get(disk.alias or "")
    inserted = entry.get("inserted") if entry is not None else None
    node = inserted.get("node-name") if isinstance(inserted, dict) else None
    if not isinstance(node, str) or not node:
        raise OperationFailed(f"{dom}: QEMU has no image in disk '{disk.target}'")
    return node


Limits = dict[str, int | str]


async def apply_tunes(machine: Machine, disks: Iterable[Disk]) -> None:
    """Limit the disks of a guest as their definitions say; for a start, and for disks that are plugged in."""
    limited = [disk for disk in disks if disk.iotune is not None and not disk.empty]
    if not limited:
        return
    entries = dict(by_device(await machine.run("query-block")))
    for disk in limited:
        entry = entries.get(disk.alias or "")
        if entry is None:
            raise OperationFailed(f"{machine}: QEMU has no disk '{disk.target}' to set limits for")
        await _throttle(machine, str(entry["qdev"]), _kept_limits(disk.iotune))


async def _throttle(machine: Machine, device: str, limits: Limits) -> None:
    """Set all limits of a device; those that are not named are none."""
    command: dict[str, Any] = {"id": device}
    for name, field in _TUNE.items():
        # QEMU wants these six always; lengths have to be 1 at least where they are told.
        if name in _ALWAYS or limits.get(name):
            command[field] = limits.get(name, 0)
    await machine.run("block_set_io_throttle", command)


def _as_params(limits: Limits) -> TypedParams:
    out: TypedParams = {}
    for name in _TUNE:
        out[name] = str(limits.get(name) or "") if name == _TEXT else ULLong(int(limits.get(name) or 0))
    return out


def _told_limits(entry: dict[str, Any]) -> Limits:
    """Those that QEMU has, of an entry of query-block."""
    inserted = entry.get("inserted")
    limits: Limits = {}
    for name, field in _TUNE.items():
        value: Any = inserted.get(field) if isinstance(inserted, dict) else None
        if isinstance(value, str) if name == _TEXT else isinstance(value, int) and value >= 0:
            limits[name] = value
    return limits


def _kept_limits(tune: Iotune | None) -> Limits:
    return {name: value for name in _TUNE if (value := getattr(tune, name, None))}


def _tune_of(limits: Limits) -> Iotune | None:
    values: dict[str, Any] = {name: value for name, value in limits.items() if value}
    return Iotune(**values) if set(values) - {_TEXT} else None


def _checked(params: TypedParams) -> Limits:
    wanted: Limits = {}
    for name, value in params.items():
        if name not in _TUNE:
            raise InvalidArg(f"there is no limit '{name}' of a disk; there are {', '.join(_TUNE)}")
        if name == _TEXT and isinstance(value, str):
            wanted[name] = value
        elif name != _TEXT and type(value) is ULLong and value < 1 << 50:
            wanted[name] = int(value)
        else:
            raise InvalidArg(f"the limit '{name}' cannot be {value!r}")
    for total, *parts in _SETS:
        if wanted.get(total) and any(wanted.get(part) for part in parts):
            raise InvalidArg(f"{total} cannot be set together with {' or '.join(parts)}, which are parts of it")
    return wanted


def _merged(now: Limits, wanted: Limits) -> Limits:
    """What the limits are after a change. Raises InvalidArg for a burst without its limit."""
    merged = dict(now)
    for names in _SETS:
        if any(name in wanted for name in names):
            for name in names:
                merged.pop(name, None)
    merged |= wanted
    for name in [name for name in merged if name.endswith("_max") and merged[name]]:
        if not merged.get(name.removesuffix("_max")):
            raise InvalidArg(f"{name} is for bursts beyond {name.removesuffix('_max')}, which is not set")
    for name in [name for name in merged if name.endswith("_max_length")]:
        if not merged.get(name.removesuffix("_length")):
            if wanted.get(name):
                raise InvalidArg(f"{name} is how long {name.removesuffix('_length')} lasts, which is not set")
            del merged[name]
    return merged
