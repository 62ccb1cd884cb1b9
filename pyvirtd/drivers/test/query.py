"""What is asked about a domain: its figures are made up, the same way as libvirt's test driver makes them up."""

from __future__ import annotations

import time
from typing import Final

from pyvirtd.core.calls.lookup import LookupCalls, select
from pyvirtd.core.domain import Domain
from pyvirtd.core.modifies import queries
from pyvirtd.core.summary import summary
from pyvirtd.drivers.test.noun import Noun
from pyvirtd.errors import ArgumentUnsupported
from pyvirtd.protocol.calls import supports
from pyvirtd.protocol.constants.connect import ConnectGetAllDomainStatsFlags as Flags
from pyvirtd.protocol.constants.domain_jobs import DomainStatsTypes as Group
from pyvirtd.protocol.remote.domain import (
    DomainGetControlInfo,
    DomainGetInfo,
    DomainGetSecurityLabel,
    DomainStatsRecord,
)
from pyvirtd.protocol.types import DomainRef, Int, TypedParams, UInt

_FILTERS: Final = (
    Flags.ACTIVE | Flags.INACTIVE | Flags.PERSISTENT | Flags.TRANSIENT | Flags.RUNNING | Flags.PAUSED | Flags.SHUTOFF
    | Flags.OTHER
)  # fmt: skip
_GROUPS: Final = Group.STATE | Group.IOTHREAD


class QueryCalls(Noun, LookupCalls):
    """See the module."""

    @queries
    def domain_get_os_type(self, dom: Domain) -> str:
        return "linux"

    @queries
    def domain_get_info(self, dom: Domain) -> DomainGetInfo:
        facts = dom.fact(summary)
        time_used = time.time_ns() // 1000 * 1000 if dom.active else 0
        return DomainGetInfo(dom.state, facts.memory, facts.current_memory, facts.vcpus, time_used)

    @queries
    def domain_get_control_info(self, dom: Domain, flags: int) -> DomainGetControlInfo:
        dom.require_active()
        return DomainGetControlInfo(0, 0, 0)

    @queries
    def domain_get_security_label(self, dom: Domain) -> DomainGetSecurityLabel:
        return DomainGetSecurityLabel("libvirt-test", 1) if dom.active else DomainGetSecurityLabel("", 0)

    @queries
    def domain_get_security_label_list(self, dom: Domain) -> list[DomainGetSecurityLabel]:
        return [DomainGetSecurityLabel("libvirt-test", 1)] if dom.active else []

    @supports(_FILTERS | Flags.NOWAIT | Flags.BACKING | Flags.ENFORCE_STATS)
    def connect_get_all_domain_stats(self, doms: list[DomainRef], stats: int, flags: int) -> list[DomainStatsRecord]:
        if flags & Flags.ENFORCE_STATS and stats & ~_GROUPS:
            raise ArgumentUnsupported(f"there are no statistics of the groups {stats & ~_GROUPS:#x} here")
        chosen = [self.domains.resolve(ref) for ref in doms] if doms else select(self.domains, flags & _FILTERS)
        return [DomainStatsRecord(domain.ref, _figures(domain, stats or _GROUPS)) for domain in chosen]


def _figures(domain: Domain, groups: int) -> TypedParams:
    out: TypedParams = {}
    if groups & Group.STATE:
        out |= {"state.state": Int(domain.state), "state.reason": Int(domain.reason)}
    if groups & Group.IOTHREAD and domain.active and (threads := domain.current.iothread_ids):
        out["iothread.count"] = UInt(len(threads))
        for thread in threads:
            poll = thread.poll
            out |= {f"iothread.{thread.id}.poll-max-ns": UInt((poll.max if poll else None) or 32768),
                    f"iothread.{thread.id}.poll-grow": UInt((poll.grow if poll else None) or 0),
                    f"iothread.{thread.id}.poll-shrink": UInt((poll.shrink if poll else None) or 0)}  # fmt: skip
    return out
