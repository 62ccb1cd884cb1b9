"""Control groups of guests, on version 1, version 2, a mix of both, or none.

A guest has one group per hierarchy, by the same path in each ("machine/qemu-3-web.libvirt-qemu"). What the host
doesn't have or doesn't permit is left out with a warning when the group is made; asking for a limit that needs it
then raises OperationInvalid, which is libvirt's answer to a controller that isn't mounted.

Facts: Documentation/admin-guide/cgroup-v1 and cgroup-v2.rst.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pyvirtd.errors import OperationInvalid
from pyvirtd.host.procfile import read_text

log = logging.getLogger(__name__)

CONTROLLERS: Final = ("cpu", "cpuacct", "cpuset", "memory", "devices", "freezer", "blkio", "pids")
"""What a guest's group wants to have. On version 2, blkio is io, cpuacct is part of cpu, freezer is always there."""

V2_NAMES: Final = {
    "cpu": "cpu",
    "cpuacct": "cpu",
    "cpuset": "cpuset",
    "memory": "memory",
    "blkio": "io",
    "pids": "pids",
}
V2_BUILT_IN: Final = ("freezer",)


@dataclass(frozen=True, slots=True)
class Hierarchies:
    """Where the host's control groups are: `v1` is controller to directory, `unified` the directory of version 2 or
    None, with the `v2` controllers that it has."""

    v1: Mapping[str, str]
    unified: str | None
    v2: frozenset[str]

    @property
    def any(self) -> bool:
        return bool(self.v1) or bool(self.unified and self.v2)


def detect(mountinfo: str = "/proc/self/mountinfo") -> Hierarchies:
    """What is mounted (proc(5), mountinfo). An unreadable table counts as none."""
    v1: dict[str, str] = {}
    unified: str | None = None
    try:
        lines = read_text(mountinfo).splitlines()
    except OSError:
        lines = []
    for line in lines:
        before, separator, after = line.partition(" - ")
        fields, tail = before.split(), after.split()
        if not separator or len(fields) < 5 or len(tail) < 3:
            continue
        point = fields[4].replace("\\040", " ")
        if tail[0] == "cgroup2":
            unified = unified or point
        elif tail[0] == "cgroup":
            for option in tail[2].split(","):
                if option in CONTROLLERS:
                    v1.setdefault(option, point)
    v2: frozenset[str] = frozenset()
    if unified is not None:
        with contextlib.suppress(OSError):
            v2 = frozenset(read_text(f"{unified}/cgroup.controllers").split())
    return Hierarchies(v1, unified, v2)


