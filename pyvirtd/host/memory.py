"""The host's memory as a whole, and the kernel's merging of equal pages (KSM)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final

from pyvirtd.errors import InternalError, InvalidArg, OperationInvalid, OperationUnsupported
from pyvirtd.host.numa import cell_ids, cell_memory
from pyvirtd.host.procfile import meminfo, read_int

ALL_CELLS: Final = -1
KSM_DIR: Final = "/sys/kernel/mm/ksm"
KSM_TUNABLE: Final = ("pages_to_scan", "sleep_millisecs", "merge_across_nodes")
KSM_FIGURES: Final = ("pages_shared", "pages_sharing", "pages_unshared", "pages_volatile", "full_scans")


def total_memory() -> int:
    """Bytes of memory of all cells together."""
    return sum(cell_memory(cell)[0] for cell in cell_ids()) * 1024


def free_memory() -> int:
    """Bytes of memory that nothing uses, of all cells together."""
    return sum(cell_memory(cell)[1] for cell in cell_ids()) * 1024


def cells_free_memory(start: int, count: int) -> list[int]:
    """Free bytes of up to `count` cells from number `start` on. InternalError when there is none (libvirt's code)."""
    last = max(cell_ids())
    if not 0 <= start <= last:
        raise InternalError(f"NUMA cell {start} is beyond the last one of this host, {last}")
    return [
        cell_memory(cell)[1] * 1024 if cell in cell_ids() else 0 for cell in range(start, min(start + count, last + 1))
    ]


def memory_stats(cell: int = ALL_CELLS) -> dict[str, int]:
    """KiB by libvirt's field names: total, free, and for the whole host buffers and cached."""
    if cell != ALL_CELLS:
        total, free = cell_memory(cell)
        return {"total": total, "free": free}
    values = meminfo()
    fields = {"total": "MemTotal", "free": "MemFree", "buffers": "Buffers", "cached": "Cached"}
    return {name: values[line] for name, line in fields.items() if line in values}


def ksm_parameters() -> dict[str, int]:
    """KSM's settings and figures by the kernel's file names; empty where the kernel has no KSM."""
    values = {name: read_int(f"{KSM_DIR}/{name}") for name in (*KSM_TUNABLE[:2], *KSM_FIGURES, *KSM_TUNABLE[2:])}
    return {name: value for name, value in values.items() if value is not None}


def set_ksm_parameters(values: Mapping[str, int]) -> None:
    """Change settings of KSM, all or none. InvalidArg, OperationUnsupported, or OperationInvalid when refused."""
    for name in values:
        if name not in KSM_TUNABLE:
            raise InvalidArg(f"{name!r} is no setting of page sharing; there are {', '.join(KSM_TUNABLE)}")
        if not os.path.exists(f"{KSM_DIR}/{name}"):
            raise OperationUnsupported(f"this kernel cannot set {name} of page sharing")
    before = ksm_parameters()
    try:
        for name, value in values.items():
            _write(name, value)
    except OSError as e:
        for name in values:
            _write(name, before[name])
        raise OperationInvalid(f"the kernel refused to set page sharing so: {e.strerror}") from e


def _write(name: str, value: int) -> None:
    with open(f"{KSM_DIR}/{name}", "w") as f:
        f.write(str(value))
