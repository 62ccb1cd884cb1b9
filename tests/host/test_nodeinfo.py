"""The host's figures hold together, and agree with what the kernel says elsewhere."""

from __future__ import annotations

import os
import socket

import pytest

from pyvirtd.errors import InternalError, InvalidArg, OperationFailed, OperationUnsupported
from pyvirtd.host import cpus, memory, nodeinfo, numa


def test_node_info_holds_together() -> None:
    info = nodeinfo.node_info()
    assert info.model == os.uname().machine
    assert info.cpus == os.sysconf("SC_NPROCESSORS_ONLN")
    assert info.nodes * info.sockets * info.cores * info.threads == len(cpus.present_cpus())
    assert info.memory == sum(cell.memory for cell in numa.cells())


def test_cpu_map_marks_the_online() -> None:
    found = cpus.cpu_map()
    assert [n for n in range(found.present) if found.bits[n // 8] >> n % 8 & 1] == cpus.online_cpus()
    assert found.online == len(cpus.online_cpus())


def test_cpu_stats_of_all_is_about_the_sum() -> None:
    before = cpus.cpu_stats()
    parts = [cpus.cpu_stats(n) for n in cpus.online_cpus()]
    after = cpus.cpu_stats()
    slack = 10**8  # the kernel rounds each line down by itself
    assert before.user - slack <= sum(p.user for p in parts) <= after.user + slack
    with pytest.raises(InvalidArg, match="no online CPU 4095"):
        cpus.cpu_stats(4095)


def test_memory_by_cell() -> None:
    assert memory.total_memory() == sum(numa.cell_memory(c)[0] for c in numa.cell_ids()) * 1024
    assert len(memory.cells_free_memory(0, 1000)) == max(numa.cell_ids()) + 1
    assert set(memory.memory_stats()) == {"total", "free", "buffers", "cached"}
    assert set(memory.memory_stats(numa.cell_ids()[0])) == {"total", "free"}
    with pytest.raises(InternalError, match="beyond the last"):
        memory.cells_free_memory(1000, 1)
    with pytest.raises(InvalidArg, match="no NUMA cell 1000"):
        memory.memory_stats(1000)


def test_page_pools() -> None:
    cell = numa.cells()[0]
    assert cell.pages[0].size == os.sysconf("SC_PAGE_SIZE") // 1024
    assert numa.free_pages(cell.id, cell.pages[0].size) > 0
    with pytest.raises(OperationFailed, match="no pages of 3 KiB"):
        numa.free_pages(cell.id, 3)
    with pytest.raises(OperationUnsupported, match="ordinary memory"):
        numa.allocate_pages(cell.id, cell.pages[0].size, 1, add=True)


def test_unknown_ksm_settings_are_refused() -> None:
    with pytest.raises(InvalidArg, match="full_scans"):
        memory.set_ksm_parameters({"full_scans": 1})


async def test_hostname_is_known_without_a_resolver() -> None:
    assert (await nodeinfo.hostname(timeout=0.5)).split(".")[0] == socket.gethostname().split(".")[0]


def test_host_uuid_stays() -> None:
    assert nodeinfo.host_uuid() == nodeinfo.host_uuid()
