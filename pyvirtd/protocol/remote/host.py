"""The host and the hypervisor on it."""

# mypy: disable-error-code="empty-body"
from __future__ import annotations

from typing import Annotated, NamedTuple

from pyvirtd.protocol.calls import Program, Reply, at_most, call, need_results, nparams
from pyvirtd.protocol.remote.limits import (
    CONNECT_CPU_MODELS_MAX,
    CPU_BASELINE_MAX,
    CPUMAP_MAX,
    NODE_CPU_STATS_MAX,
    NODE_MAX_CELLS,
    NODE_MEMORY_PARAMETERS_MAX,
    NODE_MEMORY_STATS_MAX,
    NODE_SEV_INFO_MAX,
    REMOTE,
    SECURITY_DOI_MAX,
    SECURITY_MODEL_MAX,
)
from pyvirtd.protocol.types import I32, U32, U64, Chars, Max, String, TypedParams


class NodeGetInfo(NamedTuple):
    """What node_get_info answers."""

    model: Annotated[str, Chars(32, fixed=True)]
    memory: U64
    cpus: I32
    mhz: I32
    nodes: I32
    sockets: I32
    cores: I32
    threads: I32


class NodeGetSecurityModel(NamedTuple):
    """What node_get_security_model answers."""

    model: Annotated[str, Chars(SECURITY_MODEL_MAX)]
    doi: Annotated[str, Chars(SECURITY_DOI_MAX)]


class NodeCpuStat(NamedTuple):
    field: String
    value: U64


class NodeMemoryStat(NamedTuple):
    field: String
    value: U64


class NodeGetCpuMap(NamedTuple):
    """What node_get_cpu_map answers."""

    cpumap: Annotated[bytes, Max(CPUMAP_MAX)]
    online: U32
    ret: I32


