"""Finding domains and looking at them: everything is answered from what the daemon knows, QEMU is never asked."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from pyvirtd.core.calls.lookup import LookupCalls
from pyvirtd.core.domain import Domain
from pyvirtd.core.modifies import queries
from pyvirtd.core.summary import summary
from pyvirtd.drivers.qemu.noun import Noun
from pyvirtd.protocol.remote.domain import (
    DomainGetControlInfo,
    DomainGetInfo,
)

_TICK_NS: Final = 1_000_000_000 // os.sysconf("SC_CLK_TCK")


class QueryCalls(Noun, LookupCalls):
    """Lookups, lists, states, XML; what QEMU knows beside."""

    @queries
    def domain_get_os_type(self, dom: Domain) -> str:
        return dom.fact(summary).os_type

    @queries
    def domain_get_info(self, dom: Domain) -> DomainGetInfo:
        facts = dom.fact(summary)
        time = cpu_time(dom.machine.pid) if dom.machine is not None and dom.machine.process is not None else 0
        return DomainGetInfo(dom.state, facts.memory, facts.current_memory, facts.vcpus, time)

    @queries
    def domain_get_control_info(self, dom: Domain, flags: int) -> DomainGetControlInfo:
        dom.require_active()
        holder = dom.job.holder
        if dom.machine.monitor is None or dom.machine.monitor.closed:
            return DomainGetControlInfo(3, 2, 0)  # VIR_DOMAIN_CONTROL_ERROR, its reason: the monitor
        if dom.job.background is not None:
            return DomainGetControlInfo(1, 0, dom.job.background.age_ms)
        return DomainGetControlInfo(0, 0, 0) if holder is None else DomainGetControlInfo(2, 0, holder.age_ms)


def cpu_time(pid: int) -> int:
    """Nanoseconds that the process has run; 0 when it has ended. Source: proc(5), fields utime and stime."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        return (int(fields[11]) + int(fields[12])) * _TICK_NS
    except (OSError, IndexError, ValueError):
        return 0
