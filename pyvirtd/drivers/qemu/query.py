"""Finding domains and looking at them: everything is answered from what the daemon knows, QEMU is never asked."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from pyvirtd.core.domain import Domain
from pyvirtd.core.lifecycle import State
from pyvirtd.core.modifies import queries
from pyvirtd.drivers.qemu.noun import Noun
from pyvirtd.drivers.qemu.summary import summary
from pyvirtd.protocol.calls import supports
from pyvirtd.protocol.constants.connect import ConnectListAllDomainsFlags as ListFlags
from pyvirtd.protocol.constants.domain import DomainXMLFlags
from pyvirtd.protocol.remote.domain import (
    DomainGetControlInfo,
    DomainGetInfo,
    DomainGetSecurityLabel,
    DomainGetState,
)
from pyvirtd.protocol.types import DomainRef

_TICK_NS: Final = 1_000_000_000 // os.sysconf("SC_CLK_TCK")

_Test = Callable[[Domain], bool]
_PAIRS: Final[tuple[tuple[int, int, _Test], ...]] = (
    (ListFlags.ACTIVE, ListFlags.INACTIVE, lambda domain: domain.id != -1),
    (ListFlags.PERSISTENT, ListFlags.TRANSIENT, lambda domain: domain.persistent),
    (ListFlags.MANAGEDSAVE, ListFlags.NO_MANAGEDSAVE, lambda domain: domain.managed_save),
    (ListFlags.AUTOSTART, ListFlags.NO_AUTOSTART, lambda domain: domain.autostart),
    (ListFlags.HAS_SNAPSHOT, ListFlags.NO_SNAPSHOT, lambda domain: domain.has_snapshot),
    (ListFlags.HAS_CHECKPOINT, ListFlags.NO_CHECKPOINT, lambda domain: domain.has_checkpoint),
)
_STATES: Final = ListFlags.RUNNING | ListFlags.PAUSED | ListFlags.SHUTOFF | ListFlags.OTHER
_STATE_FLAG: Final = {
    State.RUNNING: ListFlags.RUNNING,
    State.PAUSED: ListFlags.PAUSED,
    State.SHUTOFF: ListFlags.SHUTOFF,
}
_ALL: Final = _STATES | sum(yes | no for yes, no, _ in _PAIRS)


class QueryCalls(Noun):
    """Lookups, lists, states, XML."""

    def domain_lookup_by_name(self, name: str) -> DomainRef:
        return self.domains.by_name(name).ref

    def domain_lookup_by_uuid(self, uuid: bytes) -> DomainRef:
        return self.domains.by_uuid(uuid).ref

    def domain_lookup_by_id(self, id: int) -> DomainRef:
        return self.domains.by_id(id).ref

    @supports(_ALL)
    def connect_list_all_domains(self, flags: int) -> list[DomainRef]:
        return [domain.ref for domain in select(self.domains, flags)]

    @queries
    def domain_is_active(self, dom: Domain) -> int:
        return int(dom.active)

    @queries
    def domain_is_persistent(self, dom: Domain) -> int:
        return int(dom.persistent)

    @queries
    def domain_is_updated(self, dom: Domain) -> int:
        return int(dom.updated)

    @queries
    def domain_get_state(self, dom: Domain, flags: int) -> DomainGetState:
        return DomainGetState(dom.state, dom.reason)

    @queries
    def domain_get_os_type(self, dom: Domain) -> str:
        return dom.fact(summary).os_type

    @queries
    def domain_get_info(self, dom: Domain) -> DomainGetInfo:
        facts = dom.fact(summary)
        time = cpu_time(dom.machine.pid) if dom.machine is not None and dom.machine.process is not None else 0
        return DomainGetInfo(dom.state, facts.memory, facts.current_memory, facts.vcpus, time)

    @queries
    def domain_get_control_info(self, dom: Domain, flags: int) -> DomainGetControlInfo:
        dom.require_active()
        holder = dom.job.holder
        if dom.machine.monitor is None or dom.machine.monitor.closed:
            return DomainGetControlInfo(3, 2, 0)  # VIR_DOMAIN_CONTROL_ERROR, its reason: the monitor
        if dom.job.background is not None:
            return DomainGetControlInfo(1, 0, dom.job.background.age_ms)
        return DomainGetControlInfo(0, 0, 0) if holder is None else DomainGetControlInfo(2, 0, holder.age_ms)

    @supports(DomainXMLFlags.SECURE | DomainXMLFlags.INACTIVE | DomainXMLFlags.UPDATE_CPU | DomainXMLFlags.MIGRATABLE)
    @queries
    def domain_get_xml_desc(self, dom: Domain, flags: int) -> str:
        return dom.xml(flags)

    @queries
    def domain_get_security_label(self, dom: Domain) -> DomainGetSecurityLabel:
        return DomainGetSecurityLabel(self.runtime.ownership.label if dom.active else "", 0)

    @queries
    def domain_get_security_label_list(self, dom: Domain) -> list[DomainGetSecurityLabel]:
        return [DomainGetSecurityLabel(self.runtime.ownership.label if dom.active else "", 0)]


def select(domains: Iterable[Domain], flags: int) -> list[Domain]:
    """Those of the domains that VIR_CONNECT_LIST_DOMAINS_* flags choose; none of them: all."""
    chosen: list[Domain] = list(domains)
    for yes, no, test in _PAIRS:
        # Both bits of a pair are as good as none.
        if bool(flags & yes) != bool(flags & no):
            wanted = bool(flags & yes)
            chosen = [domain for domain in chosen if test(domain) is wanted]
    if flags & _STATES:
        chosen = [domain for domain in chosen if flags & _STATE_FLAG.get(domain.state, ListFlags.OTHER)]
    return chosen


def cpu_time(pid: int) -> int:
    """Nanoseconds that the process has run; 0 when it has ended. Source: proc(5), fields utime and stime."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        return (int(fields[11]) + int(fields[12])) * _TICK_NS
    except (OSError, IndexError, ValueError):
        return 0
