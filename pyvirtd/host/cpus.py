"""The host's CPUs: which there are, how they sit together, and what they spent their time on.

Facts from /sys/devices/system/cpu and /proc/stat (proc(5), Documentation/admin-guide/cputopology.rst).
"""

from __future__ import annotations

import functools
import os
from typing import Final, NamedTuple

from pyvirtd.errors import InvalidArg
from pyvirtd.host.procfile import CLOCK_TICKS, NS, parse_cpulist, read_int, read_text, read_word

CPU_DIR: Final = "/sys/devices/system/cpu"
ALL_CPUS: Final = -1


class Cpu(NamedTuple):
    """One logical CPU; the ids of an offline one are None, for the kernel does not tell them."""

    id: int
    online: bool
    socket: int | None
    die: int | None
    core: int | None
    siblings: tuple[int, ...]


class CpuStats(NamedTuple):
    """Nanoseconds since boot; `kernel` has the interrupts in it, `user` the niced time."""

    kernel: int
    user: int
    idle: int
    iowait: int


class CpuMap(NamedTuple):
    """`bits` is little-endian, one bit a CPU number: set where it is online. `present` counts them all."""

    present: int
    online: int
    bits: bytes


def present_cpus() -> list[int]:
    """Numbers of the CPUs that are plugged in."""
    return parse_cpulist(read_word(f"{CPU_DIR}/present") or f"0-{(os.cpu_count() or 1) - 1}")


def online_cpus() -> list[int]:
    """Numbers of the CPUs that run."""
    return parse_cpulist(read_word(f"{CPU_DIR}/online") or f"0-{(os.cpu_count() or 1) - 1}")


def cpu_map() -> CpuMap:
    """Which CPUs there are and which of them run."""
    present, online = present_cpus(), online_cpus()
    bits = bytearray((max(present) + 8) // 8)
    for n in online:
        bits[n // 8] |= 1 << n % 8
    return CpuMap(max(present) + 1, len(online), bytes(bits))


def topology() -> tuple[Cpu, ...]:
    """All present CPUs by number. Reread only when CPUs came or went."""
    return _topology(tuple(present_cpus()), frozenset(online_cpus()))


@functools.lru_cache(maxsize=4)
def _topology(present: tuple[int, ...], online: frozenset[int]) -> tuple[Cpu, ...]:
    return tuple(_cpu(n, n in online) for n in present)


def _cpu(number: int, online: bool) -> Cpu:
    if not online:
        return Cpu(number, False, None, None, None, ())
    base = f"{CPU_DIR}/cpu{number}/topology"
    siblings = read_word(f"{base}/thread_siblings_list")
    return Cpu(
        number,
        True,
        max(read_int(f"{base}/physical_package_id") or 0, 0),
        max(read_int(f"{base}/die_id") or 0, 0),
        max(read_int(f"{base}/core_id") or 0, 0),
        tuple(parse_cpulist(siblings)) if siblings else (number,),
    )


def cpu_stats(cpu: int = ALL_CPUS) -> CpuStats:
    """Times of one CPU or, with ALL_CPUS, of all together. InvalidArg for a CPU that is not online."""
    wanted = "cpu" if cpu == ALL_CPUS else f"cpu{cpu}"
    for line in read_text("/proc/stat").splitlines():
        name, *values = line.split()
        if name == wanted:
            user, nice, system, idle, iowait, irq, softirq = (int(v) * NS // CLOCK_TICKS for v in values[:7])
            return CpuStats(system + irq + softirq, user + nice, idle, iowait)
        if not name.startswith("cpu"):
            break
    raise InvalidArg(f"there is no online CPU {cpu} on this host; online are {_online_text()}")


def _online_text() -> str:
    return read_word(f"{CPU_DIR}/online") or "those of /proc/stat"


class CacheBank(NamedTuple):
    """A cache that CPUs share: `type` is "both", "code" or "data"; `size` in KiB."""

    id: int
    level: int
    type: str
    size: int
    cpus: tuple[int, ...]


_CACHE_TYPES: Final = {"Unified": "both", "Instruction": "code", "Data": "data"}


@functools.lru_cache(maxsize=1)
def cache_banks(level: int = 3) -> tuple[CacheBank, ...]:
    """The caches of one level, by id; each once, however many CPUs share it."""
    banks: dict[tuple[int, str], CacheBank] = {}
    for number in online_cpus():
        base = f"{CPU_DIR}/cpu{number}/cache"
        for index in sorted(e for e in _listdir(base) if e.startswith("index")):
            if read_int(f"{base}/{index}/level") != level:
                continue
            kind = _CACHE_TYPES.get(read_word(f"{base}/{index}/type") or "")
            identity = read_int(f"{base}/{index}/id")
            size = (read_word(f"{base}/{index}/size") or "").removesuffix("K")
            if kind is None or identity is None or not size.isdigit():
                continue
            cpus = parse_cpulist(read_word(f"{base}/{index}/shared_cpu_list") or str(number))
            banks[identity, kind] = CacheBank(identity, level, kind, int(size), tuple(cpus))
    return tuple(banks[key] for key in sorted(banks))


def _listdir(path: str) -> list[str]:
    try:
        return os.listdir(path)
    except OSError:
        return []
