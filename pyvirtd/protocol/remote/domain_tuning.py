"""A domain's processors, memory, schedulers and statistics."""

# mypy: disable-error-code="empty-body"
from __future__ import annotations

from typing import Annotated, NamedTuple

from pyvirtd.protocol.calls import Program, Reply, When, at_most, call, counted, nparams
from pyvirtd.protocol.constants.domain import DomainMemoryModFlags, DomainModificationImpact, DomainVcpuFlags
from pyvirtd.protocol.remote.limits import (
    CPUMAP_MAX,
    CPUMAPS_MAX,
    DOMAIN_BLKIO_PARAMETERS_MAX,
    DOMAIN_GET_CPU_STATS_MAX,
    DOMAIN_INTERFACE_PARAMETERS_MAX,
    DOMAIN_IOTHREAD_PARAMS_MAX,
    DOMAIN_MEMORY_PARAMETERS_MAX,
    DOMAIN_MEMORY_STATS_MAX,
    DOMAIN_NUMA_PARAMETERS_MAX,
    DOMAIN_PERF_EVENTS_MAX,
    DOMAIN_SCHEDULER_PARAMETERS_MAX,
    IOTHREAD_INFO_MAX,
    REMOTE,
    VCPUINFO_MAX,
)
from pyvirtd.protocol.remote.permissions import SAVES
from pyvirtd.protocol.types import I32, U32, U64, DomainRef, Max, ParamList, String, TypedParams


class VcpuInfo(NamedTuple):
    number: U32
    state: I32
    cpu_time: U64
    cpu: I32


class DomainGetVcpus(NamedTuple):
    """What domain_get_vcpus answers."""

    info: Annotated[list[VcpuInfo], Max(VCPUINFO_MAX)]
    cpumaps: Annotated[bytes, Max(CPUMAPS_MAX)]


class DomainGetSchedulerType(NamedTuple):
    """What domain_get_scheduler_type answers."""

    type: String
    nparams: I32


class DomainMemoryStat(NamedTuple):
    tag: I32
    val: U64


class DomainGetVcpuPinInfo(NamedTuple):
    """What domain_get_vcpu_pin_info answers."""

    cpumaps: Annotated[bytes, Max(CPUMAPS_MAX)]
    num: I32


class DomainGetCpuStats(NamedTuple):
    """What domain_get_cpu_stats answers."""

    params: Annotated[ParamList, Max(DOMAIN_GET_CPU_STATS_MAX)]
    nparams: I32


class DomainGetEmulatorPinInfo(NamedTuple):
    """What domain_get_emulator_pin_info answers."""

    cpumaps: Annotated[bytes, Max(CPUMAPS_MAX)]
    ret: I32


class DomainIothreadInfo(NamedTuple):
    iothread_id: U32
    cpumap: Annotated[bytes, Max(CPUMAP_MAX)]


