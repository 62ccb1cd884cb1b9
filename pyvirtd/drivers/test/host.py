"""The host that there is none of, as clients ask about it: two cells of eight CPUs, as libvirt's test driver has."""

from __future__ import annotations

from typing import Final

from pyvirtd.conf.outline import Outline
from pyvirtd.drivers.test.noun import Noun
from pyvirtd.drivers.test.pipeline import ARCH
from pyvirtd.errors import InvalidArg
from pyvirtd.host import nodeinfo
from pyvirtd.protocol.remote.host import NodeCpuStat, NodeGetCpuMap, NodeGetInfo, NodeGetSecurityModel

CELLS: Final = (2048 << 10, 4096 << 10)
"""What is free in each cell, bytes; in the capabilities the same number is the cell's memory in KiB."""
CPUS: Final = 8
"""Of each cell."""
_PAGES: Final = ((4, 2048, 1048576), (8, 2048, 1048576))
_NODE: Final = NodeGetInfo(ARCH, 3 << 20, 16, 1400, 2, 2, 2, 2)
_MAX_VCPUS: Final = 32
_CPU_STATS: Final = {"kernel": 34678723400000, "user": 9797400000, "idle": 87264900000, "iowait": 763600000}
_BIOS: Final = {"vendor": "LENOVO", "version": "G4ETA1WW (2.61 )", "date": "05/07/2014", "release": "2.61"}
_CPU_MAP: Final = NodeGetCpuMap(b"\x15", 3, 8)


class HostCalls(Noun):
    """Node information, capabilities, versions."""

    def connect_get_type(self) -> str:
        return "TEST"

    def connect_get_uri(self) -> str:
        return self.runtime.uri

    def connect_get_version(self) -> int:
        return 2

    async def connect_get_hostname(self) -> str:
        return await nodeinfo.hostname()

    def connect_get_max_vcpus(self, type: str | None) -> int:
        return _MAX_VCPUS

    def connect_get_capabilities(self) -> str:
        return capabilities()

    def connect_get_sysinfo(self, flags: int) -> str:
        out = Outline()
        with out.inside("sysinfo", type="smbios"), out.inside("bios"):
            for name, value in _BIOS.items():
                out.element("entry", value, name=name)
        return out.text()

    def node_get_info(self) -> NodeGetInfo:
        return _NODE

    def node_get_free_memory(self) -> int:
        return sum(CELLS)

    def node_get_cells_free_memory(self, start_cell: int) -> list[int]:
        if not 0 <= start_cell < len(CELLS):
            raise InvalidArg(f"there is no cell {start_cell}; there are {len(CELLS)}, from 0")
        return list(CELLS[start_cell:])

    def node_get_cpu_stats(self, cpu_num: int, flags: int) -> list[NodeCpuStat]:
        return [NodeCpuStat(name, value) for name, value in _CPU_STATS.items()]

    def node_get_cpu_map(self, need_map: int, need_online: int, flags: int) -> NodeGetCpuMap:
        return NodeGetCpuMap(_CPU_MAP.cpumap if need_map else b"", _CPU_MAP.online if need_online else 0, _CPU_MAP.ret)

    def node_get_free_pages(self, pages: list[int], start_cell: int, cell_count: int, flags: int) -> list[int]:
        cells = range(start_cell, start_cell + cell_count)
        if start_cell < 0 or any(cell >= len(CELLS) for cell in cells):
            raise InvalidArg(f"there are {len(CELLS)} cells: {cell_count} from {start_cell} on are too many")
        sizes = {size for cell in cells for size in _PAGES[cell]}
        for size in pages:
            if size not in sizes:
                raise InvalidArg(f"there are no pages of {size} KiB in these cells")
        return [CELLS[cell] // size if size == _PAGES[cell][0] else 0 for cell in cells for size in pages]

    def node_get_security_model(self) -> NodeGetSecurityModel:
        return NodeGetSecurityModel("testSecurity", "")


def capabilities() -> str:
    """The document, laid out as libvirt does."""
    out = Outline()
    with out.inside("capabilities"):
        out.blank()
        with out.inside("host"):
            with out.inside("cpu"):
                out.element("arch", ARCH)
                _features(out)
                for size in sorted({size for sizes in _PAGES for size in sizes}):
                    out.element("pages", unit="KiB", size=size)
            out.element("power_management")
            out.element("iommu", support="no")
            with out.inside("topology"), out.inside("cells", num=len(CELLS)):
                for number in range(len(CELLS)):
                    _cell(out, number)
            with out.inside("secmodel"):
                out.element("model", "testSecurity")
                out.element("doi", "")
        out.blank()
        for os_type in ("hvm", "xen"):
            with out.inside("guest"):
                out.element("os_type", os_type)
                with out.inside("arch", name=ARCH):
                    out.element("wordsize", 32)
                    out.element("emulator", "/usr/bin/test-hv")
                    out.element("domain", type="test")
                _features(out)
            out.blank()
    return out.text()


def _features(out: Outline) -> None:
    with out.inside("features"):
        out.element("pae")
        out.element("nonpae")


def _cell(out: Outline, number: int) -> None:
    with out.inside("cell", id=number):
        out.element("memory", CELLS[number], unit="KiB")
        for size in _PAGES[number]:
            out.element("pages", CELLS[number] // size if size == _PAGES[number][0] else 0, unit="KiB", size=size)
        with out.inside("cpus", num=CPUS):
            for core in range(CPUS):
                id = number * CPUS + core
                out.element("cpu", id=id, socket_id=number, die_id=0, core_id=core, siblings=id)
