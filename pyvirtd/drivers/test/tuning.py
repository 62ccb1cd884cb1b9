"""A domain's share of the host: scheduler, block and NUMA parameters, disks' and interfaces' limits, perf events."""

from __future__ import annotations

from typing import Final, get_args

from pyvirtd.conf.domain.disk import Disk, Iotune
from pyvirtd.conf.domain.domain import DomainDef, EventName, PerfEvent
from pyvirtd.conf.domain.interface import Bandwidth, Inbound, Interface, Outbound
from pyvirtd.conf.domain.memory import Blkiotune, NumaMemory, Numatune
from pyvirtd.conf.xml.types import format_cpuset, parse_cpuset
from pyvirtd.core.calls.change import change_both, impact, seen
from pyvirtd.core.domain import Domain
from pyvirtd.core.modifies import modifies, queries
from pyvirtd.core.params import known, whole
from pyvirtd.drivers.test.noun import Noun
from pyvirtd.errors import InvalidArg
from pyvirtd.protocol.calls import supports
from pyvirtd.protocol.constants.domain import DomainModificationImpact as Impact
from pyvirtd.protocol.constants.domain_fields import DomainBandwidthField as Rate
from pyvirtd.protocol.constants.domain_fields import DomainBlkioField as Blkio
from pyvirtd.protocol.constants.domain_fields import DomainBlockIotuneField as BlockField
from pyvirtd.protocol.constants.domain_fields import DomainNumaField as Numa
from pyvirtd.protocol.remote.domain_tuning import DomainGetSchedulerType
from pyvirtd.protocol.remote.events import DomainEventTunable
from pyvirtd.protocol.types import Int, TypedParams, UInt, ULLong

_BOTH: Final = Impact.LIVE | Impact.CONFIG
_WEIGHT: Final = "weight"
_FAIR: Final = 50
_MODES: Final = ("strict", "preferred", "interleave", "restrictive")
_EVENTS: Final[tuple[EventName, ...]] = get_args(EventName)
_DEVICE_FIELDS: Final = (
    (Blkio.DEVICE_WEIGHT, "weight"),
    (Blkio.DEVICE_READ_IOPS, "read_iops_sec"),
    (Blkio.DEVICE_WRITE_IOPS, "write_iops_sec"),
    (Blkio.DEVICE_READ_BPS, "read_bytes_sec"),
    (Blkio.DEVICE_WRITE_BPS, "write_bytes_sec"),
)
_GROUPS: Final = ("total_bytes_sec", "read_bytes_sec", "write_bytes_sec", "total_iops_sec", "read_iops_sec",
                  "write_iops_sec")  # fmt: skip
_IN: Final = ((Rate.IN_AVERAGE, "average"), (Rate.IN_PEAK, "peak"), (Rate.IN_BURST, "burst"),
              (Rate.IN_FLOOR, "floor"))  # fmt: skip
_OUT: Final = ((Rate.OUT_AVERAGE, "average"), (Rate.OUT_PEAK, "peak"), (Rate.OUT_BURST, "burst"))


