"""Virtual CPUs and I/O threads: <vcpus>, <iothreadids>, <cputune>."""

from __future__ import annotations

from typing import Literal

from pyvirtd.conf.xml import Element, at, child, children, hidden, must, size
from pyvirtd.conf.xml.types import CpuSet, Int, Long, Positive, UInt, ULong, YesNo

Scheduler = Literal["other", "batch", "idle", "fifo", "rr"]


class Vcpu(Element, tag="vcpu"):
    """One virtual CPU where they differ: on or off, hot-unpluggable or not, in which order they come."""

    id: UInt = must("@id")
    enabled: YesNo = must("@enabled")
    hotpluggable: YesNo | None = at("@hotpluggable")
    order: UInt | None = at("@order", omit=0)


class Poll(Element, tag="poll"):
    """An I/O thread's busy polling, ns."""

    max: ULong | None = at("@max")
    grow: ULong | None = at("@grow")
    shrink: ULong | None = at("@shrink")


class IOThread(Element, tag="iothread"):
    """One I/O thread. `filled`: post-parse added it to reach the count."""

    id: Positive = must("@id")
    thread_pool_min: Int | None = at("@thread_pool_min")
    thread_pool_max: Int | None = at("@thread_pool_max")
    poll: Poll | None = child()
    filled: bool = hidden(False)


class VcpuPin(Element, tag="vcpupin"):
    """Host CPUs of one virtual CPU."""

    vcpu: UInt = must("@vcpu")
    cpuset: CpuSet = must("@cpuset")


class IOThreadPin(Element, tag="iothreadpin"):
    """Host CPUs of one I/O thread."""

    iothread: UInt = must("@iothread")
    cpuset: CpuSet = must("@cpuset")


class EmulatorSched(Element, tag="emulatorsched"):
    """The emulator's scheduling class."""

    scheduler: Scheduler = must("@scheduler")
    priority: Int | None = at("@priority")


class VcpuSched(Element, tag="vcpusched"):
    """Virtual CPUs' scheduling class."""

    vcpus: CpuSet = must("@vcpus")
    scheduler: Scheduler = must("@scheduler")
    priority: Int | None = at("@priority")


class IOThreadSched(Element, tag="iothreadsched"):
    """I/O threads' scheduling class."""

    iothreads: CpuSet = must("@iothreads")
    scheduler: Scheduler = must("@scheduler")
    priority: Int | None = at("@priority")


class CacheShare(Element, tag="cache"):
    """A part of a host cache, KiB."""

    id: UInt = must("@id")
    level: UInt = must("@level")
    type: Literal["both", "code", "data"] = must("@type")
    size: int = size("@size", pretty=True, required=True)


class ResctrlMonitor(Element, tag="monitor"):
    """Virtual CPUs whose cache or bandwidth use is watched."""

    level: UInt | None = at("@level")
    vcpus: CpuSet = must("@vcpus")


class CacheTune(Element, tag="cachetune"):
    """Host cache for some virtual CPUs (resctrl)."""

    id: str | None = at("@id", live=True)
    vcpus: CpuSet = must("@vcpus")
    caches: list[CacheShare] = children()
    monitors: list[ResctrlMonitor] = children()


class Bandwidth(Element, tag="node"):
    """Memory bandwidth on one host node, percent."""

    id: UInt = must("@id")
    bandwidth: UInt = must("@bandwidth")


class MemoryTune(Element, tag="memorytune"):
    """Memory bandwidth for some virtual CPUs (resctrl)."""

    id: str | None = at("@id", live=True)
    vcpus: CpuSet = must("@vcpus")
    nodes: list[Bandwidth] = children()
    monitors: list[ResctrlMonitor] = children()


class Cputune(Element, tag="cputune"):
    """CPU shares, quotas (µs, -1 none), pinning and scheduling. Absent numbers print nothing."""

    shares: ULong | None = at("shares")
    period: ULong | None = at("period", omit=0)
    quota: Long | None = at("quota", omit=0)
    global_period: ULong | None = at("global_period", omit=0)
    global_quota: Long | None = at("global_quota", omit=0)
    emulator_period: ULong | None = at("emulator_period", omit=0)
    emulator_quota: Long | None = at("emulator_quota", omit=0)
    iothread_period: ULong | None = at("iothread_period", omit=0)
    iothread_quota: Long | None = at("iothread_quota", omit=0)
    vcpupins: list[VcpuPin] = children()
    emulatorpin: CpuSet | None = at("emulatorpin/@cpuset")
    iothreadpins: list[IOThreadPin] = children()
    emulatorsched: EmulatorSched | None = child()
    vcpuscheds: list[VcpuSched] = children()
    iothreadscheds: list[IOThreadSched] = children()
    cachetunes: list[CacheTune] = children()
    memorytunes: list[MemoryTune] = children()
