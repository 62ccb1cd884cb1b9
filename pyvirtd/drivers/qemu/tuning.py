"""A domain's share of the host: scheduler, memory, block and NUMA parameters, CPU statistics, performance events.

Of a running guest the control group tells (and takes) them; of a definition its own elements do.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, get_args

from pyvirtd.conf.domain.domain import DomainDef, EventName, PerfEvent
from pyvirtd.conf.domain.memory import UNLIMITED, Blkiotune, Memtune, NumaMemory, Numatune
from pyvirtd.conf.domain.vcpu import Cputune
from pyvirtd.conf.xml.types import format_cpuset, parse_cpuset
from pyvirtd.core.calls.change import change_both, change_live, impact, keep, seen, tried
from pyvirtd.core.domain import Domain
from pyvirtd.core.modifies import modifies, queries
from pyvirtd.core.params import known, whole
from pyvirtd.drivers.qemu.machine import Machine
from pyvirtd.drivers.qemu.noun import Noun, machine_of
from pyvirtd.drivers.qemu.pinning import emulator_threads, iothreads_of
from pyvirtd.errors import ConfigUnsupported, InvalidArg, OperationInvalid, OperationUnsupported
from pyvirtd.host.cgroup import Cgroup
from pyvirtd.host.cpus import present_cpus
from pyvirtd.protocol.calls import supports
from pyvirtd.protocol.constants.domain import DomainModificationImpact as Impact
from pyvirtd.protocol.constants.domain_fields import DomainBlkioField as Blkio
from pyvirtd.protocol.constants.domain_fields import DomainCpuStatsField as CpuField
from pyvirtd.protocol.constants.domain_fields import DomainMemoryField as Memory
from pyvirtd.protocol.constants.domain_fields import DomainNumaField as Numa
from pyvirtd.protocol.constants.domain_fields import DomainSchedulerField as Sched
from pyvirtd.protocol.remote.domain_tuning import DomainGetCpuStats, DomainGetSchedulerType
from pyvirtd.protocol.remote.events import DomainEventTunable
from pyvirtd.protocol.types import Int, LLong, ParamList, TypedParams, UInt, ULLong

_BOTH: Final = Impact.LIVE | Impact.CONFIG
_MODES: Final = ("strict", "preferred", "interleave", "restrictive")
_EVENTS: Final[tuple[EventName, ...]] = get_args(EventName)

# Parameter, field of <cputune>, group of threads (None: the guest's own group), whether it is the quota.
_BANDWIDTH: Final = (
    (Sched.VCPU_PERIOD, "period", "vcpu", False),
    (Sched.VCPU_QUOTA, "quota", "vcpu", True),
    (Sched.EMULATOR_PERIOD, "emulator_period", "emulator", False),
    (Sched.EMULATOR_QUOTA, "emulator_quota", "emulator", True),
    (Sched.GLOBAL_PERIOD, "global_period", None, False),
    (Sched.GLOBAL_QUOTA, "global_quota", None, True),
    (Sched.IOTHREAD_PERIOD, "iothread_period", "iothread", False),
    (Sched.IOTHREAD_QUOTA, "iothread_quota", "iothread", True),
)
_PERIODS: Final = (1000, 1_000_000)
_LEAST_QUOTA: Final = 1000
_MOST_QUOTA: Final = 17592186044415
_UNLIMITED_PERIOD: Final = 100_000

_LIMITS: Final = (
    (Memory.HARD_LIMIT, "hard_limit", "hard"),
    (Memory.SOFT_LIMIT, "soft_limit", "soft"),
    (Memory.SWAP_HARD_LIMIT, "swap_hard_limit", "swap"),
)
_DEVICE_FIELDS: Final = (
    (Blkio.DEVICE_WEIGHT, "weight"),
    (Blkio.DEVICE_READ_IOPS, "read_iops_sec"),
    (Blkio.DEVICE_WRITE_IOPS, "write_iops_sec"),
    (Blkio.DEVICE_READ_BPS, "read_bytes_sec"),
    (Blkio.DEVICE_WRITE_BPS, "write_bytes_sec"),
)


class TuningCalls(Noun):
    """See the module."""

    # Scheduler

    @queries
    def domain_get_scheduler_type(self, dom: Domain) -> DomainGetSchedulerType:
        self._privileged("CPU tuning")
        if dom.active:
            group_of(dom, "cpu")
        return DomainGetSchedulerType("posix", 1 + len(_BANDWIDTH))

    @supports(_BOTH)
    @queries
    def domain_get_scheduler_parameters_flags(self, dom: Domain, flags: int) -> TypedParams:
        self._privileged("CPU tuning")
        definition = seen(dom, flags)
        if definition is not dom.live:
            tune = definition.cputune or Cputune()
            out: TypedParams = {Sched.CPU_SHARES: ULLong(tune.shares or 0)}
            for name, field, _, is_quota in _BANDWIDTH:
                out[name] = (LLong if is_quota else ULLong)(getattr(tune, field) or 0)
            return out
        group = group_of(dom, "cpu")
        out = {Sched.CPU_SHARES: ULLong(group.cpu_shares())}
        tune = definition.cputune or Cputune()
        for name, field, threads, is_quota in _BANDWIDTH:
            if threads is None:
                value = group.cpu_bandwidth()[is_quota]
            else:
                # A group of its own is only made for threads that have a limit of their own.
                value = getattr(tune, field) or (-1 if is_quota else _UNLIMITED_PERIOD)
            out[name] = (LLong if is_quota else ULLong)(value)
        return out

    @supports(_BOTH)
    @modifies
    async def domain_set_scheduler_parameters_flags(self, dom: Domain, params: TypedParams, flags: int) -> None:
        self._privileged("CPU tuning")
        live, config = impact(dom, flags)
        wanted = _scheduler_values(params)
        kept = tried(dom, lambda definition: _set_cputune(definition, wanted)) if config else None
        if live:
            machine = machine_of(dom)
            group = group_of(dom, "cpu")
            await apply_scheduler(machine, group, wanted)
            await change_live(self.runtime, dom, lambda definition: _set_cputune(definition, wanted))
            told: TypedParams = {f"cputune.{name}": value for name, value in params.items()}
            if told:
                self.runtime.emit(DomainEventTunable(dom.ref, told))
        if kept is not None:
            await keep(self.runtime, dom, kept)

    # Memory

    @supports(_BOTH)
    @queries
    def domain_get_memory_parameters(self, dom: Domain, flags: int) -> TypedParams:
        self._privileged("memory tuning")
        definition = seen(dom, flags)
        if definition is not dom.live:
            tune = definition.memtune or Memtune()
            return {name: ULLong(UNLIMITED if (v := getattr(tune, field)) is None else v) for name, field, _ in _LIMITS}
        group = group_of(dom, "memory")
        out: TypedParams = {}
        for name, _, kind in _LIMITS:
            try:
                limit = group.memory_limit(kind)
            except OperationInvalid:
                # A kernel without swap accounting sets no limit either.
                if kind != "swap":
                    raise
                limit = None
            out[name] = ULLong(UNLIMITED if limit is None else limit >> 10)
        return out

    @supports(_BOTH)
    @modifies
    async def domain_set_memory_parameters(self, dom: Domain, params: TypedParams, flags: int) -> None:
        self._privileged("memory tuning")
        live, config = impact(dom, flags)
        wanted = {name: whole(params, name, ULLong) for name in known(params, [name for name, _, _ in _LIMITS])}

        def change(definition: DomainDef) -> None:
            tune = definition.memtune = definition.memtune or Memtune()
            for name, field, _ in _LIMITS:
                if name in wanted:
                    setattr(tune, field, wanted[name] if wanted[name] < UNLIMITED else None)
            hard, swap = tune.hard_limit, tune.swap_hard_limit
            if swap is not None and (hard is None or swap < hard):
                raise InvalidArg(f"swap_hard_limit counts memory too: {swap} KiB is less than the hard limit alone")

        kept = tried(dom, change) if config else None
        if live:
            change(dom.current.copy())
            group = group_of(dom, "memory")
            # Raising: memory with swap first; lowering: memory first. The kernel refuses the other order.
            for name, _, kind in sorted(_LIMITS, key=lambda limit: limit[2] != "swap"):
                if name in wanted:
                    value = wanted[name]
                    group.set_memory_limit(kind, None if value >= UNLIMITED else value << 10)
            await change_live(self.runtime, dom, change)
        if kept is not None:
            await keep(self.runtime, dom, kept)

    # Block devices of the host

    @supports(_BOTH)
    @queries
    def domain_get_blkio_parameters(self, dom: Domain, flags: int) -> TypedParams:
        self._privileged("block I/O tuning")
        definition = seen(dom, flags)
        tune = definition.blkiotune or Blkiotune()
        weight = int(tune.weight or 0)
        if definition is dom.live:
            weight = group_of(dom, "blkio").io_weight()
        out: TypedParams = {Blkio.WEIGHT: UInt(weight)}
        for name, field in _DEVICE_FIELDS:
            pairs = ((device.path, getattr(device, field)) for device in tune.devices)
            out[name] = ",".join(f"{path},{value}" for path, value in pairs if value)
        return out

    @supports(_BOTH)
    @modifies
    async def domain_set_blkio_parameters(self, dom: Domain, params: TypedParams, flags: int) -> None:
        self._privileged("block I/O tuning")
        live, config = impact(dom, flags)
        if set(params) - {Blkio.WEIGHT}:
            raise OperationUnsupported("limits of single host devices cannot be changed here; the weight can")
        weight = whole(params, Blkio.WEIGHT, UInt) if params else None
        if weight is None:
            return

        def change(definition: DomainDef) -> None:
            definition.blkiotune = definition.blkiotune or Blkiotune()
            definition.blkiotune.weight = weight

        if live:
            group_of(dom, "blkio").set_io_weight(weight)
        await change_both(self.runtime, dom, change, live=live, config=config)

    # NUMA

    @supports(_BOTH)
    @queries
    def domain_get_numa_parameters(self, dom: Domain, flags: int) -> TypedParams:
        memory = definition.memory if (definition := seen(dom, flags).numatune) is not None else None
        mode = _MODES.index(memory.mode) if memory is not None and memory.mode else 0
        nodes = memory.nodeset if memory is not None else None
        return {Numa.MODE: Int(mode), Numa.NODESET: format_cpuset(nodes) if nodes else ""}

    @supports(_BOTH)
    @modifies
    async def domain_set_numa_parameters(self, dom: Domain, params: TypedParams, flags: int) -> None:
        live, config = impact(dom, flags)
        known(params, (Numa.MODE, Numa.NODESET))
        mode = params.get(Numa.MODE)
        if mode is not None and (not isinstance(mode, int) or not 0 <= mode < len(_MODES)):
            raise InvalidArg(f"{Numa.MODE} is 0 to {len(_MODES) - 1}, not {mode!r}")
        nodes = _nodes(params.get(Numa.NODESET))

        def change(definition: DomainDef) -> None:
            tune = definition.numatune = definition.numatune or Numatune()
            tune.memory = tune.memory or NumaMemory(mode="strict")
            if isinstance(mode, int):
                tune.memory.mode = _MODES[mode]
            if nodes is not None:
                tune.memory.nodeset, tune.memory.placement = nodes, "static"

        kept = tried(dom, change) if config else None
        if live:
            now = dom.current.numatune.memory if dom.current.numatune is not None else None
            if mode is not None and mode != (_MODES.index(now.mode) if now is not None and now.mode else 0):
                raise OperationInvalid(f"{dom}: the NUMA mode of a running guest cannot change")
            if (now.mode if now is not None else "strict") not in ("strict", "restrictive", None):
                raise OperationInvalid(f"{dom}: only a strict or restrictive guest's memory can move to other nodes")
            if nodes is not None:
                group_of(dom, "cpuset").set_mems(format_cpuset(nodes), migrate=True)
            await change_live(self.runtime, dom, change)
        if kept is not None:
            await keep(self.runtime, dom, kept)

    # Statistics

    @queries
    def domain_get_cpu_stats(
        self, dom: Domain, nparams: int, start_cpu: int, ncpus: int, flags: int
    ) -> DomainGetCpuStats:
        group = group_of(dom, "cpuacct")
        if start_cpu == -1:
            if nparams == 0:
                return DomainGetCpuStats([], 3)
            total, user, system = group.cpu_usage()
            fields: ParamList = [
                (CpuField.CPUTIME, ULLong(total)),
                (CpuField.USERTIME, ULLong(user)),
                (CpuField.SYSTEMTIME, ULLong(system)),
            ]
            return DomainGetCpuStats(fields[:nparams], min(nparams, 3))
        if nparams == 0:
            return DomainGetCpuStats([], max(present_cpus()) + 1 if ncpus == 0 else 1)
        try:
            by_cpu = group.cpu_usage_by_cpu()
        except OperationInvalid as error:
            raise OperationUnsupported(f"{dom}: the kernel does not count its time by CPU: {error.message}") from error
        if start_cpu >= len(by_cpu):
            raise InvalidArg(f"there are {len(by_cpu)} CPUs, number {start_cpu} is none of them")
        chosen = by_cpu[start_cpu : start_cpu + ncpus]
        return DomainGetCpuStats([(CpuField.CPUTIME, ULLong(time)) for time in chosen], 1)

    # Performance events

    @supports(_BOTH)
    @queries
    def domain_get_perf_events(self, dom: Domain, flags: int) -> TypedParams:
        definition = seen(dom, flags)
        # None is ever counted in a running guest: see set.
        on = {event.name for event in definition.perf if event.enabled} if definition is not dom.live else set()
        return {name: name in on for name in _EVENTS}

    @supports(_BOTH)
    @modifies
    async def domain_set_perf_events(self, dom: Domain, params: TypedParams, flags: int) -> None:
        live, config = impact(dom, flags)
        known(params, _EVENTS)
        if live and any(params.values()):
            raise OperationUnsupported(f"{dom}: performance events of a running guest are not counted here")

        def change(definition: DomainDef) -> None:
            on = {event.name: event.enabled for event in definition.perf} | params
            definition.perf = [PerfEvent(name=name, enabled=bool(on[name])) for name in _EVENTS if name in on]

        if config:
            await keep(self.runtime, dom, tried(dom, change))

    def _privileged(self, what: str) -> None:
        if not self.runtime.context.privileged:
            raise OperationInvalid(f"{what} needs control groups, which a user's own daemon does not have")


def group_of(dom: Domain, controller: str) -> Cgroup:
    """The guest's control group. Raises OperationInvalid where there is none with that controller."""
    group = machine_of(dom).cgroup
    if group is None or not group.has(controller):
        raise OperationInvalid(f"{dom}: this host's control groups have no {controller} controller for it")
    return group


