"""After the daemon was started anew: finding the running guests again, and learning what happened meanwhile.

What can be known without asking QEMU (does the process run? did it end?) is settled before anything listens. Asking
QEMU is bounded: all guests are asked at once, and those that have not answered in time - their process may be
stopped - are shown in the state they were last known in, until they answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import shutil
import signal
import uuid as uuids
from pathlib import Path
from typing import Any, Final, NamedTuple

from pyvirtd.core import tasks
from pyvirtd.core.domain import Domain
from pyvirtd.core.identity import uuid_of
from pyvirtd.core.lifecycle import State
from pyvirtd.drivers.qemu import qmp_events
from pyvirtd.drivers.qemu.helpers import MARK as HELPER_MARK
from pyvirtd.drivers.qemu.hotplug.unplug import follow_removals
from pyvirtd.drivers.qemu.launch import MARK, vcpu_threads
from pyvirtd.drivers.qemu.machine import AGENT_CHANNEL, Machine
from pyvirtd.drivers.qemu.outlets import NOTE as SOCKETS
from pyvirtd.drivers.qemu.outlets import remove_noted as remove_noted_sockets
from pyvirtd.drivers.qemu.ownership import NOTE
from pyvirtd.drivers.qemu.pipeline import named
from pyvirtd.drivers.qemu.plugs import NOTE as MACVTAPS
from pyvirtd.drivers.qemu.plugs import remove_noted
from pyvirtd.drivers.qemu.runtime import Runtime
from pyvirtd.drivers.qemu.status import Status
from pyvirtd.errors import VirtError
from pyvirtd.host.cgroup import Cgroup
from pyvirtd.host.process import Process, ProcessGone, ProcessId
from pyvirtd.host.procfile import process_start_time
from pyvirtd.store.aside import set_aside
from pyvirtd.store.atomic import in_background, sweep

log = logging.getLogger(__name__)

PATIENCE: Final = 1.0
"""Seconds that all guests together get to answer before the daemon listens."""
KEEP_EVENTS: Final = 60.0
"""Seconds for which clients that register still get the events of what happened meanwhile."""

_MEANWHILE: Final = {
    "paused": "suspend-elsewhere", "io-error": "io-error", "watchdog": "watchdog-pause", "guest-panicked": "panic",
    "suspended": "pm-suspend", "shutdown": "guest-shutdown", "internal-error": "suspend-elsewhere",
    "save-vm": "suspend-elsewhere", "debug": "suspend-elsewhere", "running": "resume",
}  # fmt: skip
"""QEMU's run state to the transition that must have happened."""
_SETTLED: Final = {
    "running": (State.RUNNING, State.BLOCKED), "paused": (State.PAUSED,), "io-error": (State.PAUSED,),
    "watchdog": (State.PAUSED,), "guest-panicked": (State.CRASHED, State.PAUSED), "suspended": (State.PMSUSPENDED,),
    "shutdown": (State.SHUTDOWN,), "internal-error": (State.PAUSED,), "save-vm": (State.PAUSED,),
    "debug": (State.PAUSED,),
}  # fmt: skip


async def reattach_all(runtime: Runtime) -> None:
    """Bring back every guest with a status file; end what was being started when the last daemon was killed."""
    damaged: list[str] = []
    machines = [machine for status in runtime.status.load(damaged) if (machine := _recall(runtime, status))]
    known = {machine.run_dir for machine in machines}
    strays = [stray for stray in await in_background(marked_processes, runtime.run_dir) if stray.directory not in known]
    for stray in list(strays):
        machine = _rescue(runtime, stray, damaged)
        if machine is not None:
            machines.append(machine)
            known.add(machine.run_dir)
            strays.remove(stray)
    helpers = await in_background(marked_processes, runtime.run_dir, HELPER_MARK)
    strays += [helper for helper in helpers if helper.directory not in known]
    if runtime.run_dir.is_dir():
        for entry in await in_background(list, runtime.run_dir.glob(f"*/{MACVTAPS}")):
            if entry.parent not in known:
                await remove_noted(entry.parent)
        for entry in await in_background(list, runtime.run_dir.glob(f"*/{SOCKETS}")):
            if entry.parent not in known:
                await in_background(remove_noted_sockets, entry.parent)
    await in_background(_sweep, runtime, strays, known)
    if machines:
        pending = [tasks.spawn(_catch_up(machine), name=f"reattaching {machine}") for machine in machines]
        await asyncio.wait(pending, timeout=PATIENCE)
        runtime.context.inhibit(bool(runtime.domains.active))


