"""A running guest: its process, its monitor, and how it ends.

A `Machine` exists from the moment QEMU is executed (or found again) until the guest's end has been cleaned up. However
the end comes about - the guest shut down, somebody destroyed it, QEMU crashed - it goes one way: the process ends, the
watcher takes the domain's job, cleans up, moves the domain to its next state and tells the clients. Whoever ends a
guest says why in `ending`, ends the process and awaits `finished`; nobody needs the job for that, so a guest whose
monitor hangs while a call waits for it can always be destroyed.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import os
import shutil
import signal
import socket
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pyvirtd.core import tasks
from pyvirtd.core.domain import Domain
from pyvirtd.core.jobs import JobKind
from pyvirtd.core.lifecycle import State
from pyvirtd.core.summary import summary
from pyvirtd.drivers.qemu import qmp_events
from pyvirtd.drivers.qemu.agent import Agent
from pyvirtd.drivers.qemu.guestlog import GuestLog
from pyvirtd.drivers.qemu.helpers import end_helpers, forget_tpm
from pyvirtd.drivers.qemu.monitor import Monitor, MonitorLost
from pyvirtd.drivers.qemu.outlets import remove_outlets
from pyvirtd.drivers.qemu.plugs import pull_out
from pyvirtd.errors import OperationFailed, OperationInvalid, OperationTimeout
from pyvirtd.host.cgroup import Cgroup
from pyvirtd.host.process import Process
from pyvirtd.protocol.remote.events import DomainEventAgentLifecycle, DomainEventChannelLifecycle
from pyvirtd.store.atomic import in_background
from pyvirtd.store.steps import reach

if TYPE_CHECKING:
    from pyvirtd.drivers.qemu.runtime import Runtime

log = logging.getLogger(__name__)

GRACE: Final = 10.0
"""Seconds between SIGTERM and SIGKILL: QEMU writes its disks' caches out."""

AGENT_CHANNEL: Final = "org.qemu.guest_agent.0"
MONITOR_SOCKET: Final = "monitor.sock"


