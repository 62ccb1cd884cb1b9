"""domstats: all figures of all domains in one call."""

from __future__ import annotations

import asyncio
from typing import Final, NamedTuple
from weakref import WeakKeyDictionary

from pyvirtd.core.calls.lookup import select
from pyvirtd.core.domain import Domain
from pyvirtd.drivers.qemu.machine import Machine
from pyvirtd.drivers.qemu.noun import Noun
from pyvirtd.drivers.qemu.stats import records
from pyvirtd.drivers.qemu.stats.records import Image
from pyvirtd.errors import ArgumentUnsupported
from pyvirtd.host.image import ImageSize
from pyvirtd.protocol.calls import supports
from pyvirtd.protocol.constants.connect import ConnectGetAllDomainStatsFlags as Flags
from pyvirtd.protocol.constants.domain_jobs import DomainStatsTypes as Group
from pyvirtd.protocol.fragments import encoded
from pyvirtd.protocol.remote.domain import DomainStatsRecord
from pyvirtd.protocol.types import DomainRef
from pyvirtd.store.atomic import in_background

_FILTERS: Final = (
    Flags.ACTIVE | Flags.INACTIVE | Flags.PERSISTENT | Flags.TRANSIENT | Flags.RUNNING | Flags.PAUSED | Flags.SHUTOFF
    | Flags.OTHER
)  # fmt: skip


class _Kept(NamedTuple):
    """An inactive domain's record in wire form, and what it depends on."""

    version: int
    images: list[Image | None]
    key: tuple[int, int, int, tuple[ImageSize | None, ...]]
    record: DomainStatsRecord


_kept: WeakKeyDictionary[Domain, _Kept] = WeakKeyDictionary()


class StatsCalls(Noun):
    """See the module."""

    @supports(_FILTERS | Flags.NOWAIT | Flags.BACKING | Flags.ENFORCE_STATS)
    async def connect_get_all_domain_stats(
        self, doms: list[DomainRef], stats: int, flags: int
    ) -> list[DomainStatsRecord]:
        groups = stats or records.ALL
        if flags & Flags.ENFORCE_STATS and groups & ~records.ALL:
            raise ArgumentUnsupported(f"there are no statistics of the groups {groups & ~records.ALL:#x} here")
        groups &= records.ALL
        chosen = [self.domains.resolve(ref) for ref in doms] if doms else select(self.domains, flags & _FILTERS)
        idle = [domain for domain in chosen if not isinstance(domain.machine, Machine)]
        done = dict(zip(idle, await _idle(idle, groups), strict=True))
        running = [domain for domain in chosen if domain not in done]
        backing = bool(flags & Flags.BACKING)
        done.update(zip(running, await asyncio.gather(*(_running(d, groups, backing) for d in running)), strict=True))
        return [done[domain] for domain in chosen]


async def _running(domain: Domain, groups: int, backing: bool) -> DomainStatsRecord:
    return DomainStatsRecord(domain.ref, await records.active(domain, domain.machine, groups, backing=backing))


async def _idle(domains: list[Domain], groups: int) -> list[DomainStatsRecord]:
    """Records of domains that do not run; a record is made anew only when something it tells has changed."""
    wanted = []
    for domain in domains:
        kept = _kept.get(domain)
        wanted.append(kept.images if kept is not None and kept.version == domain.version else records.images(domain))
    measured = await in_background(_measure, wanted) if domains and groups & Group.BLOCK else [[]] * len(domains)
    out = []
    for domain, found, sizes in zip(domains, wanted, measured, strict=True):
        key = (groups, domain.state, domain.reason, tuple(sizes))
        kept = _kept.get(domain)
        if kept is None or kept.version != domain.version or kept.key != key:
            record = encoded(DomainStatsRecord(domain.ref, records.inactive(domain, groups, sizes)))
            kept = _kept[domain] = _Kept(domain.version, found, key, record)
        out.append(kept.record)
    return out


def _measure(wanted: list[list[Image | None]]) -> list[list[ImageSize | None]]:
    return [records.measure_all(images) for images in wanted]
