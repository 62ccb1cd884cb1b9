"""Which host CPUs a guest's threads may run on: vCPUs, the emulator, I/O threads.

What has no pinning of its own may run where the whole guest may:
on `<vcpu cpuset=...>`, else on every CPU that is online.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Final

from pyvirtd.conf.domain.domain import DomainDef
from pyvirtd.conf.domain.vcpu import Cputune, IOThreadPin, VcpuPin
from pyvirtd.core.calls.change import change_both, impact, seen, targets
from pyvirtd.core.cpumap import bounded, from_map, to_map
from pyvirtd.core.domain import Domain
from pyvirtd.core.modifies import modifies, queries
from pyvirtd.drivers.qemu.machine import Machine
from pyvirtd.drivers.qemu.noun import Noun, machine_of
from pyvirtd.drivers.qemu.stats.figures import vcpu_figures
from pyvirtd.drivers.qemu.stats.recent import ask
from pyvirtd.errors import InvalidArg, OperationInvalid
from pyvirtd.host.cpus import online_cpus
from pyvirtd.host.procfile import format_cpulist
from pyvirtd.protocol.calls import supports
from pyvirtd.protocol.constants.domain import DomainModificationImpact as Impact
from pyvirtd.protocol.constants.domain_fields import DomainTunableField as Tunable
from pyvirtd.protocol.remote.domain_tuning import (
    DomainGetEmulatorPinInfo,
    DomainGetVcpuPinInfo,
    DomainGetVcpus,
    DomainIothreadInfo,
    VcpuInfo,
)
from pyvirtd.protocol.remote.events import DomainEventTunable
from pyvirtd.protocol.remote.limits import VCPUINFO_MAX

_RUNNING: Final = 1  # VIR_VCPU_RUNNING
_BOTH: Final = Impact.LIVE | Impact.CONFIG


class PinningCalls(Noun):
    """See the module."""

    @queries
    def domain_get_vcpus(self, dom: Domain, maxinfo: int, maplen: int) -> DomainGetVcpus:
        machine = machine_of(dom)
        bounded(maxinfo, maplen, VCPUINFO_MAX)
        info, maps = [], bytearray()
        for number in sorted(machine.vcpu_threads)[:maxinfo]:
            found = vcpu_figures(machine, number)
            if found is not None:
                info.append(VcpuInfo(number, _RUNNING, found.time, found.processor))
                maps += to_map(affinity(machine.vcpu_threads[number]), maplen)
        return DomainGetVcpus(info, bytes(maps))

    @supports(_BOTH)
    @queries
    def domain_get_vcpu_pin_info(self, dom: Domain, ncpumaps: int, maplen: int, flags: int) -> DomainGetVcpuPinInfo:
        definition = seen(dom, flags)
        count = min(max(ncpumaps, 0), int(definition.max_vcpus))
        bounded(count, maplen, VCPUINFO_MAX)
        pins = {pin.vcpu: pin.cpuset for pin in definition.cputune.vcpupins} if definition.cputune is not None else {}
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
        if live:
            machine = machine_of(dom)
            if vcpu in machine.vcpu_threads:
                set_affinity(machine.vcpu_threads[vcpu], cpus)

        def change(definition: DomainDef) -> None:
            tune = definition.cputune = definition.cputune or Cputune()
            pins = {pin.vcpu: pin for pin in tune.vcpupins} | {vcpu: VcpuPin(vcpu=vcpu, cpuset=cpus)}
            tune.vcpupins = [pins[number] for number in sorted(pins)]

        await change_both(self.runtime, dom, change, live=live, config=config)
        if live:
            self._tell(dom, Tunable.CPU_VCPUPIN.replace("%u", str(vcpu)), cpus)

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
        if live:
            machine = machine_of(dom)
            for thread in await emulator_threads(machine):
                set_affinity(thread, cpus, may_have_ended=True)

        def change(definition: DomainDef) -> None:
            definition.cputune = definition.cputune or Cputune()
            definition.cputune.emulatorpin = cpus

        await change_both(self.runtime, dom, change, live=live, config=config)
        if live:
            self._tell(dom, Tunable.CPU_EMULATORPIN, cpus)

    @supports(_BOTH)
    @queries
    async def domain_get_iothread_info(self, dom: Domain, flags: int) -> list[DomainIothreadInfo]:
        if flags & Impact.LIVE and flags & Impact.CONFIG:
            raise InvalidArg("I/O threads are those of the running guest or those of its definition, not both")
        live, _ = impact(dom, flags)
        if live:
            threads = iothreads_of(await ask(machine_of(dom), "query-iothreads"))
            if threads:
                size = map_size()
                return [DomainIothreadInfo(n, to_map(affinity(thread), size)) for n, thread in sorted(threads.items())]
        # A QEMU that has not answered yet has its threads where the live definition puts them.
        definition = dom.current if live else dom.definition
        pins = {p.iothread: p.cpuset for p in definition.cputune.iothreadpins} if definition.cputune is not None else {}
        everywhere = _anywhere(definition)
        return [
            DomainIothreadInfo(thread.id, to_map(pins.get(thread.id, everywhere), map_size()))
            for thread in definition.iothread_ids
        ]

    @supports(_BOTH)
    @modifies
    async def domain_pin_iothread(self, dom: Domain, iothreads_id: int, cpumap: bytes, flags: int) -> None:
        live, config = impact(dom, flags)
        cpus = from_map(cpumap)
        for which, definition in targets(dom, live, config):
            if all(thread.id != iothreads_id for thread in definition.iothread_ids):
                raise InvalidArg(f"{dom} has no I/O thread {iothreads_id} in its {which} definition")
        if live:
            machine = machine_of(dom)
            threads = iothreads_of(await machine.run("query-iothreads"))
            if iothreads_id not in threads:
                raise InvalidArg(f"{dom} has no I/O thread {iothreads_id}")
            set_affinity(threads[iothreads_id], cpus)

        def change(definition: DomainDef) -> None:
            tune = definition.cputune = definition.cputune or Cputune()
            pins = {pin.iothread: pin for pin in tune.iothreadpins}
            pins[iothreads_id] = IOThreadPin(iothread=iothreads_id, cpuset=cpus)
            tune.iothreadpins = [pins[number] for number in sorted(pins)]

        await change_both(self.runtime, dom, change, live=live, config=config)
        if live:
            self._tell(dom, Tunable.CPU_IOTHREADSPIN.replace("%u", str(iothreads_id)), cpus)

    def _tell(self, dom: Domain, field: str, cpus: Iterable[int]) -> None:
        self.runtime.emit(DomainEventTunable(dom.ref, {field: format_cpulist(cpus)}))


async def place_threads(machine: Machine, live: DomainDef) -> None:
    """Pin a starting guest's threads as its definition says; before its CPUs run."""
    tune = live.cputune
    pins = {pin.vcpu: pin.cpuset for pin in tune.vcpupins} if tune is not None else {}
    emulator = tune.emulatorpin if tune is not None and tune.emulatorpin is not None else live.cpuset
    if emulator is not None:
        for thread in await emulator_threads(machine):
            set_affinity(thread, emulator, may_have_ended=True)
    for number, thread in machine.vcpu_threads.items():
        cpus = pins.get(number, live.cpuset)
        if cpus is not None:
            set_affinity(thread, cpus)
    wanted = {pin.iothread: pin.cpuset for pin in tune.iothreadpins} if tune is not None else {}
    if wanted or (live.cpuset is not None and live.iothread_ids):
        for number, thread in iothreads_of(await machine.run("query-iothreads")).items():
            cpus = wanted.get(number, live.cpuset)
            if cpus is not None:
                set_affinity(thread, cpus)