def _rescue(runtime: Runtime, stray: Stray, damaged: list[str]) -> Machine | None:
    """A running guest whose status file was damaged: what is missing comes from its process and its definition."""
    try:
        domain = runtime.domains.by_uuid(stray.uuid)
        if runtime.status.file(domain.name).name not in damaged or domain.active:
            return None
        live = named(domain.definition.copy())
        identity = ProcessId(stray.pid, process_start_time(stray.pid))
        id = int(stray.directory.name.partition("-")[0])
    except (VirtError, OSError, ValueError) as error:
        log.error("the guest in %s cannot be taken back: %s", stray.directory, error)
        return None
    log.warning("%s: its status file was damaged; taking it back by its process %d", domain, stray.pid)
    live.id = id
    lent = runtime.ownership.noted(stray.directory)
    return _recall(runtime, Status(live, State.RUNNING, 0, id, identity, stray.directory, lent=lent))


def _recall(runtime: Runtime, status: Status) -> Machine | None:
    """The machine of a status file, active in the registry; its process may have ended meanwhile."""
    name, number = status.definition.name, uuid_of(status.definition)
    try:
        domain = runtime.domains.check(name, number)
        if domain is None:
            domain = Domain(name, number, runtime.definitions)
            runtime.domains.add(domain)
        elif domain.active:
            raise VirtError(f"domain '{name}' has two status files")
    except VirtError as error:
        set_aside(runtime.status.file(name), error.message)
        return None
    machine = Machine(domain, runtime, status.run_dir)
    machine.autodestroy, machine.fake_reboot = "autodestroy" in status.flags, "fake-reboot" in status.flags
    machine.vcpu_threads, machine.open_channels = status.vcpus, status.channels
    machine.lent, machine.started_at = status.lent, status.since
    for helper in status.helpers:
        with contextlib.suppress(ProcessGone):
            machine.helpers.append(Process.attach(helper))
    machine.log.start, machine.keep = status.log_start, KEEP_EVENTS
    domain.machine, domain.taints = machine, frozenset(status.taints)
    domain.state, domain.reason = status.state, status.reason
    domain.set_live(status.definition)
    runtime.domains.activate(domain, status.id)
    if runtime.hierarchies.any:
        path = runtime.cgroup_path(status.id, name, status.definition.partition)
        machine.cgroup = Cgroup.existing(path, runtime.hierarchies)
    try:
        machine.process = Process.attach(status.process)
    except ProcessGone:
        machine.process = None
    return machine


async def _catch_up(machine: Machine) -> None:
    """Ask QEMU how it is, or settle its end."""
    if machine.process is None or machine.process.poll():
        async with machine.domain.job.hold("the end of the guest"):
            await machine.finish()
        return
    machine.watch()
    if machine.autodestroy:
        # The connection that it was to end with ended with the last daemon.
        await machine.stop("destroyed")
        return
    try:
        async with machine.domain.job.hold("reattaching"):
            # A guest that is stopped may stay so for long: it is waited for as long as it lives.
            await machine.connect(_FOR_EVER)
            status, cpus, ports, balloon = await asyncio.gather(
                machine.run("query-status"), machine.run("query-cpus-fast"), machine.run("query-chardev"),
                _balloon(machine),
            )
            _follow(machine, str(status.get("status")) if isinstance(status, dict) else "")
            machine.vcpu_threads = vcpu_threads(cpus)
            await follow_removals(machine)
            _follow_channels(machine, ports)
            if balloon is not None:
                machine.balloon_is(balloon)
    except VirtError as error:
        log.warning("%s", error.message)
        await _without_monitor(machine)
    finally:
        # The end of one that is ending happened while no daemon ran, too.
        if machine.monitor is not None and machine.domain.state not in _ENDING and machine.ending is None:
            machine.keep = 0.0


async def _without_monitor(machine: Machine) -> None:
    """Its monitor is closed. Mostly that is because it is ending; if not, nobody can control it any more, and it
    would be in the way of its own restart."""
    if machine.process is None or machine.monitor is not None:
        return
    try:
        await machine.process.wait(_ENDS_WITHIN)
    except TimeoutError:
        machine.ending = "lost"
        await machine.end_process()
    await asyncio.shield(machine.finished)


