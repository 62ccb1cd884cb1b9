"""The host: libvirt's public enums."""

from typing import Final


class NodeAllocPagesFlags:
    """virNodeAllocPagesFlags."""

    ADD: Final = 0
    SET: Final = 1


class NodeGetCPUStatsAllCPUs:
    """virNodeGetCPUStatsAllCPUs."""

    ALL_CPUS: Final = -1


class NodeGetMemoryStatsAllCells:
    """virNodeGetMemoryStatsAllCells."""

    ALL_CELLS: Final = -1


class NodeSuspendTarget:
    """virNodeSuspendTarget."""

    MEM: Final = 0
    DISK: Final = 1
    HYBRID: Final = 2
