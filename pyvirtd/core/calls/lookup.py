"""Finding domains and looking at them: everything is answered from what the daemon knows, no guest is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from pyvirtd.core.calls.noun import DomainNoun
from pyvirtd.core.domain import Domain
from pyvirtd.core.lifecycle import State
from pyvirtd.core.modifies import queries
from pyvirtd.protocol.calls import supports
from pyvirtd.protocol.constants.connect import ConnectListAllDomainsFlags as ListFlags
from pyvirtd.protocol.constants.domain import DomainXMLFlags
from pyvirtd.protocol.remote.domain import DomainGetState
from pyvirtd.protocol.types import DomainRef

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


class LookupCalls(DomainNoun):
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

    @supports(DomainXMLFlags.SECURE | DomainXMLFlags.INACTIVE | DomainXMLFlags.UPDATE_CPU | DomainXMLFlags.MIGRATABLE)
    @queries
    def domain_get_xml_desc(self, dom: Domain, flags: int) -> str:
        return dom.xml(flags)


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