class TuningCalls(Noun):
    """See the module."""

    @queries
    def domain_get_scheduler_type(self, dom: Domain) -> DomainGetSchedulerType:
        return DomainGetSchedulerType("fair", 1)

    @supports(_BOTH)
    @queries
    def domain_get_scheduler_parameters_flags(self, dom: Domain, flags: int) -> TypedParams:
        return {_WEIGHT: UInt(self.runtime.weights.get(dom.uuid, _FAIR))}

    @supports(_BOTH)
    @modifies
    async def domain_set_scheduler_parameters_flags(self, dom: Domain, params: TypedParams, flags: int) -> None:
        for name in known(params, (_WEIGHT,)):
            self.runtime.weights[dom.uuid] = whole(params, name, UInt)

    @supports(_BOTH)
    @queries
    def domain_get_blkio_parameters(self, dom: Domain, flags: int) -> TypedParams:
        tune = seen(dom, flags).blkiotune or Blkiotune()
        out: TypedParams = {Blkio.WEIGHT: UInt(tune.weight or 0)}
        for name, field in _DEVICE_FIELDS:
            pairs = ((device.path, getattr(device, field)) for device in tune.devices)
            out[name] = ",".join(f"{path},{value}" for path, value in pairs if value)
        return out

    @supports(_BOTH)
    @modifies
    async def domain_set_blkio_parameters(self, dom: Domain, params: TypedParams, flags: int) -> None:
        live, config = impact(dom, flags)
        known(params, (Blkio.WEIGHT,))

        def change(definition: DomainDef) -> None:
            definition.blkiotune = definition.blkiotune or Blkiotune()
            for name in params:
                definition.blkiotune.weight = whole(params, name, UInt)

        await change_both(self.runtime, dom, change, live=live, config=config)

    @supports(_BOTH)
    @queries
    def domain_get_numa_parameters(self, dom: Domain, flags: int) -> TypedParams:
        memory = tune.memory if (tune := seen(dom, flags).numatune) is not None else None
        mode = _MODES.index(memory.mode) if memory is not None and memory.mode else 0
        nodes = memory.nodeset if memory is not None else None
        return {Numa.MODE: Int(mode), Numa.NODESET: format_cpuset(nodes) if nodes else ""}

    @supports(_BOTH)
    @modifies
    async def domain_set_numa_parameters(self, dom: Domain, params: TypedParams, flags: int) -> None:
        live, config = impact(dom, flags)
        known(params, (Numa.MODE, Numa.NODESET))
        mode, nodes = params.get(Numa.MODE), str(params.get(Numa.NODESET) or "")
        if mode is not None and (not isinstance(mode, int) or not 0 <= mode < len(_MODES)):
            raise InvalidArg(f"{Numa.MODE} is 0 to {len(_MODES) - 1}, not {mode!r}")
        try:
            nodeset = frozenset(parse_cpuset(nodes)) if nodes else None
        except ValueError:
            raise InvalidArg(f"{Numa.NODESET} is a set of host nodes like 0-1, not {nodes!r}") from None

        def change(definition: DomainDef) -> None:
            tune = definition.numatune = definition.numatune or Numatune()
            tune.memory = tune.memory or NumaMemory(mode="strict")
            if isinstance(mode, int):
                tune.memory.mode = _MODES[mode]
            if nodeset is not None:
                tune.memory.nodeset, tune.memory.placement = nodeset, "static"

        await change_both(self.runtime, dom, change, live=live, config=config)

    @supports(_BOTH)
    @queries
    def domain_get_perf_events(self, dom: Domain, flags: int) -> TypedParams:
        on = {event.name for event in seen(dom, flags).perf if event.enabled}
        return {name: name in on for name in _EVENTS}

    @supports(_BOTH)
    @modifies
    async def domain_set_perf_events(self, dom: Domain, params: TypedParams, flags: int) -> None:
        live, config = impact(dom, flags)
        known(params, _EVENTS)

        def change(definition: DomainDef) -> None:
            on = {event.name: event.enabled for event in definition.perf} | params
            definition.perf = [PerfEvent(name=name, enabled=bool(on[name])) for name in _EVENTS if name in on]

        await change_both(self.runtime, dom, change, live=live, config=config)

    # Disks

    @supports(_BOTH)
    @queries
    def domain_get_block_io_tune(self, dom: Domain, disk: str | None, flags: int) -> TypedParams:
        definition = seen(dom, flags)
        tune = (Iotune() if disk is None else disk_of(dom, definition, disk).iotune or Iotune())
        out: TypedParams = {}
        for name in Iotune.FIELDS:
            value = getattr(tune, name)
            out[name] = value or "" if name == BlockField.GROUP_NAME else ULLong(value or 0)
        return out

    @supports(_BOTH)
    @modifies
    async def domain_set_block_io_tune(self, dom: Domain, disk: str, params: TypedParams, flags: int) -> None:
        live, config = impact(dom, flags)
        known(params, Iotune.FIELDS)
        wanted = {name: str(value) if name == BlockField.GROUP_NAME else whole(params, name, ULLong)
                  for name, value in params.items()}  # fmt: skip

        def change(definition: DomainDef) -> None:
            target = disk_of(dom, definition, disk)
            tune = target.iotune = target.iotune or Iotune()
            for name, value in wanted.items():
                setattr(tune, name, value)
            _check(tune)

        await change_both(self.runtime, dom, change, live=live, config=config)
        if live:
            told: TypedParams = {"blkdeviotune.disk": disk}
            told |= {f"blkdeviotune.{name}": value for name, value in params.items()}
            self.runtime.emit(DomainEventTunable(dom.ref, told))

    # Interfaces

    @supports(_BOTH)
    @queries
    def domain_get_interface_parameters(self, dom: Domain, device: str, flags: int) -> TypedParams:
        found = interface_of(dom, seen(dom, flags), device)
        out: TypedParams = {}
        limits = found.bandwidth or Bandwidth()
        for side, fields in ((limits.inbound, _IN), (limits.outbound, _OUT)):
            out |= {name: UInt(getattr(side, field, None) or 0) for name, field in fields}
        return out

    @supports(_BOTH)
    @modifies
    async def domain_set_interface_parameters(
        self, dom: Domain, device: str, params: TypedParams, flags: int
    ) -> None:
        live, config = impact(dom, flags)
        wanted = {name: whole(params, name, UInt) for name in known(params, [name for name, _ in (*_IN, *_OUT)])}

        def change(definition: DomainDef) -> None:
            found = interface_of(dom, definition, device)
            inbound = {field: wanted[name] for name, field in _IN if name in wanted}
            outbound = {field: wanted[name] for name, field in _OUT if name in wanted}
            limits = found.bandwidth = found.bandwidth or Bandwidth()
            if inbound:
                limits.inbound = Inbound(**inbound) if any(inbound.values()) else None
            if outbound:
                limits.outbound = Outbound(**outbound) if any(outbound.values()) else None

        await change_both(self.runtime, dom, change, live=live, config=config)


