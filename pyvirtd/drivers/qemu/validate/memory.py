"""Memory: slots need NUMA cells, huge pages need cells that exist, host nodes need one way of being chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyvirtd.errors import ConfigUnsupported, ErrorDomain, XMLDetail, XMLError

if TYPE_CHECKING:
    from pyvirtd.conf.domain.domain import DomainDef


def check_memory(definition: DomainDef) -> None:
    cells = definition.cpu.cells if definition.cpu is not None else []
    if definition.memory_slots and not cells:
        raise ConfigUnsupported("maxMemory: memory that can be plugged needs a NUMA cell in <cpu><numa>")
    check_pages(definition, {cell.id for cell in cells} or {0})
    check_numatune(definition, bool(cells))


def check_pages(definition: DomainDef, cells: set[int | None]) -> None:
    backing = definition.memory_backing
    if backing is None:
        return
    default = None
    for page in backing.pages:
        if page.nodeset is None:
            if default is not None:
                raise XMLDetail(f"hugepages: {default} and {page.size} KiB are both for all cells")
            default = page.size
            continue
        for number in page.nodeset:
            if number not in cells:
                raise XMLDetail(f"hugepages: there is no NUMA cell {number}")
    sized = [page for page in backing.pages if page.nodeset is not None]
    if default is not None and sized and not (definition.cpu is not None and definition.cpu.cells):
        raise XMLDetail(f"hugepages: {default} and {sized[0].size} KiB are both for a guest without NUMA cells")


def check_numatune(definition: DomainDef, cells: bool) -> None:
    tune = definition.numatune
    if tune is None:
        return
    memory = tune.memory
    for node in tune.memnodes:
        if memory is not None and memory.placement == "auto":
            raise ConfigUnsupported("numatune: nodes of single cells and automatic placement exclude each other")
        restrictive = memory is not None and memory.mode == "restrictive"
        if restrictive != (node.mode == "restrictive") and (restrictive or memory is not None):
            raise XMLError(
                "numatune: mode restrictive is for <memory> and all <memnode>s, or for none", domain=ErrorDomain.DOMAIN
            )
