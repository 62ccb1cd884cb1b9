"""What a domain is busy with in the background, and other states that mostly are "none"."""

from __future__ import annotations

from typing import Final

from pyvirtd.core.domain import Domain
from pyvirtd.core.modifies import queries
from pyvirtd.drivers.qemu.block import find_disk
from pyvirtd.drivers.qemu.noun import Noun, machine_of
from pyvirtd.drivers.qemu.stats.recent import ask
from pyvirtd.errors import OperationFailed, OperationUnsupported
from pyvirtd.protocol.calls import supports
from pyvirtd.protocol.constants.domain_jobs import DomainBlockJobInfoFlags, DomainGetJobStatsFlags, DomainJobType
from pyvirtd.protocol.remote.domain_block import DomainGetBlockJobInfo
from pyvirtd.protocol.remote.domain_save import DomainGetJobInfo, DomainGetJobStats
from pyvirtd.protocol.types import TypedParams, ULLong

_NOTHING: Final = (0,) * 9


class JobInfoCalls(Noun):
    """See the module."""

    @queries
    def domain_get_job_info(self, dom: Domain) -> DomainGetJobInfo:
        dom.require_active()
        holder = dom.job.background
        if holder is None:
            return DomainGetJobInfo(DomainJobType.NONE, 0, 0, *_NOTHING)
        return DomainGetJobInfo(DomainJobType.UNBOUNDED, holder.age_ms, 0, *_NOTHING)

    @supports(DomainGetJobStatsFlags.COMPLETED | DomainGetJobStatsFlags.KEEP_COMPLETED)
    @queries
    def domain_get_job_stats(self, dom: Domain, flags: int) -> DomainGetJobStats:
        if flags & DomainGetJobStatsFlags.COMPLETED:
            # No job of this daemon leaves statistics behind yet.
            return DomainGetJobStats(DomainJobType.NONE, {})
        dom.require_active()
        holder = dom.job.background
        if holder is None:
            return DomainGetJobStats(DomainJobType.NONE, {})
        return DomainGetJobStats(DomainJobType.UNBOUNDED, {"time_elapsed": ULLong(holder.age_ms)})

    @supports(DomainBlockJobInfoFlags.BANDWIDTH_BYTES)
    @queries
    async def domain_get_block_job_info(self, dom: Domain, path: str, flags: int) -> DomainGetBlockJobInfo:
        machine, disk = machine_of(dom), find_disk(dom.current, path)
        jobs = await ask(machine, "query-block-jobs")
        if jobs is None:
            raise OperationFailed(f"{dom}: QEMU has not told anything about its jobs yet")
        for job in jobs if isinstance(jobs, list) else []:
            if isinstance(job, dict) and disk.alias and disk.alias in str(job.get("device", "")):
                raise OperationUnsupported(f"{dom}: the job on disk '{path}' was not started by this daemon")
        return DomainGetBlockJobInfo(0, 0, 0, 0, 0)

    @queries
    def domain_has_managed_save_image(self, dom: Domain, flags: int) -> int:
        return int(dom.managed_save)

    @queries
    def domain_get_launch_security_info(self, dom: Domain, flags: int) -> TypedParams:
        dom.require_active()
        if dom.current.launch_security is not None:
            raise OperationUnsupported(f"{dom}: measurements of protected guests are not asked for here")
        return {}
