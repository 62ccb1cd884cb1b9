"""Starting a guest: from a definition to a QEMU that runs, or to nothing at all.

QEMU inherits a listening socket for its monitor, so the daemon connects at once and QEMU greets as soon as it is up:
nothing is polled. What has to be asked or set before the guest's CPUs run goes out in one batch. Whatever fails, the
end of the stack of undo steps leaves the domain as it was.

A daemon that is killed in between leaves a QEMU without a status file. It carries its directory in its environment
(`MARK`), by which the next daemon finds and ends it: nobody was told that it had started.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import shutil
import socket
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from pyvirtd.conf.domain.address import DimmAddress
from pyvirtd.conf.domain.chardev import ChardevSource
from pyvirtd.conf.domain.domain import DomainDef
from pyvirtd.core.domain import Domain
from pyvirtd.drivers.qemu.block import apply_tunes
from pyvirtd.drivers.qemu.capabilities import QemuCapabilities
from pyvirtd.drivers.qemu.command import LaunchContext, QemuCommand, build_command
from pyvirtd.drivers.qemu.command.context import FdGroup
from pyvirtd.drivers.qemu.command.live import settle_live
from pyvirtd.drivers.qemu.cpu.live import settle_live_cpu
from pyvirtd.drivers.qemu.helpers import KINDS, start_helper
from pyvirtd.drivers.qemu.images import files_of_disks, settle_images
from pyvirtd.drivers.qemu.machine import MONITOR_SOCKET, Machine, open_directory
from pyvirtd.drivers.qemu.monitor import MonitorLost, Refused
from pyvirtd.drivers.qemu.outlets import open_outlets
from pyvirtd.drivers.qemu.ownership import why_unreachable
from pyvirtd.drivers.qemu.pinning import place_threads
from pyvirtd.drivers.qemu.pipeline import capabilities_of, live_definition
from pyvirtd.drivers.qemu.plugs import plug_in
from pyvirtd.drivers.qemu.prepare import give_places, make_nvram
from pyvirtd.drivers.qemu.runtime import Runtime
from pyvirtd.drivers.qemu.security import show_confinement, taint_at_start
from pyvirtd.drivers.qemu.tuning import apply_limits
from pyvirtd.drivers.qemu.vsock import open_vsocks
from pyvirtd.errors import ConfigUnsupported, HostSystemError, InternalError, OperationFailed, VirtError
from pyvirtd.host.cgroup import Cgroup
from pyvirtd.host.process import Launch, start
from pyvirtd.store.atomic import in_background, make_directory
from pyvirtd.store.steps import reach

log = logging.getLogger(__name__)

MARK: Final = "PYVIRTD_GUEST"
"""The environment variable by which a guest's process tells which directory is its."""


_LAST_WORDS: Final = 2.0
"""Seconds that a QEMU gets to end after it closed its monitor, so that its log has all it had to say."""


@dataclass
class StartOptions:
    """How a guest is started. `step`: the transition of the start ("boot", "restored", ...)."""

    paused: bool = False
    autodestroy: bool = False
    reset_nvram: bool = False
    step: str = "boot"
    incoming: str | None = None
    fd_groups: Mapping[str, FdGroup] = field(default_factory=dict)


async def start_guest(runtime: Runtime, domain: Domain, definition: DomainDef, options: StartOptions) -> Machine:
    """Start the domain; the caller holds its job. Afterwards it is active, on disk, and clients have been told.

    Raises what went wrong: InternalError with QEMU's last words when it exited, HostSystemError, ConfigUnsupported.
    """
    domain.require_inactive()
    caps = await capabilities_of(runtime, definition)
    if definition.type == "kvm":
        await runtime.kvm.require(caps.binary)
    live = live_definition(definition, caps)
    machine = Machine(domain, runtime, runtime.guest_dir(runtime.domains.activate(domain), domain.name))
    live.id = domain.id
    show_confinement(runtime, live)
    domain.machine = machine
    domain.set_live(live)
    domain.step("starting")
    machine.starting = True
    try:
        await _execute(runtime, machine, live, caps, options)
        taint_at_start(runtime, domain, live)
        await _begin(runtime, machine, live, caps, options)
    except BaseException as error:
        words = None
        if isinstance(error, MonitorLost) and machine.process is not None:
            with contextlib.suppress(TimeoutError):
                await machine.process.wait(_LAST_WORDS)
            words = exited(machine, error)
        await _abandon(runtime, machine)
        if words is not None:
            raise words from error
        raise
    runtime.context.inhibit(True)
    _announce(runtime, machine, options)
    machine.started()
    return machine