class HostCalls(Program, number=REMOTE):
    """The host and the hypervisor on it."""

    @call(3, acl="connect:getattr", ro=True, high=True)
    def connect_get_type(self) -> Reply[String]:
        """virConnectGetType."""

    @call(4, acl="connect:getattr", ro=True, high=True)
    def connect_get_version(self) -> Reply[U64]:
        """virConnectGetVersion."""

    @call(5, acl="connect:read", ro=True, high=True)
    def connect_get_max_vcpus(self, type: String | None) -> Reply[I32]:
        """virConnectGetMaxVcpus."""

    @call(6, acl="connect:read", ro=True, high=True)
    def node_get_info(self) -> Reply[NodeGetInfo]:
        """virNodeGetInfo."""

    @call(7, acl="connect:read", ro=True)
    def connect_get_capabilities(self) -> Reply[String]:
        """virConnectGetCapabilities."""

    @call(59, acl="connect:getattr", ro=True, high=True)
    def connect_get_hostname(self) -> Reply[String]:
        """virConnectGetHostname."""

    @call(101, acl="connect:read", ro=True, high=True, asks=at_most("maxcells"))
    def node_get_cells_free_memory(self, start_cell: I32) -> Reply[Annotated[list[U64], Max(NODE_MAX_CELLS)]]:
        """virNodeGetCellsFreeMemory."""

    @call(102, acl="connect:read", ro=True, high=True)
    def node_get_free_memory(self) -> Reply[U64]:
        """virNodeGetFreeMemory."""

    @call(110, acl="connect:getattr", ro=True, high=True)
    def connect_get_uri(self) -> Reply[String]:
        """virConnectGetURI."""

    @call(122, acl="connect:read", ro=True, high=True)
    def node_get_security_model(self) -> Reply[NodeGetSecurityModel]:
        """virNodeGetSecurityModel."""

    @call(135, acl="connect:write")
    def connect_domain_xml_from_native(self, native_format: String, native_config: String, flags: U32) -> Reply[String]:
        """virConnectDomainXMLFromNative."""

    @call(136, acl="connect:write")
    def connect_domain_xml_to_native(self, native_format: String, domain_xml: String, flags: U32) -> Reply[String]:
        """virConnectDomainXMLToNative."""

    @call(158, acl="connect:read", high=True)
    def connect_compare_cpu(self, xml: String, flags: U32) -> Reply[I32]:
        """virConnectCompareCPU."""

    @call(162, acl="connect:read")
    def connect_baseline_cpu(
        self, xml_cpus: Annotated[list[String], Max(CPU_BASELINE_MAX)], flags: U32
    ) -> Reply[String]:
        """virConnectBaselineCPU."""

    @call(203, acl="connect:read", ro=True, high=True)
    def connect_get_sysinfo(self, flags: U32) -> Reply[String]:
        """virConnectGetSysinfo."""

    @call(227, acl="connect:read", ro=True, high=True, asks=nparams())
    def node_get_cpu_stats(
        self, cpu_num: I32, flags: U32
    ) -> Reply[Annotated[list[NodeCpuStat], Max(NODE_CPU_STATS_MAX)]]:
        """virNodeGetCPUStats."""

    @call(228, acl="connect:read", ro=True, high=True, asks=nparams(before="cell_num"))
    def node_get_memory_stats(
        self, cell_num: I32, flags: U32
    ) -> Reply[Annotated[list[NodeMemoryStat], Max(NODE_MEMORY_STATS_MAX)]]:
        """virNodeGetMemoryStats."""

    @call(250, acl="connect:pm_control")
    def node_suspend_for_duration(self, target: U32, duration: U64, flags: U32) -> Reply[None]:
        """virNodeSuspendForDuration."""

    @call(288, acl="connect:write")
    def node_set_memory_parameters(
        self, params: Annotated[TypedParams, Max(NODE_MEMORY_PARAMETERS_MAX)], flags: U32
    ) -> Reply[None]:
        """virNodeSetMemoryParameters."""

    @call(289, acl="connect:read", ro=True, asks=nparams())
    def node_get_memory_parameters(self, flags: U32) -> Reply[Annotated[TypedParams, Max(NODE_MEMORY_PARAMETERS_MAX)]]:
        """virNodeGetMemoryParameters."""

    @call(293, acl="connect:read", ro=True)
    def node_get_cpu_map(self, need_map: I32, need_online: I32, flags: U32) -> Reply[NodeGetCpuMap]:
        """virNodeGetCPUMap."""

    @call(312, acl="connect:read", ro=True, asks=need_results(ret=I32))
    def connect_get_cpu_model_names(
        self, arch: String, flags: U32
    ) -> Reply[Annotated[list[String], Max(CONNECT_CPU_MODELS_MAX)]]:
        """virConnectGetCPUModelNames."""

    @call(340, acl="connect:read", ro=True, high=True)
    def node_get_free_pages(
        self, pages: Annotated[list[U32], Max(NODE_MAX_CELLS)], start_cell: I32, cell_count: U32, flags: U32
    ) -> Reply[Annotated[list[U64], Max(NODE_MAX_CELLS)]]:
        """virNodeGetFreePages."""

    @call(342, acl="connect:write")
    def connect_get_domain_capabilities(
        self,
        emulatorbin: String | None,
        arch: String | None,
        machine: String | None,
        virttype: String | None,
        flags: U32,
    ) -> Reply[String]:
        """virConnectGetDomainCapabilities."""

    @call(347, acl="connect:write")
    def node_alloc_pages(
        self,
        page_sizes: Annotated[list[U32], Max(NODE_MAX_CELLS)],
        page_counts: Annotated[list[U64], Max(NODE_MAX_CELLS)],
        start_cell: I32,
        cell_count: U32,
        flags: U32,
    ) -> Reply[I32]:
        """virNodeAllocPages."""

    @call(393, acl="connect:write")
    def connect_compare_hypervisor_cpu(
        self,
        emulator: String | None,
        arch: String | None,
        machine: String | None,
        virttype: String | None,
        xml_cpu: String,
        flags: U32,
    ) -> Reply[I32]:
        """virConnectCompareHypervisorCPU."""

    @call(394, acl="connect:write")
    def connect_baseline_hypervisor_cpu(
        self,
        emulator: String | None,
        arch: String | None,
        machine: String | None,
        virttype: String | None,
        xml_cpus: Annotated[list[String], Max(CPU_BASELINE_MAX)],
        flags: U32,
    ) -> Reply[String]:
        """virConnectBaselineHypervisorCPU."""

    # libvirt's client sends what happened to be in its caller's variable, and its daemon does not look at it.
    @call(395, acl="connect:read", asks=nparams(unread=True))
    def node_get_sev_info(self, flags: U32) -> Reply[Annotated[TypedParams, Max(NODE_SEV_INFO_MAX)]]:
        """virNodeGetSEVInfo."""