class DomainTuningCalls(Program, number=REMOTE):
    """A domain's processors, memory, schedulers and statistics."""

    @call(17, acl="domain:read", ro=True, high=True)
    def domain_get_max_memory(self, dom: DomainRef) -> Reply[U64]:
        """virDomainGetMaxMemory."""

    @call(18, acl="domain:read", ro=True, high=True, via="domain_get_vcpus_flags")
    def domain_get_max_vcpus(self, dom: DomainRef) -> Reply[I32]:
        """virDomainGetMaxVcpus."""

        return self.domain_get_vcpus_flags(dom, DomainVcpuFlags.LIVE | DomainVcpuFlags.MAXIMUM)

    @call(20, acl="domain:read", ro=True, high=True)
    def domain_get_vcpus(self, dom: DomainRef, maxinfo: I32, maplen: I32) -> Reply[DomainGetVcpus]:
        """virDomainGetVcpus."""

    @call(26, acl="domain:write", via="domain_pin_vcpu_flags")
    def domain_pin_vcpu(self, dom: DomainRef, vcpu: U32, cpumap: Annotated[bytes, Max(CPUMAP_MAX)]) -> Reply[None]:
        """virDomainPinVcpu."""

        return self.domain_pin_vcpu_flags(dom, vcpu, cpumap, DomainModificationImpact.LIVE)

    @call(30, acl="domain:write", high=True, via="domain_set_memory_flags")
    def domain_set_max_memory(self, dom: DomainRef, memory: U64) -> Reply[None]:
        """virDomainSetMaxMemory."""

        return self.domain_set_memory_flags(dom, memory, DomainMemoryModFlags.MAXIMUM)

    @call(31, acl="domain:write", via="domain_set_memory_flags")
    def domain_set_memory(self, dom: DomainRef, memory: U64) -> Reply[None]:
        """virDomainSetMemory."""

        return self.domain_set_memory_flags(dom, memory, DomainMemoryModFlags.LIVE)

    @call(32, acl="domain:write", via="domain_set_vcpus_flags")
    def domain_set_vcpus(self, dom: DomainRef, nvcpus: U32) -> Reply[None]:
        """virDomainSetVcpus."""

        return self.domain_set_vcpus_flags(dom, nvcpus, DomainVcpuFlags.LIVE)

    @call(56, acl="domain:read", ro=True)
    def domain_get_scheduler_type(self, dom: DomainRef) -> Reply[DomainGetSchedulerType]:
        """virDomainGetSchedulerType."""

    @call(57, acl="domain:read", ro=True, asks=at_most("nparams"), via="domain_get_scheduler_parameters_flags")
    def domain_get_scheduler_parameters(
        self, dom: DomainRef
    ) -> Reply[Annotated[TypedParams, Max(DOMAIN_SCHEDULER_PARAMETERS_MAX)]]:
        """virDomainGetSchedulerParameters."""

        return self.domain_get_scheduler_parameters_flags(dom, 0)

    @call(58, acl="domain:read", via="domain_set_scheduler_parameters_flags")
    def domain_set_scheduler_parameters(
        self, dom: DomainRef, params: Annotated[TypedParams, Max(DOMAIN_SCHEDULER_PARAMETERS_MAX)]
    ) -> Reply[None]:
        """virDomainSetSchedulerParameters."""

        return self.domain_set_scheduler_parameters_flags(dom, params, 0)

    @call(159, acl="domain:read", ro=True, asks=at_most("max_stats", arg=U32))
    def domain_memory_stats(
        self, dom: DomainRef, flags: U32
    ) -> Reply[Annotated[list[DomainMemoryStat], Max(DOMAIN_MEMORY_STATS_MAX)]]:
        """virDomainMemoryStats."""

    @call(197, acl=("domain:write", *SAVES))
    def domain_set_memory_parameters(
        self, dom: DomainRef, params: Annotated[TypedParams, Max(DOMAIN_MEMORY_PARAMETERS_MAX)], flags: U32
    ) -> Reply[None]:
        """virDomainSetMemoryParameters."""

    @call(198, acl="domain:read", ro=True, asks=nparams())
    def domain_get_memory_parameters(
        self, dom: DomainRef, flags: U32
    ) -> Reply[Annotated[TypedParams, Max(DOMAIN_MEMORY_PARAMETERS_MAX)]]:
        """virDomainGetMemoryParameters."""

    @call(199, acl=("domain:write", *SAVES, When("domain:write", flags=DomainVcpuFlags.GUEST)))
    def domain_set_vcpus_flags(self, dom: DomainRef, nvcpus: U32, flags: U32) -> Reply[None]:
        """virDomainSetVcpusFlags."""

    @call(200, acl=("domain:read", When("domain:write", flags=DomainVcpuFlags.GUEST)), ro=True)
    def domain_get_vcpus_flags(self, dom: DomainRef, flags: U32) -> Reply[I32]:
        """virDomainGetVcpusFlags."""

    @call(204, acl=("domain:write", *SAVES))
    def domain_set_memory_flags(self, dom: DomainRef, memory: U64, flags: U32) -> Reply[None]:
        """virDomainSetMemoryFlags."""

    @call(205, acl=("domain:write", *SAVES))
    def domain_set_blkio_parameters(
        self, dom: DomainRef, params: Annotated[TypedParams, Max(DOMAIN_BLKIO_PARAMETERS_MAX)], flags: U32
    ) -> Reply[None]:
        """virDomainSetBlkioParameters."""

    @call(206, acl="domain:read", ro=True, asks=nparams())
    def domain_get_blkio_parameters(
        self, dom: DomainRef, flags: U32
    ) -> Reply[Annotated[TypedParams, Max(DOMAIN_BLKIO_PARAMETERS_MAX)]]:
        """virDomainGetBlkioParameters."""

    @call(219, acl=("domain:write", *SAVES))
    def domain_set_scheduler_parameters_flags(
        self, dom: DomainRef, params: Annotated[TypedParams, Max(DOMAIN_SCHEDULER_PARAMETERS_MAX)], flags: U32
    ) -> Reply[None]:
        """virDomainSetSchedulerParametersFlags."""

    @call(223, acl="domain:read", ro=True, asks=at_most("nparams"))
    def domain_get_scheduler_parameters_flags(
        self, dom: DomainRef, flags: U32
    ) -> Reply[Annotated[TypedParams, Max(DOMAIN_SCHEDULER_PARAMETERS_MAX)]]:
        """virDomainGetSchedulerParametersFlags."""

    @call(225, acl=("domain:write", *SAVES))
    def domain_pin_vcpu_flags(
        self, dom: DomainRef, vcpu: U32, cpumap: Annotated[bytes, Max(CPUMAP_MAX)], flags: U32
    ) -> Reply[None]:
        """virDomainPinVcpuFlags."""

    @call(230, acl="domain:read", ro=True)
    def domain_get_vcpu_pin_info(
        self, dom: DomainRef, ncpumaps: I32, maplen: I32, flags: U32
    ) -> Reply[DomainGetVcpuPinInfo]:
        """virDomainGetVcpuPinInfo."""

    @call(254, acl=("domain:write", *SAVES))
    def domain_set_numa_parameters(
        self, dom: DomainRef, params: Annotated[TypedParams, Max(DOMAIN_NUMA_PARAMETERS_MAX)], flags: U32
    ) -> Reply[None]:
        """virDomainSetNumaParameters."""

    @call(255, acl="domain:read", ro=True, asks=nparams())
    def domain_get_numa_parameters(
        self, dom: DomainRef, flags: U32
    ) -> Reply[Annotated[TypedParams, Max(DOMAIN_NUMA_PARAMETERS_MAX)]]:
        """virDomainGetNumaParameters."""

    @call(256, acl=("domain:write", *SAVES))
    def domain_set_interface_parameters(
        self,
        dom: DomainRef,
        device: String,
        params: Annotated[TypedParams, Max(DOMAIN_INTERFACE_PARAMETERS_MAX)],
        flags: U32,
    ) -> Reply[None]:
        """virDomainSetInterfaceParameters."""

    @call(257, acl="domain:read", ro=True, asks=nparams())
    def domain_get_interface_parameters(
        self, dom: DomainRef, device: String, flags: U32
    ) -> Reply[Annotated[TypedParams, Max(DOMAIN_INTERFACE_PARAMETERS_MAX)]]:
        """virDomainGetInterfaceParameters."""

    @call(262, acl="domain:read", ro=True)
    def domain_get_cpu_stats(
        self, dom: DomainRef, nparams: U32, start_cpu: I32, ncpus: U32, flags: U32
    ) -> Reply[DomainGetCpuStats]:
        """virDomainGetCPUStats."""

    @call(279, acl=("domain:write", *SAVES))
    def domain_pin_emulator(self, dom: DomainRef, cpumap: Annotated[bytes, Max(CPUMAP_MAX)], flags: U32) -> Reply[None]:
        """virDomainPinEmulator."""

    @call(280, acl="domain:read", ro=True)
    def domain_get_emulator_pin_info(self, dom: DomainRef, maplen: I32, flags: U32) -> Reply[DomainGetEmulatorPinInfo]:
        """virDomainGetEmulatorPinInfo."""

    @call(308, acl=("domain:write", *SAVES))
    def domain_set_memory_stats_period(self, dom: DomainRef, period: I32, flags: U32) -> Reply[None]:
        """virDomainSetMemoryStatsPeriod."""

    @call(351, acl="domain:read", ro=True, asks=counted())
    def domain_get_iothread_info(
        self, dom: DomainRef, flags: U32
    ) -> Reply[Annotated[list[DomainIothreadInfo], Max(IOTHREAD_INFO_MAX)]]:
        """virDomainGetIOThreadInfo."""

    @call(352, acl=("domain:write", *SAVES))
    def domain_pin_iothread(
        self, dom: DomainRef, iothreads_id: U32, cpumap: Annotated[bytes, Max(CPUMAP_MAX)], flags: U32
    ) -> Reply[None]:
        """virDomainPinIOThread."""

    @call(355, acl=("domain:write", *SAVES))
    def domain_add_iothread(self, dom: DomainRef, iothread_id: U32, flags: U32) -> Reply[None]:
        """virDomainAddIOThread."""

    @call(356, acl=("domain:write", *SAVES))
    def domain_del_iothread(self, dom: DomainRef, iothread_id: U32, flags: U32) -> Reply[None]:
        """virDomainDelIOThread."""

    @call(365, acl="domain:read", ro=True)
    def domain_get_perf_events(
        self, dom: DomainRef, flags: U32
    ) -> Reply[Annotated[TypedParams, Max(DOMAIN_PERF_EVENTS_MAX)]]:
        """virDomainGetPerfEvents."""

    @call(366, acl="domain:write")
    def domain_set_perf_events(
        self, dom: DomainRef, params: Annotated[TypedParams, Max(DOMAIN_PERF_EVENTS_MAX)], flags: U32
    ) -> Reply[None]:
        """virDomainSetPerfEvents."""

    @call(384, acl=("domain:write", *SAVES))
    def domain_set_vcpu(self, dom: DomainRef, cpumap: String, state: I32, flags: U32) -> Reply[None]:
        """virDomainSetVcpu."""

    @call(402, acl=("domain:write", *SAVES))
    def domain_set_iothread_params(
        self,
        dom: DomainRef,
        iothread_id: U32,
        params: Annotated[TypedParams, Max(DOMAIN_IOTHREAD_PARAMS_MAX)],
        flags: U32,
    ) -> Reply[None]:
        """virDomainSetIOThreadParams."""

    @call(427, acl="domain:write")
    def domain_start_dirty_rate_calc(self, dom: DomainRef, seconds: I32, flags: U32) -> Reply[None]:
        """virDomainStartDirtyRateCalc."""