def exited(machine: Machine, error: VirtError) -> VirtError:
    """QEMU's own words about why it ended; without any, what we saw."""
    words = machine.log.tail() or error.message
    if "ermission denied" in words:
        hints = [hint for path in files_of(machine.domain.current) if (hint := machine.runtime.ownership.barred(path))]
        words += "".join(f"\n{hint}" for hint in hints)
    return InternalError(f"{machine}: QEMU exited while it was being started: {words}")


async def _execute(
    runtime: Runtime, machine: Machine, live: DomainDef, caps: QemuCapabilities, options: StartOptions
) -> None:
    domain = machine.domain
    machine.autodestroy, machine.started_at = options.autodestroy, time.time()
    context = _context(runtime, machine, options)
    with contextlib.ExitStack() as closing:
        give_places(runtime, machine, live)
        await in_background(settle_live, live, caps, context)
        await in_background(settle_images, live)
        await in_background(_prepare, runtime, machine, live, options)
        await in_background(open_outlets, live, context, runtime.ownership, closing)
        if live.devices.vsocks:
            await in_background(open_vsocks, live, context, closing)
        await plug_in(live, context, machine.run_dir, closing)
        listener = closing.enter_context(_listener(machine.run_dir, runtime))
        context.monitor_fd = listener.fileno()
        command = build_command(live, caps, context)
        await _make_ready(runtime, machine, live, command)
        output = machine.log.open()
        closing.callback(os.close, output)
        environment = {**command.env, MARK: f"{domain.uuid_text}:{machine.run_dir}"}
        machine.log.note_start(output, f"pyvirtd, QEMU {caps.binary}", command.argv, environment)
        who = runtime.ownership
        reach("execute", command.argv[0])
        try:
            machine.process = start(Launch(
                argv=command.argv, env=environment, pass_fds=sorted({*command.files, listener.fileno()}),
                stdout=output, stderr=output, umask=0o002 if who.foreign else 0o022, cgroup=machine.cgroup,
                uid=who.uid if who.foreign else None, gid=who.gid if who.foreign else None, groups=who.groups,
            ))  # fmt: skip
        except OSError as error:
            reason = error.strerror or str(error)
            raise InternalError(f"{domain}: cannot run {command.argv[0]}: {reason}") from error
    reach("executed", command.argv[0])
    machine.watch()
    # Our copy of the listening socket is closed now: when QEMU ends, the connection ends.
    await machine.connect(runtime.settings.start_timeout)
    reach("connected", command.argv[0])


def _context(runtime: Runtime, machine: Machine, options: StartOptions) -> LaunchContext:
    settings = runtime.settings
    return LaunchContext(
        domain_id=machine.domain.id,
        run_dir=str(machine.run_dir),
        channel_dir=str(runtime.channel_dir / machine.run_dir.name),
        ram_dir=str(runtime.ram_dir / machine.run_dir.name),
        nvram_dir=str(runtime.nvram_dir),
        swtpm_dir=str(runtime.swtpm_dir / machine.run_dir.name),
        passt_sockets=_Sockets(str(runtime.passt_dir / machine.run_dir.name)),
        dbus_dir=str(runtime.run_dir / "dbus"),
        monitor_path=str(machine.run_dir / MONITOR_SOCKET),
        fd_groups=options.fd_groups,
        vnc_listen=settings.vnc_listen,
        spice_listen=settings.spice_listen,
        seccomp=settings.seccomp_sandbox,
        dump_guest_core=settings.dump_guest_core,
        incoming=options.incoming,
    )


class _Sockets(dict[str, str]):
    """Paths of sockets in a directory, by the alias of the device: every device has one."""

    def __init__(self, directory: str) -> None:
        super().__init__()
        self.directory = directory

    def get(self, key: str, default: Any = None) -> Any:
        """The path for that alias."""
        return f"{self.directory}/{key}.sock"


def _prepare(runtime: Runtime, machine: Machine, live: DomainDef, options: StartOptions) -> None:
    """Make the guest's directories, check and lend its files. Blocks on the disk."""
    own, channels, *rest = runtime.directories_of(machine.run_dir)
    for directory in rest:
        shutil.rmtree(directory, ignore_errors=True)
    for directory in (own, channels):
        make_directory(directory.parent, 0o755)
        shutil.rmtree(directory, ignore_errors=True)
        make_directory(directory)
        runtime.ownership.give(directory)
    make_nvram(runtime, live, reset=options.reset_nvram)
    files = list(files_of(live))
    for path in (*files, *filter(None, (live.os.loader.path if live.os.loader is not None else None,))):
        try:
            os.close(os.open(path, os.O_PATH | os.O_CLOEXEC))
        except OSError as error:
            raise HostSystemError(f"{machine}: cannot use {path}: {why_unreachable(path, error)}") from error
    reach("lend", str(machine.run_dir))
    runtime.ownership.take(files, machine.lent, machine.run_dir)
    reach("lent", str(machine.run_dir))
    if runtime.hierarchies.any:
        path = runtime.cgroup_path(machine.domain.id, machine.domain.name, live.partition)
        machine.cgroup = Cgroup.create(path, runtime.hierarchies)