def _check(tune: Iotune) -> None:
    """Raises InvalidArg for limits that contradict each other."""
    for kind in ("bytes_sec", "iops_sec"):
        for suffix in ("", "_max"):
            if getattr(tune, f"total_{kind}{suffix}") and (
                getattr(tune, f"read_{kind}{suffix}") or getattr(tune, f"write_{kind}{suffix}")
            ):
                raise InvalidArg(f"total_{kind}{suffix} goes without read and write limits of the same kind")
    for name in _GROUPS:
        limit, most = getattr(tune, name), getattr(tune, f"{name}_max")
        # libvirt's test driver holds a limit without a maximum to a maximum of 0.
        if limit and limit > (most or 0):
            raise InvalidArg(f"{name} {limit} has to be at most {name}_max, which is {most or 0}")
        if getattr(tune, f"{name}_max_length") and not most:
            raise InvalidArg(f"{name}_max_length says how long {name}_max may be had, which is missing")


def disk_of(dom: Domain, definition: DomainDef, name: str) -> Disk:
    """A disk by its target or its source. Raises InvalidArg."""
    for disk in definition.devices.disks:
        if name and name in (disk.target, disk.source.where if disk.source is not None else None):
            return disk
    raise InvalidArg(f"{dom} has no disk '{name}'")


def interface_of(dom: Domain, definition: DomainDef, name: str) -> Interface:
    """An interface by its name on the host or its address. Raises InvalidArg."""
    for interface in definition.devices.interfaces:
        if name and name.lower() in (interface.target, (interface.mac or "").lower()):
            return interface
    raise InvalidArg(f"{dom} has no interface '{name}'")