class Cgroup:
    """A guest's group. Make one with `create`, or `existing` for a guest that an earlier daemon started."""

    def __init__(self, path: str, directories: Mapping[str, str], v2: Iterable[str]) -> None:
        self.path = path
        self._directories = dict(directories)
        """Controller to this group's directory."""
        self._v2 = frozenset(v2)
        """The controllers that are version 2's."""

    @classmethod
    def create(cls, path: str, hierarchies: Hierarchies) -> Cgroup:
        """Make the group wherever the host permits. It has no controllers at all where there are no groups."""
        group = cls.existing(path, hierarchies, must_exist=False)
        refused: dict[str, str] = {}
        for controller, directory in list(group._directories.items()):
            try:
                if controller in group._v2:
                    assert hierarchies.unified is not None
                    _make_v2(hierarchies.unified, path)
                else:
                    _make_v1(hierarchies.v1[controller], path, controller)
            except OSError as e:
                refused[controller] = f"{directory}: {e.strerror}"
                del group._directories[controller]
        if refused:
            log.warning("guest group %s goes without %s", path, "; ".join(f"{c} ({why})" for c, why in refused.items()))
        elif not group._directories:
            log.warning("this host has no usable control groups; guest group %s has no limits or accounting", path)
        return group

    @classmethod
    def existing(cls, path: str, hierarchies: Hierarchies, *, must_exist: bool = True) -> Cgroup:
        """The group of a running guest: those of its directories that are there."""
        directories = {c: os.path.join(base, path) for c, base in hierarchies.v1.items()}
        v2 = set()
        if hierarchies.unified is not None and hierarchies.v2:
            for controller in CONTROLLERS:
                if controller in directories:
                    continue
                if V2_NAMES.get(controller) in hierarchies.v2 or controller in V2_BUILT_IN:
                    directories[controller] = os.path.join(hierarchies.unified, path)
                    v2.add(controller)
        if must_exist:
            directories = {c: d for c, d in directories.items() if os.path.isdir(d)}
        return cls(path, directories, v2 & directories.keys())

    @property
    def controllers(self) -> frozenset[str]:
        return frozenset(self._directories)

    def has(self, controller: str) -> bool:
        return controller in self._directories

    def child(self, name: str) -> Cgroup:
        """A group for some of the guest's threads ("emulator", "vcpu0"), made if need be; CPU controllers only."""
        directories = {}
        for controller in ("cpu", "cpuacct", "cpuset"):
            base = self._directories.get(controller)
            if base is None:
                continue
            try:
                if controller in self._v2:
                    _make_threaded(base, name)
                else:
                    _make_v1(base, name, controller)
                directories[controller] = os.path.join(base, name)
            except OSError as e:
                log.warning("group %s/%s goes without %s: %s", self.path, name, controller, e.strerror)
        return Cgroup(f"{self.path}/{name}", directories, self._v2 & directories.keys())

    # -- members ------------------------------------------------------------------------------------------------

    def add(self, pid: int) -> None:
        """Put a process with all its threads in the group. ProcessLookupError when it has ended."""
        self._enter("cgroup.procs", pid)

    def add_thread(self, tid: int) -> None:
        """Put one thread in the group. ProcessLookupError when it has ended."""
        self._enter(None, tid)

    def _enter(self, file: str | None, number: int) -> None:
        for directory in dict.fromkeys(self._directories.values()):
            v2 = any(self._directories[c] == directory for c in self._v2)
            name = file or ("cgroup.threads" if v2 else "tasks")
            try:
                _write(f"{directory}/{name}", str(number))
            except ProcessLookupError:
                raise
            except OSError as e:
                log.warning("cannot put %d in group %s: %s", number, directory, e.strerror)

    def pids(self) -> list[int]:
        """The processes in the group."""
        found: set[int] = set()
        for directory in set(self._directories.values()):
            with contextlib.suppress(OSError):
                found.update(int(line) for line in read_text(f"{directory}/cgroup.procs").split())
        return sorted(found)

    def remove(self, patience: float = 0.1) -> None:
        """Remove the group and its children; its processes must have ended. What stays is logged, not raised.

        The kernel may count an ended process as a member for some more milliseconds.
        """
        deadline = time.monotonic() + patience
        for directory in dict.fromkeys(self._directories.values()):
            while True:
                try:
                    _remove_tree(directory)
                except FileNotFoundError:
                    break
                except OSError as e:
                    if e.errno == errno.EBUSY and time.monotonic() < deadline:
                        time.sleep(0.005)
                        continue
                    log.warning("cannot remove group %s: %s", directory, e.strerror)
                break

    # -- limits and figures -------------------------------------------------------------------------------------

    def cpu_shares(self) -> int:
        """Weight among groups, on version 1's scale (1024 is ordinary) or version 2's (100 is)."""
        return self._read_int("cpu", "cpu.shares", "cpu.weight")

    def set_cpu_shares(self, value: int) -> None:
        self._set("cpu", "cpu.shares", "cpu.weight", str(value))

    def cpu_bandwidth(self) -> tuple[int, int]:
        """(period, quota) in microseconds; quota -1 is no limit."""
        if "cpu" in self._v2:
            quota, period = self._read("cpu", "", "cpu.max").split()
            return int(period), -1 if quota == "max" else int(quota)
        return (
            self._read_int("cpu", "cpu.cfs_period_us", ""),
            self._read_int("cpu", "cpu.cfs_quota_us", ""),
        )

    def set_cpu_bandwidth(self, period: int | None, quota: int | None) -> None:
        """Set one or both; None leaves a value as it is."""
        if "cpu" in self._v2:
            now_period, now_quota = self.cpu_bandwidth()
            quota = now_quota if quota is None else quota
            self._set("cpu", "", "cpu.max", f"{'max' if quota < 0 else quota} {period or now_period}")
            return
        if period is not None:
            self._set("cpu", "cpu.cfs_period_us", "", str(period))
        if quota is not None:
            self._set("cpu", "cpu.cfs_quota_us", "", str(quota))

    def cpu_usage(self) -> tuple[int, int, int]:
        """(all, user, system) nanoseconds that the group has run."""
        if "cpuacct" in self._v2:
            values = dict(line.split() for line in self._read("cpuacct", "", "cpu.stat").splitlines())
            usage, user, system = (int(values[k]) * 1000 for k in ("usage_usec", "user_usec", "system_usec"))
            return usage, user, system
        return (
            self._read_int("cpuacct", "cpuacct.usage", ""),
            self._read_int("cpuacct", "cpuacct.usage_user", ""),
            self._read_int("cpuacct", "cpuacct.usage_sys", ""),
        )

    def cpu_usage_by_cpu(self) -> list[int]:
        """Nanoseconds by CPU. OperationInvalid on version 2, which doesn't tell."""
        return [int(word) for word in self._read("cpuacct", "cpuacct.usage_percpu", "").split()]

    def cpus(self) -> str:
        """The CPUs the group may use, in the kernel's list format; empty: as its parent."""
        return self._read("cpuset", "cpuset.cpus", "cpuset.cpus")

    def set_cpus(self, cpulist: str) -> None:
        self._set("cpuset", "cpuset.cpus", "cpuset.cpus", cpulist)

    def mems(self) -> str:
        """The NUMA cells the group may allocate from, in the kernel's list format."""
        return self._read("cpuset", "cpuset.mems", "cpuset.mems")

    def set_mems(self, cells: str, *, migrate: bool = False) -> None:
        """With `migrate`, memory in use moves along."""
        if migrate and "cpuset" not in self._v2:
            self._set("cpuset", "cpuset.memory_migrate", "", "1")
        self._set("cpuset", "cpuset.mems", "cpuset.mems", cells)

    def memory_limit(self, kind: str = "hard") -> int | None:
        """Bytes; None is no limit. `kind`: "hard", "soft", "swap" (memory and swap together on version 1)."""
        text = self._read("memory", *_MEMORY_FILES[kind])
        # Version 1 says "no limit" as the largest number of whole pages.
        return None if text == "max" or int(text) >= 1 << 62 else int(text)

    def set_memory_limit(self, kind: str, value: int | None) -> None:
        unlimited = "max" if "memory" in self._v2 else "-1"
        self._set("memory", *_MEMORY_FILES[kind], unlimited if value is None else str(value))

    def memory_usage(self) -> int:
        """Bytes in use."""
        return self._read_int("memory", "memory.usage_in_bytes", "memory.current")

    def io_weight(self) -> int:
        text = self._read("blkio", "blkio.bfq.weight", "io.bfq.weight")
        return int(text.split()[-1])

    def set_io_weight(self, value: int) -> None:
        self._set("blkio", "blkio.bfq.weight", "io.bfq.weight", str(value))

    def set_io_limit(self, device: tuple[int, int], kind: str, value: int) -> None:
        """Throttle a block device (major, minor); `kind`: "rbps", "wbps", "riops", "wiops"; 0 is no limit."""
        key = f"{device[0]}:{device[1]}"
        v1 = {
            "rbps": "blkio.throttle.read_bps_device",
            "wbps": "blkio.throttle.write_bps_device",
            "riops": "blkio.throttle.read_iops_device",
            "wiops": "blkio.throttle.write_iops_device",
        }[kind]
        text = f"{key} {kind}={value or 'max'}" if "blkio" in self._v2 else f"{key} {value}"
        self._set("blkio", v1, "io.max", text)

    def restrict_devices(self, allowed: Sequence[str]) -> None:
        """Let the group open no devices but `allowed` (version 1's notation: "c 10:232 rw"). Version 2 needs a BPF
        program for that, which this daemon doesn't load: OperationInvalid there."""
        self._set("devices", "devices.deny", "", "a")
        for rule in allowed:
            self._set("devices", "devices.allow", "", rule)

    def freeze(self, frozen: bool) -> None:
        """Stop all of the group's threads, or let them go on."""
        if "freezer" in self._v2:
            self._set("freezer", "", "cgroup.freeze", "1" if frozen else "0")
        else:
            self._set("freezer", "freezer.state", "", "FROZEN" if frozen else "THAWED")

    # -- files --------------------------------------------------------------------------------------------------

    def _file(self, controller: str, v1: str, v2: str) -> str:
        directory = self._directories.get(controller)
        name = v2 if controller in self._v2 else v1
        if directory is None or not name:
            raise OperationInvalid(f"this host has no {controller} controller to do that with for group {self.path}")
        return f"{directory}/{name}"

    def _read(self, controller: str, v1: str, v2: str) -> str:
        path = self._file(controller, v1, v2)
        try:
            return read_text(path).strip()
        except OSError as e:
            raise OperationInvalid(f"cannot read {path}: {e.strerror}") from e

    def _read_int(self, controller: str, v1: str, v2: str) -> int:
        return int(self._read(controller, v1, v2))

    def _set(self, controller: str, v1: str, v2: str, value: str) -> None:
        path = self._file(controller, v1, v2)
        try:
            _write(path, value)
        except OSError as e:
            raise OperationInvalid(f"the kernel refused {value!r} for {path}: {e.strerror}") from e