async def apply_limits(machine: Machine, live: DomainDef) -> None:
    """Set a starting guest's limits as its definition says. Raises OperationInvalid where the host cannot."""
    tune = live.cputune
    if tune is not None:
        wanted = {name: value for name, field, _, _ in _BANDWIDTH if (value := getattr(tune, field))}
        if tune.shares:
            wanted[Sched.CPU_SHARES] = tune.shares
        if wanted:
            await apply_scheduler(machine, group_of(machine.domain, "cpu"), wanted)
    if live.memtune is not None:
        for _, field, kind in _LIMITS:
            value = getattr(live.memtune, field)
            if value is not None:
                group_of(machine.domain, "memory").set_memory_limit(kind, value << 10)
    if live.blkiotune is not None and live.blkiotune.weight:
        group_of(machine.domain, "blkio").set_io_weight(live.blkiotune.weight)


async def apply_scheduler(machine: Machine, group: Cgroup, wanted: dict[str, int]) -> None:
    """Set shares, periods and quotas (by parameter name) of a guest's groups."""
    if Sched.CPU_SHARES in wanted:
        group.set_cpu_shares(wanted[Sched.CPU_SHARES])
    for threads in (None, "vcpu", "emulator", "iothread"):
        values: dict[bool, int] = {q: wanted[name] for name, _, t, q in _BANDWIDTH if t == threads and name in wanted}
        if not values:
            continue
        for target in [group] if threads is None else await _groups_of_threads(machine, group, threads):
            target.set_cpu_bandwidth(values.get(False) or None, values.get(True) or None)


