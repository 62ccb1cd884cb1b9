"""A domain's memory: how much it has and may have, its limits, its statistics. Amounts are in KiB."""

from __future__ import annotations

from typing import Final

from pyvirtd.conf.domain.domain import DomainDef
from pyvirtd.conf.domain.memory import UNLIMITED, Memtune
from pyvirtd.core.calls.change import change_both, impact, seen
from pyvirtd.core.domain import Domain
from pyvirtd.core.modifies import modifies, queries
from pyvirtd.core.params import known, whole
from pyvirtd.core.summary import summary
from pyvirtd.drivers.test.noun import Noun
from pyvirtd.errors import InvalidArg, OperationInvalid
from pyvirtd.protocol.calls import supports
from pyvirtd.protocol.constants.domain import DomainMemoryModFlags as Flags
from pyvirtd.protocol.constants.domain import DomainMemoryStatTags as Tag
from pyvirtd.protocol.constants.domain import DomainModificationImpact as Impact
from pyvirtd.protocol.constants.domain_fields import DomainMemoryField as Field
from pyvirtd.protocol.remote.domain_tuning import DomainMemoryStat
from pyvirtd.protocol.remote.events import DomainEventBalloonChange
from pyvirtd.protocol.types import TypedParams, ULLong

_MOST_KIB: Final = (1 << 54) - 1
_LIMITS: Final = (
    (Field.HARD_LIMIT, "hard_limit"),
    (Field.SOFT_LIMIT, "soft_limit"),
    (Field.SWAP_HARD_LIMIT, "swap_hard_limit"),
)
_LAST_UPDATE: Final = 627319920


class MemoryCalls(Noun):
    """See the module."""

    @queries
    def domain_get_max_memory(self, dom: Domain) -> int:
        return dom.fact(summary).memory

    @supports(Flags.LIVE | Flags.CONFIG | Flags.MAXIMUM)
    @modifies
    async def domain_set_memory_flags(self, dom: Domain, memory: int, flags: int) -> None:
        live, config = impact(dom, flags & ~Flags.MAXIMUM)
        if not 0 < memory <= _MOST_KIB:
            raise InvalidArg(f"{dom} cannot have {memory} KiB of memory")
        if flags & Flags.MAXIMUM and live:
            raise OperationInvalid(f"{dom}: the most memory that it may have cannot be changed while it runs")

        def change(definition: DomainDef) -> None:
            if flags & Flags.MAXIMUM:
                definition.memory = memory
                definition.current_memory = min(definition.current_memory, memory)
            elif memory > definition.memory:
                raise InvalidArg(f"{dom}: {memory} KiB is more than the {definition.memory} KiB that it may have")
            else:
                definition.current_memory = memory

        await change_both(self.runtime, dom, change, live=live, config=config)
        if live:
            self.runtime.emit(DomainEventBalloonChange(dom.ref, memory))

    @queries
    def domain_memory_stats(self, dom: Domain, flags: int) -> list[DomainMemoryStat]:
        dom.require_active()
        now = dom.fact(summary).current_memory
        figures = {
            Tag.ACTUAL_BALLOON: now, Tag.SWAP_IN: 0, Tag.SWAP_OUT: 0, Tag.MAJOR_FAULT: 0, Tag.MINOR_FAULT: 0,
            Tag.UNUSED: now // 2, Tag.AVAILABLE: now, Tag.USABLE: now // 2, Tag.LAST_UPDATE: _LAST_UPDATE,
            Tag.DISK_CACHES: now // 8, Tag.HUGETLB_PGALLOC: 0, Tag.HUGETLB_PGFAIL: 0, Tag.RSS: now // 2,
        }  # fmt: skip
        return [DomainMemoryStat(tag, value) for tag, value in figures.items()]

    @supports(Impact.LIVE | Impact.CONFIG)
    @modifies
    async def domain_set_memory_stats_period(self, dom: Domain, period: int, flags: int) -> None:
        live, config = impact(dom, flags)
        if period < 0:
            raise InvalidArg(f"the period of memory statistics is in seconds, 0 for none, not {period}")

        def change(definition: DomainDef) -> None:
            balloons = [balloon for balloon in definition.devices.memballoons if balloon.model != "none"]
            if not balloons:
                raise OperationInvalid(f"{dom} has no memory balloon, which alone has such statistics")
            balloons[0].period = period

        await change_both(self.runtime, dom, change, live=live, config=config)

    @supports(Impact.LIVE | Impact.CONFIG)
    @queries
    def domain_get_memory_parameters(self, dom: Domain, flags: int) -> TypedParams:
        tune = seen(dom, flags).memtune or Memtune()
        return {name: ULLong(UNLIMITED if (v := getattr(tune, field)) is None else v) for name, field in _LIMITS}

    @supports(Impact.LIVE | Impact.CONFIG)
    @modifies
    async def domain_set_memory_parameters(self, dom: Domain, params: TypedParams, flags: int) -> None:
        live, config = impact(dom, flags)
        wanted = {name: whole(params, name, ULLong) for name in known(params, [name for name, _ in _LIMITS])}

        def change(definition: DomainDef) -> None:
            tune = definition.memtune = definition.memtune or Memtune()
            for name, field in _LIMITS:
                if name in wanted:
                    setattr(tune, field, wanted[name] if wanted[name] < UNLIMITED else None)
            hard, swap = tune.hard_limit, tune.swap_hard_limit
            if swap is not None and (hard is None or swap < hard):
                raise InvalidArg(f"swap_hard_limit counts memory too: {swap} KiB is less than the hard limit alone")

        await change_both(self.runtime, dom, change, live=live, config=config)