def files_of(live: DomainDef) -> Iterator[str]:
    """Local files that QEMU opens by their path: kernels, images with their backing chains, firmware variables."""
    system = live.os
    yield from filter(None, (system.kernel, system.initrd, system.dtb, system.acpi_table))
    if system.nvram is not None and system.nvram.path:
        yield system.nvram.path
    yield from files_of_disks(live)
    for memory in live.devices.memories:
        if memory.source is not None and memory.source.path:
            yield memory.source.path


@contextlib.contextmanager
def _listener(run_dir: Path, runtime: Runtime) -> Iterator[socket.socket]:
    """The monitor's listening socket, bound through its directory's descriptor: paths may be long."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        with open_directory(run_dir) as fd:
            sock.bind(f"/proc/self/fd/{fd}/{MONITOR_SOCKET}")
        os.chmod(run_dir / MONITOR_SOCKET, 0o600)
        sock.listen(1)
        yield sock
    except OSError as error:
        raise HostSystemError(f"cannot make the monitor's socket in {run_dir}: {error.strerror}") from error
    finally:
        sock.close()


async def _make_ready(runtime: Runtime, machine: Machine, live: DomainDef, command: QemuCommand) -> None:
    """What the command line refers to and must be there before QEMU runs."""
    for need in command.before:
        what, alias, path = need
        if what in KINDS:
            await start_helper(runtime, machine, live, need)
        elif what in ("directory", "memory-directory"):
            make_directory(Path(path))
            runtime.ownership.give(Path(path))
        elif what == "master-key":
            fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            try:
                os.write(fd, secrets.token_bytes(32))
            finally:
                os.close(fd)
            runtime.ownership.give(Path(path))
        else:
            raise ConfigUnsupported(f"{machine}: {alias} needs {what}, which this driver cannot start yet")


async def _begin(
    runtime: Runtime, machine: Machine, live: DomainDef, caps: QemuCapabilities, options: StartOptions
) -> None:
    """All that QEMU is asked and told before the guest's CPUs run, in one batch; then let them run."""
    chardevs, cpus, *_ = await asyncio.gather(
        machine.run("query-chardev"), machine.run("query-cpus-fast"), *_settings_of(machine, live)
    )
    learn_chardevs(live, chardevs)
    if live.devices.memories:
        learn_memory(live, await machine.run("query-memory-devices"))
    if live.devices.memballoons and live.devices.memballoons[0].model != "none":
        actual = (await machine.run("query-balloon")).get("actual")
        if isinstance(actual, int) and 0 <= actual < 1 << 62:
            live.current_memory = actual >> 10
    machine.vcpu_threads = vcpu_threads(cpus)
    await _learn_cpu(machine, live, caps, cpus)
    for channel in live.devices.channels:
        if channel.target_type == "virtio":
            channel.state = "disconnected"
    machine.domain.live_changed()
    await place_threads(machine, live)
    await apply_limits(machine, live)
    await apply_tunes(machine, live.devices.disks)
    if not options.paused and options.incoming is None:
        await machine.run("cont")
    reach("started", str(machine))
    _settle(machine, options)
    await runtime.save_status(machine)


def _settings_of(machine: Machine, live: DomainDef) -> Iterator[Any]:
    """Monitor commands for what the command line cannot say."""
    if live.on_reboot == "destroy":
        yield machine.run("set-action", reboot="shutdown")
    for graphics in live.devices.graphics:
        password = getattr(graphics, "passwd", None)
        if password is not None and graphics.type in ("vnc", "spice"):
            yield machine.run("set_password", protocol=graphics.type, password=password, connected="keep")
            expiry = password_expiry(password, getattr(graphics, "passwd_valid_to", None))
            yield machine.run("expire_password", protocol=graphics.type, time=expiry)
    for interface in live.devices.interfaces:
        if interface.link == "down" and interface.alias:
            yield machine.run("set_link", name=interface.alias, up=False)
    balloon = live.devices.memballoons[0] if live.devices.memballoons else None
    if balloon is not None and balloon.model != "none":
        if live.current_memory and live.memory and live.current_memory < live.memory:
            yield machine.run("balloon", value=live.current_memory << 10)
        if balloon.period and balloon.alias:
            yield machine.run(
                "qom-set", path=f"/machine/peripheral/{balloon.alias}", property="guest-stats-polling-interval",
                value=balloon.period,
            )