async def _groups_of_threads(machine: Machine, group: Cgroup, kind: str) -> list[Cgroup]:
    """The groups of one kind of threads, made if need be, their threads in them."""
    if kind == "vcpu":
        members = {f"vcpu{number}": [thread] for number, thread in machine.vcpu_threads.items()}
    elif kind == "iothread":
        threads = iothreads_of(await machine.run("query-iothreads"))
        members = {f"iothread{number}": [thread] for number, thread in threads.items()}
    else:
        members = {"emulator": await emulator_threads(machine)}
    groups = []
    for name, threads_in in members.items():
        child = group.child(name)
        for thread in threads_in:
            try:
                child.add_thread(thread)
            except ProcessLookupError:
                continue
        groups.append(child)
    return groups


def _scheduler_values(params: TypedParams) -> dict[str, int]:
    wanted: dict[str, int] = {}
    quotas = {name for name, _, _, is_quota in _BANDWIDTH if is_quota}
    for name in known(params, (Sched.CPU_SHARES, *(name for name, *_ in _BANDWIDTH))):
        kind: Callable[[int], int] = LLong if name in quotas else ULLong
        value = wanted[name] = whole(params, name, kind)
        if name in quotas and value > 0 and not _LEAST_QUOTA <= value <= _MOST_QUOTA:
            raise InvalidArg(f"{name} is {_LEAST_QUOTA} to {_MOST_QUOTA} µs, or negative for none, not {value}")
        if name not in quotas and name != Sched.CPU_SHARES and value and not _PERIODS[0] <= value <= _PERIODS[1]:
            raise InvalidArg(f"{name} is {_PERIODS[0]} to {_PERIODS[1]} µs, not {value}")
        if name == Sched.CPU_SHARES and not 2 <= value <= 262144:
            raise InvalidArg(f"{name} is 2 to 262144, not {value}")
    return wanted


def _set_cputune(definition: DomainDef, wanted: dict[str, int]) -> None:
    tune = definition.cputune = definition.cputune or Cputune()
    if Sched.CPU_SHARES in wanted:
        tune.shares = wanted[Sched.CPU_SHARES]
    for name, field, _, _ in _BANDWIDTH:
        if wanted.get(name):
            setattr(tune, field, wanted[name])


def _nodes(value: Any) -> frozenset[int] | None:
    if value is None or value == "":
        return None
    try:
        return frozenset(parse_cpuset(str(value)))
    except ValueError:
        raise ConfigUnsupported(f"{Numa.NODESET} is a set of host nodes like 0-1, not {value!r}") from None