async def emulator_threads(machine: Machine) -> list[int]:
    """QEMU's threads that are neither vCPUs nor I/O threads."""
    others = set(machine.vcpu_threads.values()) | set(iothreads_of(await machine.run("query-iothreads")).values())
    try:
        return [int(name) for name in os.listdir(f"/proc/{machine.pid}/task") if int(name) not in others]
    except OSError as error:
        raise OperationInvalid(f"{machine}: QEMU has ended: {error.strerror}") from error


def iothreads_of(reply: object) -> dict[int, int]:
    """Thread ids by number of the I/O thread, from query-iothreads."""
    found = {}
    for entry in reply if isinstance(reply, list) else []:
        if isinstance(entry, dict):
            number, thread = str(entry.get("id", "")).removeprefix("iothread"), entry.get("thread-id")
            if number.isdigit() and isinstance(thread, int) and thread > 0:
                found[int(number)] = thread
    return found


def affinity(thread: int) -> set[int]:
    """The CPUs that a thread may run on; none when it has ended."""
    try:
        return os.sched_getaffinity(thread)
    except OSError:
        return set()


def set_affinity(thread: int, cpus: Iterable[int], *, may_have_ended: bool = False) -> None:
    """Let a thread run on these CPUs alone. Raises InvalidArg when none of them is there."""
    try:
        os.sched_setaffinity(thread, cpus)
    except ProcessLookupError:
        if not may_have_ended:
            raise OperationInvalid("that thread of QEMU has ended") from None
    except OSError as error:
        raise InvalidArg(f"a thread cannot run on CPUs {format_cpulist(cpus)}: {error.strerror}") from error


def map_size() -> int:
    """Bytes of a map of this host's CPUs."""
    return (max(online_cpus()) + 8) // 8


def _anywhere(definition: DomainDef) -> Iterable[int]:
    return online_cpus() if definition.cpuset is None else definition.cpuset
