"""Figures of disks, interfaces and CPUs. Nothing is measured: they follow the clock, as in libvirt's test driver."""

from __future__ import annotations

import time
from typing import Final

from pyvirtd.core.domain import Domain
from pyvirtd.core.modifies import queries
from pyvirtd.drivers.test.noun import Noun
from pyvirtd.drivers.test.tuning import disk_of, interface_of
from pyvirtd.drivers.test.world import ticks
from pyvirtd.errors import InvalidArg
from pyvirtd.protocol.constants.domain_fields import DomainCpuStatsField as Field
from pyvirtd.protocol.remote.domain import DomainInterfaceStats
from pyvirtd.protocol.remote.domain_block import DomainBlockStats, DomainDiskError, DomainGetBlockInfo
from pyvirtd.protocol.remote.domain_tuning import DomainGetCpuStats
from pyvirtd.protocol.types import ParamList, ULLong

_SIZE: Final = 1 << 40
"""Bytes that every disk takes."""
_CAPACITY: Final = 1099506450432
_CPU_TIME, _VCPU_TIME = 24386308517, 23151740627
_USER_TIME, _SYSTEM_TIME = 5540000000, 6460000000
_STATS_CPUS: Final = 2


class StatsCalls(Noun):
    """See the module."""

    @queries
    def domain_block_stats(self, dom: Domain, path: str) -> DomainBlockStats:
        dom.require_active()
        disk_of(dom, dom.current, path)
        base = ticks()
        return DomainBlockStats(base, base // 2, base // 3, base // 4, int(time.time()) // 2)

    @queries
    def domain_get_block_info(self, dom: Domain, path: str, flags: int) -> DomainGetBlockInfo:
        disk_of(dom, dom.current, path)
        return DomainGetBlockInfo(_SIZE, _CAPACITY, _SIZE)

    @queries
    def domain_get_disk_errors(self, dom: Domain, flags: int) -> list[DomainDiskError]:
        dom.require_active()
        # So that a program sees all there are: unspecified, no space, none, and over again.
        errors = ((disk.target, (number + 1) % 3) for number, disk in enumerate(dom.current.devices.disks))
        return [DomainDiskError(target or "", error) for target, error in errors if error]

    @queries
    def domain_interface_stats(self, dom: Domain, device: str) -> DomainInterfaceStats:
        dom.require_active()
        interface_of(dom, dom.current, device)
        base, seconds = ticks(), int(time.time())
        return DomainInterfaceStats(base, base // 10, seconds, seconds // 2, base // 2, base // 11, seconds // 3,
                                    seconds // 4)  # fmt: skip

    @queries
    def domain_get_cpu_stats(
        self, dom: Domain, nparams: int, start_cpu: int, ncpus: int, flags: int
    ) -> DomainGetCpuStats:
        dom.require_active()
        if start_cpu == -1:
            fields: ParamList = [
                (Field.CPUTIME, ULLong(_STATS_CPUS * _CPU_TIME + 1)),
                (Field.USERTIME, ULLong(_USER_TIME)),
                (Field.SYSTEMTIME, ULLong(_SYSTEM_TIME)),
            ]
            return DomainGetCpuStats(fields[:nparams], min(nparams, 3) or 3)
        if nparams == 0:
            return DomainGetCpuStats([], _STATS_CPUS if ncpus == 0 else 2)
        if not 0 <= start_cpu < _STATS_CPUS:
            raise InvalidArg(f"there are CPUs 0 to {_STATS_CPUS - 1}, {start_cpu} is none of them")
        out: ParamList = []
        for cpu in range(start_cpu, min(start_cpu + ncpus, _STATS_CPUS)):
            of_cpu: ParamList = [
                (Field.CPUTIME, ULLong(_CPU_TIME + cpu)),
                (Field.VCPUTIME, ULLong(_VCPU_TIME + cpu)),
            ]
            out += of_cpu[:nparams]
        return DomainGetCpuStats(out, min(nparams, 2))
