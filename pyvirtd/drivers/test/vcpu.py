"""A domain's vCPUs and I/O threads: how many, and on which of the host's CPUs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from pyvirtd.conf.domain.domain import DomainDef
from pyvirtd.conf.domain.vcpu import Cputune, IOThread, IOThreadPin, Poll, VcpuPin
from pyvirtd.conf.xml.types import parse_cpuset
from pyvirtd.core.calls.change import change_both, impact, seen, targets
from pyvirtd.core.cpumap import bounded, from_map, to_map
from pyvirtd.core.domain import Domain
from pyvirtd.core.modifies import modifies, queries
from pyvirtd.core.params import known, whole
from pyvirtd.core.vcpus import listed_vcpus, set_count, set_maximum, switch
from pyvirtd.drivers.test.host import CPUS
from pyvirtd.drivers.test.noun import Noun
from pyvirtd.drivers.test.world import ticks
from pyvirtd.errors import InvalidArg, OperationInvalid
from pyvirtd.protocol.calls import supports
from pyvirtd.protocol.constants.domain import DomainModificationImpact as Impact
from pyvirtd.protocol.constants.domain import DomainVcpuFlags as Flags
from pyvirtd.protocol.constants.domain_fields import DomainIothreadField as Field
from pyvirtd.protocol.remote.domain_tuning import (
    DomainGetEmulatorPinInfo,
    DomainGetVcpuPinInfo,
    DomainGetVcpus,
    DomainIothreadInfo,
    VcpuInfo,
)
from pyvirtd.protocol.remote.limits import VCPUINFO_MAX
from pyvirtd.protocol.types import TypedParams, UInt, ULLong

_BOTH: Final = Impact.LIVE | Impact.CONFIG
_VCPU_RUNNING: Final = 1
_LAST_CPU: Final = 15
_POLL: Final[dict[str, Callable[[int], int]]] = {
    Field.POLL_MAX_NS: ULLong, Field.POLL_GROW: UInt, Field.POLL_SHRINK: UInt,
}  # fmt: skip
_POLL_FIELDS: Final = {Field.POLL_MAX_NS: "max", Field.POLL_GROW: "grow", Field.POLL_SHRINK: "shrink"}


class VcpuCalls(Noun):
    """See the module."""

    @queries
    def domain_get_max_vcpus(self, dom: Domain) -> int:
        return int(dom.current.max_vcpus)

    @supports(_BOTH | Flags.MAXIMUM | Flags.GUEST)
    @queries
    def domain_get_vcpus_flags(self, dom: Domain, flags: int) -> int:
        definition = seen(dom, flags & _BOTH)
        return int(definition.max_vcpus if flags & Flags.MAXIMUM else definition.current_vcpus or definition.max_vcpus)

    @supports(_BOTH | Flags.MAXIMUM | Flags.GUEST | Flags.HOTPLUGGABLE)
    @modifies
    async def domain_set_vcpus_flags(self, dom: Domain, nvcpus: int, flags: int) -> None:
        live, config = impact(dom, flags & _BOTH)
        if nvcpus < 1:
            raise InvalidArg("a domain has one vCPU at least")
        if flags & Flags.MAXIMUM and live:
            raise InvalidArg(f"{dom}: the most vCPUs that it may have cannot be changed while it runs")

        def change(definition: DomainDef) -> None:
            if flags & Flags.MAXIMUM:
                set_maximum(definition, nvcpus)
            elif nvcpus > definition.max_vcpus:
                raise InvalidArg(f"{dom} may have {definition.max_vcpus} vCPUs at most, not {nvcpus}")
            else:
                set_count(definition, nvcpus, bool(flags & Flags.HOTPLUGGABLE))

        await change_both(self.runtime, dom, change, live=live, config=config)

    @supports(_BOTH)
    @modifies
    async def domain_set_vcpu(self, dom: Domain, cpumap: str, state: int, flags: int) -> None:
        live, config = impact(dom, flags)
        try:
            numbers = parse_cpuset(cpumap)
        except ValueError:
            raise InvalidArg(f"vCPUs are named like 0-1,3, not {cpumap!r}") from None

        def change(definition: DomainDef) -> None:
            if not numbers or max(numbers) >= definition.max_vcpus:
                raise InvalidArg(f"{dom} has vCPUs 0 to {definition.max_vcpus - 1}, not all of {cpumap}")
            listed = listed_vcpus(definition)
            if not state and not any(vcpu.enabled for vcpu in listed if vcpu.id not in numbers):
                raise InvalidArg(f"{dom}: one vCPU at least has to stay on")
            for number in numbers:
                switch(definition, number, on=bool(state))

        await change_both(self.runtime, dom, change, live=live, config=config)

    @queries
    def domain_get_vcpus(self, dom: Domain, maxinfo: int, maplen: int) -> DomainGetVcpus:
        dom.require_active()
        bounded(maxinfo, maplen, VCPUINFO_MAX)
        pins = _pins(dom.current)
        numbers = [vcpu.id for vcpu in listed_vcpus(dom.current) if vcpu.enabled][:maxinfo]
        cpus = [pins.get(number, _anywhere(dom.current)) for number in numbers]
        info = [
            VcpuInfo(number, _VCPU_RUNNING, ticks(), max(pins[number]) if number in pins else _LAST_CPU)
            for number in numbers
        ]
        return DomainGetVcpus(info, b"".join(to_map(allowed, maplen) for allowed in cpus))

    @supports(_BOTH)
    @queries
    def domain_get_vcpu_pin_info(self, dom: Domain, ncpumaps: int, maplen: int, flags: int) -> DomainGetVcpuPinInfo:
        definition = seen(dom, flags)
        count = min(max(ncpumaps, 0), int(definition.max_vcpus))
        bounded(count, maplen, VCPUINFO_MAX)
        pins = _pins(definition)
        maps = b"".join(to_map(pins.get(number, _anywhere(definition)), maplen) for number in range(count))
        return DomainGetVcpuPinInfo(maps, count)

    @supports(_BOTH)
    @modifies
    async def domain_pin_vcpu_flags(self, dom: Domain, vcpu: int, cpumap: bytes, flags: int) -> None:
        live, config = impact(dom, flags)
        cpus = from_map(cpumap)
        for which, definition in targets(dom, live, config):
            if vcpu >= definition.max_vcpus:
                raise InvalidArg(f"{dom}: vCPU {vcpu} is beyond the {definition.max_vcpus} of its {which} definition")

        def change(definition: DomainDef) -> None:
            tune = definition.cputune = definition.cputune or Cputune()
            pins = {pin.vcpu: pin for pin in tune.vcpupins} | {vcpu: VcpuPin(vcpu=vcpu, cpuset=cpus)}
            tune.vcpupins = [pins[number] for number in sorted(pins)]

        await change_both(self.runtime, dom, change, live=live, config=config)

    @supports(_BOTH)
    @queries
    def domain_get_emulator_pin_info(self, dom: Domain, maplen: int, flags: int) -> DomainGetEmulatorPinInfo:
        definition = seen(dom, flags)
        bounded(1, maplen, 1)
        pinned = definition.cputune.emulatorpin if definition.cputune is not None else None
        return DomainGetEmulatorPinInfo(to_map(_anywhere(definition) if pinned is None else pinned, maplen), 1)

    @supports(_BOTH)
    @modifies
    async def domain_pin_emulator(self, dom: Domain, cpumap: bytes, flags: int) -> None:
        live, config = impact(dom, flags)
        cpus = from_map(cpumap)

        def change(definition: DomainDef) -> None:
            definition.cputune = definition.cputune or Cputune()
            definition.cputune.emulatorpin = cpus

        await change_both(self.runtime, dom, change, live=live, config=config)

    # I/O threads

    @supports(_BOTH)
    @queries
    def domain_get_iothread_info(self, dom: Domain, flags: int) -> list[DomainIothreadInfo]:
        definition = seen(dom, flags)
        tune = definition.cputune or Cputune()
        pins = {pin.iothread: pin.cpuset for pin in tune.iothreadpins}
        return [
            DomainIothreadInfo(thread.id, to_map(pins.get(thread.id, _anywhere(definition)), (CPUS + 7) // 8))
            for thread in definition.iothread_ids
        ]

    @supports(_BOTH)
    @modifies
    async def domain_pin_iothread(self, dom: Domain, iothreads_id: int, cpumap: bytes, flags: int) -> None:
        cpus = from_map(cpumap)

        def change(definition: DomainDef) -> None:
            _thread(dom, definition, iothreads_id)
            tune = definition.cputune = definition.cputune or Cputune()
            pins = {pin.iothread: pin for pin in tune.iothreadpins}
            pins[iothreads_id] = IOThreadPin(iothread=iothreads_id, cpuset=cpus)
            tune.iothreadpins = [pins[number] for number in sorted(pins)]

        live, config = impact(dom, flags)
        await change_both(self.runtime, dom, change, live=live, config=config)

    @supports(_BOTH)
    @modifies
    async def domain_add_iothread(self, dom: Domain, iothread_id: int, flags: int) -> None:
        if iothread_id == 0:
            raise InvalidArg("I/O threads are numbered from 1")

        def change(definition: DomainDef) -> None:
            if any(thread.id == iothread_id for thread in definition.iothread_ids):
                raise InvalidArg(f"{dom} has an I/O thread {iothread_id} already")
            definition.iothread_ids.append(IOThread(id=iothread_id))
            definition.iothreads = len(definition.iothread_ids)

        live, config = impact(dom, flags)
        await change_both(self.runtime, dom, change, live=live, config=config)

    @supports(_BOTH)
    @modifies
    async def domain_del_iothread(self, dom: Domain, iothread_id: int, flags: int) -> None:
        def change(definition: DomainDef) -> None:
            gone = _thread(dom, definition, iothread_id)
            for disk in definition.devices.disks:
                if disk.driver is not None and disk.driver.iothread == iothread_id:
                    raise OperationInvalid(f"{dom}: I/O thread {iothread_id} serves disk {disk.target}")
            definition.iothread_ids.remove(gone)
            definition.iothreads = len(definition.iothread_ids) or None

        live, config = impact(dom, flags)
        await change_both(self.runtime, dom, change, live=live, config=config)

    @supports(_BOTH)
    @modifies
    async def domain_set_iothread_params(self, dom: Domain, iothread_id: int, params: TypedParams, flags: int) -> None:
        wanted = {name: whole(params, name, _POLL[name]) for name in known(params, _POLL)}

        def change(definition: DomainDef) -> None:
            thread = _thread(dom, definition, iothread_id)
            thread.poll = thread.poll or Poll()
            for name, value in wanted.items():
                setattr(thread.poll, _POLL_FIELDS[name], value)

        live, config = impact(dom, flags)
        await change_both(self.runtime, dom, change, live=live, config=config)


def _pins(definition: DomainDef) -> dict[int, frozenset[int]]:
    return {pin.vcpu: frozenset(pin.cpuset) for pin in (definition.cputune or Cputune()).vcpupins}


def _anywhere(definition: DomainDef) -> Iterable[int]:
    return range(CPUS) if definition.cpuset is None else definition.cpuset


def _thread(dom: Domain, definition: DomainDef, number: int) -> IOThread:
    for thread in definition.iothread_ids:
        if thread.id == number:
            return thread
    raise InvalidArg(f"{dom} has no I/O thread {number}")
