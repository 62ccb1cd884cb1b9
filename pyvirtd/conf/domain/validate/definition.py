"""What is checked of everything apart from devices."""

from __future__ import annotations

from collections.abc import Iterable

from pyvirtd.conf.domain.domain import DomainDef
from pyvirtd.conf.domain.sysinfo import SmbiosInfo
from pyvirtd.conf.xml.types import Uuid, codec_of
from pyvirtd.errors import ConfigUnsupported, ErrorDomain, XMLDetail, XMLError

DOMAIN = ErrorDomain.DOMAIN
MAX_BOOTMENU_TIMEOUT = 65535
TIMERS_WITH_TRACK = ("platform", "rtc")


def check_definition(domain: DomainDef) -> None:
    """Name, boot menu, timers, SMBIOS, huge pages, cache and bandwidth tuning."""
    _name(domain)
    timeout = domain.os.bootmenu_timeout
    if timeout is not None and timeout > MAX_BOOTMENU_TIMEOUT:
        raise ConfigUnsupported(f"bootmenu timeout {timeout} has to be at most {MAX_BOOTMENU_TIMEOUT} ms",
                                domain=DOMAIN)  # fmt: skip
    _timers(domain)
    _sysinfo(domain)
    _pages(domain)
    _numatune(domain)
    _resctrl(domain)


def _name(domain: DomainDef) -> None:
    if "/" in domain.name:
        raise XMLError(f"the name {domain.name!r} has to be without '/'", domain=DOMAIN)
    if not domain.name.strip():
        raise XMLError("the name is only blanks, it has to have a letter", domain=DOMAIN)


def _timers(domain: DomainDef) -> None:
    for timer in domain.clock.timers:
        if timer.name != "tsc" and (timer.frequency or timer.mode):
            raise ConfigUnsupported(f"timer {timer.name}: frequency and mode are the tsc timer's only", domain=DOMAIN)
        if timer.track is not None and timer.name not in TIMERS_WITH_TRACK:
            raise ConfigUnsupported(f"timer {timer.name}: only {' and '.join(TIMERS_WITH_TRACK)} can have track",
                                    domain=DOMAIN)  # fmt: skip


def _sysinfo(domain: DomainDef) -> None:
    """The firmware tables tell the guest its UUID: there is only one."""
    codec = codec_of(Uuid)
    assert codec is not None
    assert codec.parse is not None
    for info in domain.sysinfo:
        said = info.system.get("uuid") if isinstance(info, SmbiosInfo) and info.system is not None else None
        if said is None:
            continue
        try:
            same = codec.parse(said) == domain.uuid
        except ValueError:
            raise XMLDetail(f"sysinfo: {said[:60]!r} has to be a UUID", domain=DOMAIN) from None
        if not same:
            raise XMLDetail(f"sysinfo says the uuid is {said}, that has to be the domain's {domain.uuid}",
                            domain=DOMAIN)  # fmt: skip


def _pages(domain: DomainDef) -> None:
    """Every cell that is named exists, and has one size of pages; only one size is for the rest."""
    backing = domain.memory_backing
    if backing is None:
        return
    cells = range(len(domain.cpu.cells) if domain.cpu is not None else 0)
    seen: set[int] = set()
    general: int | None = None
    for page in backing.pages:
        if page.nodeset is None:
            if general is not None:
                raise XMLDetail(f"huge pages of {general} and {page.size} KiB are both for all cells, one can be",
                                domain=DOMAIN)  # fmt: skip
            general = page.size
            continue
        for node in sorted(page.nodeset):
            if node not in cells:
                raise XMLDetail(f"huge pages: there is no NUMA cell {node}", domain=DOMAIN)
            if node in seen:
                raise XMLDetail(f"huge pages: NUMA cell {node} is there twice, it can have one size", domain=DOMAIN)
            seen.add(node)


def _numatune(domain: DomainDef) -> None:
    """Memory of the whole guest and of its cells have to agree on who decides."""
    tune = domain.numatune
    if tune is None:
        return
    memory = tune.memory
    if memory is not None and memory.nodeset is not None and not memory.nodeset:
        raise ConfigUnsupported("numatune: the nodeset of <memory> is empty, it has to name a node", domain=DOMAIN)
    for node in tune.memnodes:
        if memory is not None and memory.placement == "auto":
            raise ConfigUnsupported("numatune: <memnode> and automatic placement exclude each other", domain=DOMAIN)
        if memory is not None and (memory.mode == "restrictive") != ((node.mode or "strict") == "restrictive"):
            raise XMLError("numatune: mode restrictive has to be that of <memory> and of every <memnode>",
                           domain=DOMAIN)  # fmt: skip
        if domain.cpu is None or node.cellid >= len(domain.cpu.cells):
            raise XMLError(f"numatune: there is no NUMA cell {node.cellid}", domain=DOMAIN)


def _resctrl(domain: DomainDef) -> None:
    """Groups of virtual CPUs are the same or apart; an allocation is made once."""
    tune = domain.cputune
    if tune is None:
        return
    _apart([group.vcpus for group in tune.cachetunes], same="cachetune")
    _apart([group.vcpus for group in tune.memorytunes], same="memorytune")
    for cache in tune.cachetunes:
        for memory in tune.memorytunes:
            if cache.vcpus != memory.vcpus and cache.vcpus & memory.vcpus:
                raise XMLError("cachetune and memorytune have to be for the same vcpus or for others", domain=DOMAIN)
        _once(((c.level, c.id, kind) for c in cache.caches for kind in _kinds(c.type)), "cache")
    for memory in tune.memorytunes:
        _once(((node.id,) for node in memory.nodes), "memory bandwidth of node")


def _kinds(type: str) -> tuple[str, ...]:
    return ("code", "data") if type == "both" else (type,)


def _apart(groups: list[frozenset[int]], *, same: str) -> None:
    for index, group in enumerate(groups):
        for other in groups[:index]:
            if group & other:
                raise XMLError(f"two {same} are for the same vcpus, one would be right", domain=DOMAIN)


def _once(things: Iterable[tuple[object, ...]], what: str) -> None:
    seen: set[tuple[object, ...]] = set()
    for thing in things:
        if thing in seen:
            raise XMLError(f"{what} {' '.join(map(str, thing))} is allocated twice, once would be right",
                           domain=ErrorDomain.RESCTRL)  # fmt: skip
        seen.add(thing)