async def _learn_cpu(machine: Machine, live: DomainDef, caps: QemuCapabilities, cpus: Any) -> None:
    """What the guest's CPU has come out as. A QEMU that doesn't tell is believed to have done as it was told."""
    path = cpus[0].get("qom-path") if cpus and isinstance(cpus[0], dict) else None
    if path is None:
        return
    try:
        words, missing = await asyncio.gather(
            machine.run("qom-get", path=path, property="feature-words"),
            machine.run("qom-get", path=path, property="unavailable-features"),
        )
    except Refused:
        return
    settle_live_cpu(live, caps, words, missing)


def password_expiry(password: str, valid_to: str | None) -> str:
    """QEMU's word for when a display's password ends; `valid_to` is a time in UTC as XML Schema writes it.

    An empty password lets nobody in, rather than everybody, and so does one whose end cannot be read.
    """
    if not password:
        return "now"
    if not valid_to:
        return "never"
    try:
        end = datetime.fromisoformat(valid_to)
    except ValueError:
        return "now"
    return str(int((end if end.tzinfo is not None else end.replace(tzinfo=UTC)).timestamp()))


def learn_chardevs(live: DomainDef, reply: Any) -> None:
    """Fill the paths of pseudo terminals into the live definition. Raises OperationFailed for a reply that is none."""
    if not isinstance(reply, list):
        raise OperationFailed(f"QEMU's list of character devices is {type(reply).__name__}, not a list")
    paths = {
        str(entry["label"]).removeprefix("char"): str(entry["filename"]).removeprefix("pty:")
        for entry in reply
        if isinstance(entry, dict) and str(entry.get("filename", "")).startswith("pty:") and "label" in entry
    }
    for device in (*live.devices.serials, *live.devices.parallels, *live.devices.channels, *live.devices.consoles):
        alias = device.alias
        if device.backend.type == "pty" and alias in paths:
            if not device.backend.sources:
                device.backend.sources = [ChardevSource()]
            device.backend.sources[0].path = paths[alias]
    consoles, serials = live.devices.consoles, live.devices.serials
    if consoles and serials and consoles[0].target_type in (None, "serial"):
        # The first console of this kind is the first serial line under its old name.
        consoles[0].backend, consoles[0].alias = serials[0].backend.copy(), serials[0].alias


def learn_memory(live: DomainDef, reply: Any) -> None:
    """Where QEMU put the memory modules. Raises OperationFailed for a reply that is none."""
    if not isinstance(reply, list):
        raise OperationFailed(f"QEMU's list of memory devices is {type(reply).__name__}, not a list")
    found = {
        str(entry["data"]["id"]): entry["data"]
        for entry in reply
        if isinstance(entry, dict) and isinstance(entry.get("data"), dict) and "id" in entry["data"]
    }
    for memory in live.devices.memories:
        told = found.get(memory.alias or "", {})
        base = told.get("addr")
        if isinstance(memory.address, DimmAddress) and isinstance(base, int):
            memory.address.base = base


def vcpu_threads(reply: Any) -> dict[int, int]:
    """Thread ids by vCPU number, from query-cpus-fast."""
    if not isinstance(reply, list):
        raise OperationFailed(f"QEMU's list of vCPUs is {type(reply).__name__}, not a list")
    return {
        int(entry["cpu-index"]): int(entry["thread-id"])
        for entry in reply
        if isinstance(entry, dict) and "cpu-index" in entry and "thread-id" in entry
    }


def _settle(machine: Machine, options: StartOptions) -> None:
    """The state after the start, silently: clients hear of it once it is on disk."""
    domain = machine.domain
    domain.step(options.step + "-paused" if options.paused else options.step)


def _announce(runtime: Runtime, machine: Machine, options: StartOptions) -> None:
    if not options.paused:
        runtime.tell(machine.domain, "resume")
    runtime.tell(machine.domain, options.step)
    if options.paused:
        runtime.tell(machine.domain, "suspend")


async def _abandon(runtime: Runtime, machine: Machine) -> None:
    """A start that failed: nothing of it stays, and no client hears of it."""
    machine.ending = machine.ending or "failed"
    machine.silent = True
    if machine.process is not None:
        await asyncio.shield(machine.process.end())
    await asyncio.shield(machine.finish())
