"""Cache and memory bandwidth allocation (resctrl)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyvirtd.errors import ConfigUnsupported, ErrorDomain, XMLError

if TYPE_CHECKING:
    from pyvirtd.conf.domain.domain import DomainDef


def _refuse(message: str) -> XMLError:
    return XMLError(message, domain=ErrorDomain.DOMAIN)


def check_tuning(definition: DomainDef) -> None:
    tune = definition.cputune
    if tune is None:
        return
    seen: set[frozenset[int]] = set()
    groups: list[frozenset[int]] = []
    for cache in tune.cachetunes:
        if cache.vcpus in seen:
            raise _refuse(f"cachetune: the vCPUs {sorted(cache.vcpus)} have one already")
        seen.add(cache.vcpus)
        if any(cache.vcpus & other for other in groups):
            raise _refuse(f"cachetune: some of the vCPUs {sorted(cache.vcpus)} have one already")
        groups.append(cache.vcpus)
        check_allocations([(part.level, part.id, part.type) for part in cache.caches])
    for bandwidth in tune.memorytunes:
        nodes = [node.id for node in bandwidth.nodes]
        if len(set(nodes)) != len(nodes):
            raise _refuse("memorytune: the bandwidth of a node is given twice")
        if any(bandwidth.vcpus & other and bandwidth.vcpus != other for other in groups):
            raise _refuse(f"memorytune: some of the vCPUs {sorted(bandwidth.vcpus)} are in another group")
        groups.append(bandwidth.vcpus)
    if (tune.cachetunes or tune.memorytunes) and definition.type != "kvm":
        raise ConfigUnsupported("cputune: cache and bandwidth allocation is for KVM guests only")


def check_allocations(parts: list[tuple[int, int, str]]) -> None:
    """Code and data may have parts of their own; both together, and either, exclude each other."""
    for position, (level, number, kind) in enumerate(parts):
        for other_level, other_number, other_kind in parts[:position]:
            if (level, number) == (other_level, other_number) and (kind == other_kind or "both" in (kind, other_kind)):
                raise _refuse(f"cachetune: level {level} id {number} is allocated twice for {kind}")