_MEMORY_FILES: Final = {
    "hard": ("memory.limit_in_bytes", "memory.max"),
    "soft": ("memory.soft_limit_in_bytes", "memory.high"),
    "swap": ("memory.memsw.limit_in_bytes", "memory.swap.max"),
}


def _write(path: str, value: str) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(fd, value.encode())
    finally:
        os.close(fd)


def _make_v1(base: str, path: str, controller: str) -> None:
    """Make each directory on the way; a new cpuset is useless until it has CPUs and cells, so it takes its parent's."""
    directory = base
    for part in path.split("/"):
        parent, directory = directory, f"{directory}/{part}"
        with contextlib.suppress(FileExistsError):
            os.mkdir(directory)
        if controller == "cpuset":
            for name in ("cpuset.cpus", "cpuset.mems"):
                if not read_text(f"{directory}/{name}").strip():
                    _write(f"{directory}/{name}", read_text(f"{parent}/{name}").strip())


def _make_v2(base: str, path: str) -> None:
    """Make each directory on the way, and give its controllers on from parent to child."""
    directory = base
    for part in path.split("/"):
        available = read_text(f"{directory}/cgroup.controllers").split()
        enabled = read_text(f"{directory}/cgroup.subtree_control").split()
        for controller in sorted(set(V2_NAMES.values()) & set(available) - set(enabled)):
            try:
                _write(f"{directory}/cgroup.subtree_control", f"+{controller}")
            except OSError as e:
                log.warning("cannot pass the %s controller on below %s: %s", controller, directory, e.strerror)
        directory = f"{directory}/{part}"
        with contextlib.suppress(FileExistsError):
            os.mkdir(directory)


def _make_threaded(base: str, name: str) -> None:
    """Make a child for threads: threaded, with the CPU controllers."""
    directory = f"{base}/{name}"
    with contextlib.suppress(FileExistsError):
        os.mkdir(directory)
    _write(f"{directory}/cgroup.type", "threaded")
    for controller in ("cpu", "cpuset"):
        if controller in read_text(f"{base}/cgroup.controllers").split():
            _write(f"{base}/cgroup.subtree_control", f"+{controller}")


def _remove_tree(directory: str) -> None:
    with os.scandir(directory) as entries:
        children = [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
    for child in children:
        with contextlib.suppress(FileNotFoundError):
            _remove_tree(child)
    os.rmdir(directory)
