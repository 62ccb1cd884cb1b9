"""NUMA cells: their CPUs, memory, page pools and distances, from /sys/devices/system/node.

A kernel without NUMA has no such directory; the host is then one cell of everything.
"""

from __future__ import annotations

import os
from typing import Final, NamedTuple

from pyvirtd.errors import InvalidArg, OperationFailed, OperationUnsupported
from pyvirtd.host.cpus import online_cpus, present_cpus
from pyvirtd.host.procfile import PAGE_SIZE, meminfo, parse_cpulist, read_int, read_word

NODE_DIR: Final = "/sys/devices/system/node"


class PagePool(NamedTuple):
    """Pages of one size (KiB) of a cell: how many there are and how many are free."""

    size: int
    total: int
    free: int


class Cell(NamedTuple):
    """A NUMA cell. `memory` and `free` in KiB; `distances` by cell id; `cpus` are those online or present in it."""

    id: int
    memory: int
    free: int
    pages: tuple[PagePool, ...]
    distances: tuple[tuple[int, int], ...]
    cpus: tuple[int, ...]


def cell_ids() -> list[int]:
    """The ids of the host's cells; [0] where the kernel knows no NUMA."""
    text = read_word(f"{NODE_DIR}/online")
    return parse_cpulist(text) if text else [0]


def has_numa() -> bool:
    """Whether the kernel tells about NUMA cells at all."""
    return os.path.isdir(f"{NODE_DIR}/node0")


def cells() -> list[Cell]:
    """All cells by id, with figures of this moment."""
    ids = cell_ids()
    return [_cell(i, ids) for i in ids]


def cell_memory(cell: int) -> tuple[int, int]:
    """(total, free) KiB of a cell. InvalidArg when there is no such cell."""
    if cell not in cell_ids():
        raise InvalidArg(f"there is no NUMA cell {cell} on this host; there are {', '.join(map(str, cell_ids()))}")
    values = meminfo(f"{NODE_DIR}/node{cell}/meminfo") if has_numa() else meminfo()
    return values.get("MemTotal", 0), values.get("MemFree", 0)


def cell_cpus(cell: int) -> tuple[int, ...]:
    """The CPUs of a cell, by number."""
    text = read_word(f"{NODE_DIR}/node{cell}/cpulist")
    if text is None:
        return tuple(present_cpus())
    online = set(online_cpus())
    # The list names only online CPUs; an offline one still has its link in the directory.
    links = {
        int(name[3:]) for name in os.listdir(f"{NODE_DIR}/node{cell}") if name.startswith("cpu") and name[3:].isdigit()
    }
    return tuple(sorted(set(parse_cpulist(text)) | links - online))


def page_sizes() -> list[int]:
    """Sizes of memory pages the host has pools for, in KiB, the ordinary one first."""
    huge = sorted(
        int(name.removeprefix("hugepages-").removesuffix("kB"))
        for name in _pools("/sys/kernel/mm/hugepages")
        if name.removeprefix("hugepages-").removesuffix("kB").isdigit()
    )
    return [PAGE_SIZE // 1024, *huge]


def page_pools(cell: int) -> tuple[PagePool, ...]:
    """The page pools of a cell, the ordinary size first; what huge pages took is not counted there again."""
    total, free = cell_memory(cell)
    huge = tuple(_huge_pool(cell, size) for size in page_sizes()[1:])
    ordinary = PAGE_SIZE // 1024
    taken = sum(pool.size * pool.total for pool in huge)
    return PagePool(ordinary, (total - taken) // ordinary, free // ordinary), *huge


def free_pages(cell: int, size: int) -> int:
    """Free pages of `size` KiB in a cell. InvalidArg for an unknown cell, OperationFailed for an unknown size."""
    for pool in page_pools(cell):
        if pool.size == size:
            return pool.free
    sizes = ", ".join(map(str, page_sizes()))
    raise OperationFailed(f"this host has no pages of {size} KiB; it has pages of {sizes} KiB")


def allocate_pages(cell: int, size: int, count: int, *, add: bool) -> None:
    """Set (or with `add` grow) the pool of huge pages of `size` KiB. OperationFailed where it cannot be done,
    OperationUnsupported for the ordinary size."""
    if size == PAGE_SIZE // 1024:
        raise OperationUnsupported(f"pages of {size} KiB are the host's ordinary memory and cannot be pooled")
    if cell not in cell_ids() or size not in page_sizes():
        raise OperationFailed(f"there is no pool of {size} KiB pages in NUMA cell {cell} of this host")
    path = f"{_pool_dir(cell, size)}/nr_hugepages"
    before = read_int(path) or 0
    wanted = before + count if add else count
    try:
        with open(path, "w") as f:
            f.write(str(wanted))
    except OSError as e:
        raise OperationFailed(f"cannot set the pool of {size} KiB pages in cell {cell}: {e.strerror}") from e
    now = read_int(path) or 0
    if now != wanted:
        raise OperationFailed(f"only {now} of {wanted} pages of {size} KiB could be had in cell {cell}")


def _cell(cell: int, ids: list[int]) -> Cell:
    total, free = cell_memory(cell)
    words = (read_word(f"{NODE_DIR}/node{cell}/distance") or "").split()
    distances = tuple(zip(ids, map(int, words), strict=True)) if len(words) == len(ids) else ()
    return Cell(cell, total, free, page_pools(cell), distances, cell_cpus(cell))


def _pool_dir(cell: int, size: int) -> str:
    base = f"{NODE_DIR}/node{cell}" if has_numa() else "/sys/kernel/mm"
    return f"{base}/hugepages/hugepages-{size}kB"


def _huge_pool(cell: int, size: int) -> PagePool:
    base = _pool_dir(cell, size)
    return PagePool(size, read_int(f"{base}/nr_hugepages") or 0, read_int(f"{base}/free_hugepages") or 0)


def _pools(path: str) -> list[str]:
    try:
        return os.listdir(path)
    except OSError:
        return []
