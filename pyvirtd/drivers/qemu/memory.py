"""A domain's memory: how much it has and may have, its balloon, its statistics."""

from __future__ import annotations

from typing import Final

from pyvirtd.conf.domain.domain import DomainDef
from pyvirtd.conf.domain.memballoon import MemBalloon
from pyvirtd.core.calls.change import change_live, impact, keep, tried
from pyvirtd.core.domain import Domain
from pyvirtd.core.modifies import modifies, queries
from pyvirtd.drivers.qemu.noun import Noun, machine_of
from pyvirtd.drivers.qemu.stats.figures import memory_figures
from pyvirtd.errors import InvalidArg, OperationInvalid
from pyvirtd.protocol.calls import supports
from pyvirtd.protocol.constants.domain import DomainMemoryModFlags as Flags
from pyvirtd.protocol.constants.domain import DomainModificationImpact as Impact
from pyvirtd.protocol.remote.domain_tuning import DomainMemoryStat

_MOST_KIB: Final = (1 << 54) - 1
"""KiB that still are bytes in 64 bits."""


class MemoryCalls(Noun):
    """Amounts are in KiB."""

    @queries
    def domain_get_max_memory(self, dom: Domain) -> int:
        return int(dom.current.memory or 0)

    @queries
    async def domain_memory_stats(self, dom: Domain, flags: int) -> list[DomainMemoryStat]:
        return [DomainMemoryStat(tag, value) for tag, value in await memory_figures(dom, machine_of(dom))]

    @supports(Flags.LIVE | Flags.CONFIG | Flags.MAXIMUM)
    @modifies
    async def domain_set_memory_flags(self, dom: Domain, memory: int, flags: int) -> None:
        live, config = impact(dom, flags & ~Flags.MAXIMUM)
        if not 0 < memory <= _MOST_KIB:
            raise InvalidArg(f"{dom}: it cannot have {memory} KiB of memory")
        if flags & Flags.MAXIMUM:
            if live:
                raise OperationInvalid(f"{dom}: the most memory that it may have cannot be changed while it runs")
            await keep(self.runtime, dom, tried(dom, lambda definition: _set_maximum(definition, memory)))
            return
        kept = tried(dom, lambda definition: _set_current(definition, memory)) if config else None
        if live:
            _set_current(dom.current.copy(), memory)
            if balloon_of(dom.current) is None:
                raise OperationInvalid(f"{dom} has no memory balloon, by which alone a running guest's memory changes")
            # QEMU tells by an event what the guest has made of it: that is what the live definition then says.
            await machine_of(dom).run("balloon", value=memory << 10)
        if kept is not None:
            await keep(self.runtime, dom, kept)

    @supports(Impact.LIVE | Impact.CONFIG)
    @modifies
    async def domain_set_memory_stats_period(self, dom: Domain, period: int, flags: int) -> None:
        live, config = impact(dom, flags)
        if period < 0:
            raise InvalidArg(f"the period of memory statistics is in seconds, 0 for none, not {period}")
        kept = tried(dom, lambda definition: _set_period(definition, period)) if config else None
        if live:
            balloon = _required(dom.current)
            path = f"/machine/peripheral/{balloon.alias}"
            await machine_of(dom).run("qom-set", path=path, property="guest-stats-polling-interval", value=period)
            await change_live(self.runtime, dom, lambda definition: _set_period(definition, period))
        if kept is not None:
            await keep(self.runtime, dom, kept)


def balloon_of(definition: DomainDef) -> MemBalloon | None:
    """The memory balloon, if there is one."""
    balloons = definition.devices.memballoons
    return balloons[0] if balloons and balloons[0].model != "none" else None


def _required(definition: DomainDef) -> MemBalloon:
    balloon = balloon_of(definition)
    if balloon is None:
        raise OperationInvalid("statistics of memory come from a memory balloon, which this domain does not have")
    return balloon


def _set_period(definition: DomainDef, period: int) -> None:
    _required(definition).period = period or None


def _set_current(definition: DomainDef, memory: int) -> None:
    if memory > definition.memory:
        raise InvalidArg(f"a domain cannot have {memory} KiB, more than its maximum of {definition.memory} KiB")
    definition.current_memory = memory


def _set_maximum(definition: DomainDef, memory: int) -> None:
    if definition.cpu is not None and definition.cpu.cells:
        raise OperationInvalid("the memory of a domain with NUMA cells is the sum of its cells: change those")
    if definition.max_memory is not None and memory > definition.max_memory:
        raise InvalidArg(f"the maximum that <maxMemory> allows is {definition.max_memory} KiB, less than {memory} KiB")
    definition.memory = memory
    if definition.current_memory > memory:
        definition.current_memory = memory
