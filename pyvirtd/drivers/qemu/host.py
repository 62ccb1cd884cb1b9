"""The host that guests run on, as clients ask about it through a QEMU connection."""

from __future__ import annotations

import shutil
from typing import Final

from pyvirtd.drivers.qemu.noun import Noun
from pyvirtd.errors import InvalidArg, OperationFailed
from pyvirtd.host import cpuid, cpus, memory, nodeinfo, numa
from pyvirtd.protocol.remote.host import (
    NodeCpuStat,
    NodeGetCpuMap,
    NodeGetInfo,
    NodeGetSecurityModel,
    NodeMemoryStat,
)

_MAX_VCPUS: Final = 16
"""What libvirt has always answered where KVM has no say; a machine's own limit is in the domain capabilities."""


class HostCalls(Noun):
    """Node information and versions."""

    def connect_get_type(self) -> str:
        return "QEMU"

    def connect_get_uri(self) -> str:
        return self.runtime.uri

    async def connect_get_version(self) -> int:
        binary = shutil.which(f"qemu-system-{nodeinfo.node_info().model}") or shutil.which("qemu-system-x86_64")
        if binary is None:
            raise OperationFailed("no qemu-system program for this host's architecture is in PATH")
        caps = self.runtime.capabilities.peek(binary) or await self.runtime.capabilities.get(binary)
        return caps.version

    async def connect_get_hostname(self) -> str:
        return await nodeinfo.hostname()

    def connect_get_max_vcpus(self, type: str | None) -> int:
        wanted = type.lower() if type is not None else "qemu"
        if wanted not in ("qemu", "kvm"):
            raise InvalidArg(f"QEMU runs domains of the types qemu and kvm, not '{type}'")
        return (cpuid.kvm_max_vcpus() if wanted == "kvm" else None) or _MAX_VCPUS

    def node_get_info(self) -> NodeGetInfo:
        return NodeGetInfo(*nodeinfo.node_info())

    def node_get_free_memory(self) -> int:
        return memory.free_memory()

    def node_get_cells_free_memory(self, start_cell: int) -> list[int]:
        return memory.cells_free_memory(start_cell, len(numa.cell_ids()) - start_cell)

    def node_get_cpu_stats(self, cpu_num: int, flags: int) -> list[NodeCpuStat]:
        return [NodeCpuStat(name, value) for name, value in cpus.cpu_stats(cpu_num)._asdict().items()]

    def node_get_memory_stats(self, cell_num: int, flags: int) -> list[NodeMemoryStat]:
        return [NodeMemoryStat(name, value) for name, value in memory.memory_stats(cell_num).items()]

    def node_get_cpu_map(self, need_map: int, need_online: int, flags: int) -> NodeGetCpuMap:
        found = cpus.cpu_map()
        return NodeGetCpuMap(found.bits if need_map else b"", found.online if need_online else 0, found.present)

    def node_get_security_model(self) -> NodeGetSecurityModel:
        return NodeGetSecurityModel("none", "0")