class Machine:
    """See the module. `run_dir` holds the monitor's socket and whatever else lives as long as the guest."""

    def __init__(self, domain: Domain, runtime: Runtime, run_dir: Path) -> None:
        self.domain, self.runtime, self.run_dir = domain, runtime, run_dir
        self.process: Process | None = None
        self.log = GuestLog(runtime.log_dir, domain.name)
        self.monitor: Monitor | None = None
        self.agent: Agent | None = None
        self.ending: str | None = None
        """The transition that the guest's end will be; None: what its state suggests."""
        self.fake_reboot = False
        """The next shutdown of the guest is a reboot that a client asked for."""
        self.autodestroy = False
        self.silent = False
        """Clients never heard that it was being started, so they do not hear of its end."""
        self.pause_as: str | None = None
        """The transition that QEMU's next STOP will be; None: nobody here asked for it."""
        self.resume_as: str | None = None
        """The same for its next RESUME."""
        self.io_errors: dict[str, str] = {}
        """Disks that stopped the guest by an error, and what error."""
        self.listeners: dict[str, list[Callable[[Mapping[str, Any]], None]]] = {}
        """Who else wants QEMU's events of a name; see `listen`."""
        self.vcpu_threads: dict[int, int] = {}
        """Thread ids of its vCPUs, by vCPU number."""
        self.lent: list[str] = []
        """Files that were made its user's for as long as it runs."""
        self.helpers: list[Process] = []
        """Programs that run beside it: swtpm, virtiofsd, passt."""
        self.cgroup: Cgroup | None = None
        self.open_channels: set[str] = set()
        """Aliases of the channels whose guest end is open."""
        self.started_at = 0.0
        self.keep = 0.0
        """Seconds for which events are kept for clients that register later: after finding the guest again."""
        self.facts: dict[str, Any] = {}
        """What nouns remember about this run (the last balloon statistics, ...); nothing that must survive."""
        self.finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.starting = False
        """Until the start is announced; what QEMU reports meanwhile waits, since clients know of no guest yet."""
        self._early: list[tuple[str, Mapping[str, Any], tuple[int, int]]] = []
        self.writing = asyncio.Lock()
        """Held while the status file is written, or removed for good."""
        self._watcher: asyncio.Task[None] | None = None
        self._saving: asyncio.Task[None] | None = None
        self._save_again = False

    def __str__(self) -> str:
        return str(self.domain)

    @property
    def pid(self) -> int:
        """Of QEMU. Raises OperationInvalid before it was executed."""
        if self.process is None:
            raise OperationInvalid(f"{self} has no process yet")
        return self.process.pid

    # The monitor

    async def connect(self, timeout: float) -> None:
        """Greet the monitor on the socket in `run_dir`. Raises MonitorLost, OperationTimeout."""
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
        try:
            _connect(sock, self.run_dir)
        except OSError as error:
            sock.close()
            raise MonitorLost(f"{self}: nobody listens on its monitor: {error.strerror}") from error
        monitor = Monitor(
            str(self), on_event=self._on_event, on_lost=self._on_lost,
            reply_timeout=self.runtime.settings.monitor_timeout,
        )
        await monitor.connect(sock, timeout)
        self.monitor = monitor

    async def run(self, command: str, arguments: Mapping[str, Any] | None = None, /, **more: Any) -> Any:
        """A monitor command; see `Monitor.run`. For holders of the domain's job."""
        return await self.live_monitor().run(command, arguments, **more)

    def live_monitor(self) -> Monitor:
        """The monitor. Raises OperationFailed while it is not connected (just reattached, and QEMU hangs)."""
        if self.monitor is None or self.monitor.closed:
            raise OperationFailed(f"{self}: QEMU's monitor does not answer")
        return self.monitor

    async def human(self, line: str) -> str:
        """Run a command of the human monitor; what it printed."""
        return str(await self.run("human-monitor-command", {"command-line": line}))

    def listen(self, event: str, callback: Callable[[Mapping[str, Any]], None]) -> Callable[[], None]:
        """Call it with the data of each such event of QEMU; returns what ends that."""
        callbacks = self.listeners.setdefault(event, [])
        callbacks.append(callback)
        return lambda: callbacks.remove(callback) if callback in callbacks else None

    def _on_event(self, name: str, data: Mapping[str, Any], stamp: tuple[int, int]) -> None:
        if self.starting:
            # A reset before the CPUs have run belongs to the start; it is no reboot.
            if name != "RESET" or self.domain.state is not State.PAUSED:
                self._early.append((name, data, stamp))
        else:
            qmp_events.handle(self, name, data, stamp)

    def started(self) -> None:
        """The start has been announced: what QEMU reported meanwhile counts from here on."""
        self.starting = False
        early, self._early = self._early, []
        for event in early:
            qmp_events.handle(self, *event)

    def _on_lost(self) -> None:
        tasks.spawn(self._without_monitor(), name=f"monitor of {self} lost")

    async def _without_monitor(self) -> None:
        """A QEMU that closed its monitor is ending. One that goes on all the same cannot be controlled any more."""
        if self.process is None:
            return
        try:
            await self.process.wait(GRACE)
        except TimeoutError:
            log.warning("%s: QEMU closed its monitor but did not end: ending it", self)
            self.process.send_signal(signal.SIGKILL)

    # What the guest reports about its devices

    def device(self, kind: str, alias: str) -> Any:
        """The live device of that alias in that list of <devices>, or None."""
        live = self.domain.live
        if live is None or not alias:
            return None
        return next((device for device in getattr(live.devices, kind) if device.alias == alias), None)

    def live_changed(self) -> None:
        """A fact that the live definition shows has changed: dumps and the status file follow."""
        self.domain.live_changed()
        self.save_soon()

    def balloon_is(self, kib: int) -> None:
        """The guest's memory without the balloon's."""
        live = self.domain.live
        if live is not None and live.current_memory != kib:
            live.current_memory = kib
            self.live_changed()

    def channel_changed(self, alias: str, is_open: bool) -> None:
        """The guest opened or closed its end of a channel."""
        channel = self.device("channels", alias)
        if channel is None:
            return
        channel.state = "connected" if is_open else "disconnected"
        (self.open_channels.add if is_open else self.open_channels.discard)(alias)
        self.live_changed()
        if channel.name == AGENT_CHANNEL:
            self.agent_changed(channel, is_open, reason=2)
        else:
            ref = self.domain.ref
            self.runtime.emit(DomainEventChannelLifecycle(ref, str(channel.name or ""), 1 if is_open else 2, 2))

    def agent_changed(self, channel: Any, is_open: bool, *, reason: int) -> None:
        """The guest agent came or went. `reason`: 1 the guest was started, 2 the channel changed."""
        if self.agent is not None:
            self.agent.close()
            self.agent = None
        source = channel.backend.source
        if is_open and source is not None and source.path:
            self.agent = Agent(str(self), source.path, handshake_timeout=self.runtime.settings.agent_timeout)
        self.runtime.emit(DomainEventAgentLifecycle(self.domain.ref, 1 if is_open else 2, reason))

    def agent_reset(self) -> None:
        """The guest was reset: its agent's answers on the way are lost."""
        if self.agent is not None:
            self.agent.desync()

    # Its end

    def watch(self) -> None:
        """Look after the process's end; for whoever made or found the process."""
        self._watcher = tasks.spawn(self._watch(), name=f"end of {self}")

    async def detach(self) -> None:
        """The daemon ends: the guest goes on without it, and nothing of this is looked at any more."""
        if self._watcher is not None:
            self._watcher.cancel()
        await self.let_go()
        for process in (self.process, *self.helpers):
            if process is not None:
                process.close()

    async def _watch(self) -> None:
        assert self.process is not None
        await self.process.wait()
        # The last events (SHUTDOWN, with who asked for it) may still be on their way through the monitor.
        for _ in range(50):
            if self.monitor is None or self.monitor.closed:
                break
            await asyncio.sleep(0.01)
        async with self.domain.job.hold("the end of the guest", kind=JobKind.DESTROY, timeout=math.inf):
            await self.finish()

    async def stop(self, ending: str, *, grace: float = GRACE, graceful: bool = False) -> None:
        """End the guest and wait until everything about it is settled. Not for holders of the job.

        `graceful`: raises OperationTimeout rather than use SIGKILL when QEMU does not end within `grace` seconds.
        """
        if self.ending is None:
            self.ending = ending
        await self.end_process(grace=grace, graceful=graceful)
        await asyncio.shield(self.finished)

    async def end_process(self, *, grace: float = GRACE, graceful: bool = False) -> None:
        """End QEMU: SIGTERM, then SIGKILL. What follows from that is the watcher's."""
        process = self.process
        if process is None:
            return
        if graceful:
            process.send_signal(signal.SIGTERM)
            try:
                await process.wait(grace)
            except TimeoutError:
                self.ending = None
                raise OperationTimeout(f"{self}: QEMU did not end within {grace:g} s of SIGTERM") from None
            return
        await process.end(grace=0 if _stopped(process.pid) else grace)

    async def finish(self) -> None:
        """Clean up after the process's end and move the domain on; the caller holds the job. Once is enough."""
        if self.finished.done():
            return
        reach("finish", str(self.run_dir))
        domain = self.domain
        transition = self.ending or ("stopped" if domain.state is State.SHUTDOWN else self._verdict())
        await self.let_go()
        await end_helpers(self)
        reach("helpers ended", str(self.run_dir))
        if domain.live is not None:
            await pull_out(domain.live, self.run_dir)
        async with self.writing:
            await in_background(self._remove_traces)
        self.runtime.domain_ended(domain, transition, silent=self.silent, keep=self.keep)
        self.log.note(f"shutting down, reason={domain_word(transition)}")
        if self.cgroup is not None:
            # A process that is not our child stays in its group until its parent has collected it.
            tasks.spawn(in_background(self.cgroup.remove, 5.0), name=f"control group of {self}")
        if not self.finished.done():
            self.finished.set_result(None)

    def _verdict(self) -> str:
        """Why a guest ended that nobody is known to have ended. QEMU logs the signals that it leaves upon."""
        return "stopped" if "terminating on signal" in self.log.tail() else "died"

    def _remove_traces(self) -> None:
        live = self.domain.live
        if live is not None:
            remove_outlets(live)
            if live.devices.tpms and not self.domain.persistent and not summary(live).keeps_tpm:
                forget_tpm(self.runtime, self.domain.uuid_text)
        # Without a status file, the rest is what the next daemon sweeps up if this one does not come to it.
        self.runtime.status.remove(self.domain.name)
        self.runtime.ownership.give_back(self.lent, self.run_dir)
        reach("given back", str(self.run_dir))
        for directory in self.runtime.directories_of(self.run_dir):
            shutil.rmtree(directory, ignore_errors=True)

    async def let_go(self) -> None:
        """Close what connects us to the guest, which goes on running if it does."""
        if self.monitor is not None:
            await self.monitor.close()
        if self.agent is not None:
            self.agent.close()
            self.agent = None
        if self.process is not None and self.process.poll():
            self.process.close()

    # Its status on disk

    def save_soon(self) -> None:
        """Write the status file after a change that nobody waits for; changes close together are written once."""
        if self.finished.done() or self.ending is not None:
            return
        if self._saving is not None and not self._saving.done():
            self._save_again = True
            return
        self._saving = tasks.spawn(self._save(), name=f"status of {self}")

    async def saved(self) -> None:
        """Wait until the status file has what `save_soon` was called for."""
        if self._saving is not None:
            await asyncio.shield(self._saving)

    async def _save(self) -> None:
        while True:
            self._save_again = False
            await self.runtime.save_status(self)
            if not self._save_again:
                return


def domain_word(transition: str) -> str:
    """How the guest's log calls an end."""
    return {"stopped": "shutdown", "died": "crashed"}.get(transition, transition)


def _connect(sock: socket.socket, run_dir: Path) -> None:
    """Connect to the monitor through the directory's descriptor: its path may be longer than a socket's may."""
    with open_directory(run_dir) as fd:
        sock.connect(f"/proc/self/fd/{fd}/{MONITOR_SOCKET}")


@contextlib.contextmanager
def open_directory(path: Path) -> Iterator[int]:
    """The directory's descriptor, for the length of a block."""
    fd = os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield fd
    finally:
        os.close(fd)


def _stopped(pid: int) -> bool:
    """Whether the process was stopped by SIGSTOP: it cannot react to SIGTERM."""
    try:
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0] in (b"T", b"t")
    except (OSError, IndexError):
        return False