_ENDING: Final = (State.SHUTDOWN, State.CRASHED, State.SHUTOFF)
_ENDS_WITHIN: Final = 5.0
_FOR_EVER: Final = 7 * 24 * 3600.0


async def _balloon(machine: Machine) -> int | None:
    """KiB, or None where there is no balloon."""
    try:
        reply = await machine.run("query-balloon")
    except VirtError:
        return None
    actual = reply.get("actual") if isinstance(reply, dict) else None
    return actual >> 10 if isinstance(actual, int) and 0 <= actual < 1 << 62 else None


def _follow(machine: Machine, now: str) -> None:
    """Take the domain through what must have happened since its status was written."""
    domain = machine.domain
    if domain.state in _SETTLED.get(now, (domain.state,)):
        return
    log.info("%s was %s and is %s now", machine, domain.state.name.lower(), now)
    if now == "guest-panicked":
        # What is to become of it is the definition's on_crash, now as it would have been then.
        qmp_events.handle(machine, "GUEST_PANICKED", {}, (-1, -1))
        return
    if now == "shutdown":
        if machine.fake_reboot:
            qmp_events.handle(machine, "SHUTDOWN", {"guest": True}, (-1, -1))
            return
        tasks.spawn(machine.end_process(), name=f"shutdown of {machine}")
    machine.runtime.move(machine, _MEANWHILE[now])


def _follow_channels(machine: Machine, reply: Any) -> None:
    """Which channels the guest has open, and with that whether its agent is there."""
    if not isinstance(reply, list):
        return
    opened = {
        str(entry.get("label", "")).removeprefix("char")
        for entry in reply
        if isinstance(entry, dict) and entry.get("frontend-open") is True
    }
    for channel in machine.domain.current.devices.channels:
        if channel.target_type != "virtio" or not channel.alias:
            continue
        is_open = channel.alias in opened
        if is_open != (channel.alias in machine.open_channels) or (is_open and channel.name == AGENT_CHANNEL):
            machine.channel_changed(channel.alias, is_open)


class Stray(NamedTuple):
    """A process that carries our mark."""

    pid: int
    uuid: bytes
    directory: Path


def _sweep(runtime: Runtime, strays: list[Stray], known: set[Path]) -> None:
    """End guests whose start the last daemon did not live to finish, and remove the directories they leave."""
    for stray in strays:
        log.warning(
            "ending process %d of a guest in %s that was being started when the daemon ended",
            stray.pid, stray.directory,
        )
        with contextlib.suppress(OSError):
            fd = os.pidfd_open(stray.pid)
            try:
                signal.pidfd_send_signal(fd, signal.SIGKILL)
            finally:
                os.close(fd)
    names = {directory.name for directory in known}
    for note in runtime.run_dir.glob(f"*{NOTE}"):
        directory = note.with_name(note.name.removesuffix(NOTE))
        if directory.name not in names:
            log.info("giving back what was lent to the guest of %s", directory)
            runtime.ownership.give_back(runtime.ownership.noted(directory), directory)
    if runtime.nvram_dir.is_dir():
        sweep(runtime.nvram_dir)
    for parent in (runtime.run_dir, *runtime.guest_parents):
        if not parent.is_dir():
            continue
        for entry in parent.iterdir():
            if entry.name not in names and entry.name.partition("-")[0].isdigit() and entry.is_dir():
                shutil.rmtree(entry, ignore_errors=True)


def marked_processes(run_dir: Path, mark: str = MARK) -> list[Stray]:
    """Processes that carry our mark for a directory below `run_dir`."""
    found = []
    prefix = f"{mark}=".encode()
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/environ", "rb") as file:
                variables = file.read(65536).split(b"\0")
        except OSError:
            continue
        for variable in variables:
            uuid, colon, path = variable.removeprefix(prefix).partition(b":")
            directory = Path(os.fsdecode(path))
            if variable.startswith(prefix) and colon and directory.parent == run_dir:
                with contextlib.suppress(ValueError):
                    found.append(Stray(int(name), uuids.UUID(uuid.decode("ascii", "replace")).bytes, directory))
    return found
