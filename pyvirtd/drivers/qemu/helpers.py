"""Programs that run beside a guest: swtpm, virtiofsd, passt.

Each is started with the guest, in its control group and a session of its own, outlives the daemon like the guest, and
is ended with it. It carries the guest's directory in its environment (`MARK`): a daemon that finds one whose guest is
not there ends it. The status file names them, so that a later daemon can end them, too.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import pwd
import shutil
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from pyvirtd.drivers.qemu.outlets import listen_at
from pyvirtd.errors import ConfigUnsupported, HostSystemError, InternalError, OperationFailed
from pyvirtd.host.process import SAFE_PATH, Launch, Process, clean_env, run, start
from pyvirtd.host.procfile import listens
from pyvirtd.store.atomic import in_background, make_directory
from pyvirtd.store.names import file_name
from pyvirtd.store.steps import reach

if TYPE_CHECKING:
    from pyvirtd.conf.domain.domain import DomainDef
    from pyvirtd.conf.domain.filesystem import Filesystem
    from pyvirtd.conf.domain.interface import Interface
    from pyvirtd.conf.domain.tpm import Tpm
    from pyvirtd.drivers.qemu.command.context import Preparation
    from pyvirtd.drivers.qemu.machine import Machine
    from pyvirtd.drivers.qemu.runtime import Runtime

log = logging.getLogger(__name__)

MARK: Final = "PYVIRTD_HELPER"
VHOST_USER_DIRS: Final = ("/etc/qemu/vhost-user", "/usr/share/qemu/vhost-user")
VIRTIOFSD_PLACES: Final = ("/usr/libexec/virtiofsd", "/usr/lib/qemu/virtiofsd", "/usr/lib/virtiofsd")
NOBODY: Final = 65534
KINDS: Final = ("swtpm", "virtiofsd", "passt")
_READY_WITHIN: Final = 10.0
_SETUP_TIMEOUT: Final = 60.0
_TAIL: Final = 2048


class User(NamedTuple):
    """Whom a program runs as; None: the daemon's own identity."""

    uid: int | None = None
    gid: int | None = None
    groups: tuple[int, ...] = ()


async def start_helper(runtime: Runtime, machine: Machine, live: DomainDef, what: Preparation) -> None:
    """Start what a device needs; it listens at its path when this returns, and is among the machine's helpers.

    Raises ConfigUnsupported where the program is not installed, OperationFailed with its last words when it ends.
    """
    if what.what == "swtpm":
        tpm = next(device for device in live.devices.tpms if device.alias == what.alias)
        await _swtpm(runtime, machine, live, tpm, Path(what.path))
    elif what.what == "virtiofsd":
        fs = next(device for device in live.devices.filesystems if device.alias == what.alias)
        await _virtiofsd(runtime, machine, fs, Path(what.path))
    else:
        card = next(device for device in live.devices.interfaces if device.alias == what.alias)
        await _passt(runtime, machine, card, Path(what.path))


async def end_helpers(machine: Machine) -> None:
    """End them all; most end by themselves when QEMU has gone."""
    helpers, machine.helpers = machine.helpers, []
    await asyncio.gather(*(_end(helper) for helper in helpers))


async def _end(helper: Process) -> None:
    if not helper.poll():
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(helper.pid, signal.SIGTERM)  # it leads its session, and cannot have ended: it was polled
        try:
            await helper.wait(1.0)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(helper.pid, signal.SIGKILL)
            await helper.end()
    helper.close()


def _launch(
    machine: Machine, argv: Sequence[str], log_path: Path, user: User, pass_fds: Sequence[int] = ()
) -> Process:
    """Start a program in the guest's control group; what it says goes to its log."""
    try:
        log_path.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
        output = os.open(log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise HostSystemError(f"{machine}: cannot write {log_path}: {error.strerror}") from error
    try:
        env = clean_env(**{MARK: f"{machine.domain.uuid_text}:{machine.run_dir}"})
        process = start(Launch(
            argv=argv, env=env, pass_fds=pass_fds, stdout=output, stderr=output, cgroup=machine.cgroup,
            uid=user.uid, gid=user.gid, groups=user.groups, umask=0o077,
        ))  # fmt: skip
    except OSError as error:
        raise OperationFailed(f"{machine}: cannot run {argv[0]}: {error.strerror}") from error
    finally:
        os.close(output)
    machine.helpers.append(process)
    reach("helper", argv[0])
    return process


async def _listening(machine: Machine, process: Process, path: Path, log_path: Path, name: str) -> None:
    """Wait until its socket takes connections. Raises OperationFailed with its last words."""
    end = time.monotonic() + _READY_WITHIN
    while not listens(str(path)):
        if process.poll() or time.monotonic() > end:
            raise OperationFailed(f"{machine}: {name} did not start: {_last_words(log_path) or 'it said nothing'}")
        await asyncio.sleep(0.005)


def _last_words(path: Path) -> str:
    try:
        with open(path, "rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL))
            lines = file.read(_TAIL).decode("utf-8", "replace").splitlines()
    except OSError:
        return ""
    return "; ".join(line.strip() for line in lines[-4:] if line.strip())


def _program(machine: Machine, *names: str) -> str:
    for name in names:
        if found := shutil.which(name, path=SAFE_PATH):
            return found
    raise ConfigUnsupported(f"{machine}: {names[0]} is not installed on this host")


# The emulated TPM


def swtpm_user(runtime: Runtime) -> User:
    """The configured user; where this host has none of that name, whom guests run as."""
    name = runtime.settings.swtpm_user
    if runtime.context.privileged and name:
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return User(entry.pw_uid, entry.pw_gid)
    return _guests_user(runtime)


def _guests_user(runtime: Runtime) -> User:
    who = runtime.ownership
    return User(who.uid, who.gid, tuple(who.groups)) if who.foreign else User()


def tpm_state(runtime: Runtime, uuid: str) -> Path:
    """The directory with everything that a guest's TPM remembers."""
    return runtime.lib_dir.parent / "swtpm" / uuid


def forget_tpm(runtime: Runtime, uuid: str) -> None:
    """Remove a TPM's memory, where there is any."""
    shutil.rmtree(tpm_state(runtime, uuid), ignore_errors=True)


async def _swtpm(runtime: Runtime, machine: Machine, live: DomainDef, tpm: Tpm, path: Path) -> None:
    backend = tpm.backend
    if backend.encryption is not None:
        raise ConfigUnsupported(f"{machine}: a TPM whose state is encrypted needs secrets, which this daemon lacks yet")
    two = backend.version != "1.2"
    user = swtpm_user(runtime)
    state = tpm_state(runtime, machine.domain.uuid_text) / ("tpm2" if two else "tpm1.2")
    log_path = machine.log.path.parent / "swtpm" / f"{file_name(live.name)}-swtpm.log"
    await in_background(_tpm_places, state, path, user, runtime)
    version = ["--tpm2"] if two else []
    if not any(state.glob("*.permall")):
        await _set_up(machine, state, user, version, live)
    banks = [name for name in ("sha1", "sha256", "sha384", "sha512") if getattr(backend, name)]
    if banks and two:
        tool = _program(machine, "swtpm_setup")
        await _run_setup(machine, user, state, [tool, "--tpm2", "--tpm-state", str(state), "--reconfigure",
                                                "--pcr-banks", ",".join(banks), "--overwrite"])  # fmt: skip
    argv = [
        _program(machine, "swtpm"), "socket", "--ctrl", f"type=unixio,path={path},mode=0600",
        "--tpmstate", f"dir={state},mode=0600", "--terminate", *version,
    ]  # fmt: skip
    if backend.debug:
        argv += ["--log", f"level={backend.debug}"]
    process = _launch(machine, argv, log_path, user)
    await _listening(machine, process, path, log_path, "swtpm")
    runtime.ownership.give(path)
    if user.uid is not None and not runtime.ownership.foreign:
        os.chown(path, runtime.ownership.uid, runtime.ownership.gid)


def _tpm_places(state: Path, path: Path, user: User, runtime: Runtime) -> None:
    """The directories of its state and of its socket, which QEMU's user has to reach, too."""
    make_directory(state.parent, 0o711)
    for directory in (state.parent.parent, state.parent):
        directory.chmod(0o711)
    make_directory(state)
    path.parent.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
    make_directory(path.parent)
    if user.uid is not None and user.gid is not None:
        os.chown(state, user.uid, user.gid)
        if runtime.context.privileged:
            os.chown(path.parent, runtime.ownership.uid, user.gid)
    path.parent.chmod(0o770)


async def _set_up(machine: Machine, state: Path, user: User, version: list[str], live: DomainDef) -> None:
    """A new TPM: with keys and certificates as from a factory."""
    await _run_setup(machine, user, state, [
        _program(machine, "swtpm_setup"), *version, "--tpm-state", str(state),
        "--vmid", f"{live.name}:{machine.domain.uuid_text}", "--createek", "--create-ek-cert",
        "--create-platform-cert", "--lock-nvram", "--not-overwrite",
    ])  # fmt: skip


async def _run_setup(machine: Machine, user: User, state: Path, argv: list[str]) -> None:
    try:
        done = await run(argv, timeout=_SETUP_TIMEOUT, uid=user.uid, gid=user.gid)
    except OSError as error:
        raise OperationFailed(f"{machine}: cannot run {argv[0]}: {error.strerror}") from error
    if done.returncode:
        for file in state.glob("*.permall"):
            file.unlink(missing_ok=True)
        said = (done.stdout + done.stderr).decode("utf-8", "replace").strip().splitlines()
        raise OperationFailed(f"{machine}: swtpm_setup failed, status {done.returncode}: {'; '.join(said[-4:])}")


# Shared directories


async def _virtiofsd(runtime: Runtime, machine: Machine, fs: Filesystem, path: Path) -> None:
    source = fs.source.dir if fs.source is not None else None
    if not source or not os.path.isdir(source):
        raise OperationFailed(f"{machine}: filesystem '{fs.target}': the directory {source} is not there")
    binary = fs.binary
    program = (binary.path if binary is not None else None) or virtiofsd_program(machine)
    # The option's values are separated by commas; a comma in a path is doubled.
    options = [f"source={source.replace(',', ',,')}"]
    argv = [program, "", "-o", ""]
    if binary is not None:
        if binary.cache is not None:
            options.append(f"cache={binary.cache}")
        if binary.sandbox is not None:
            options.append(f"sandbox={binary.sandbox}")
        for name, value in (("xattr", binary.xattr), ("flock", binary.flock), ("posix_lock", binary.posix_lock)):
            if value is not None:
                options.append(name if value else f"no_{name}")
        if binary.thread_pool is not None:
            argv.append(f"--thread-pool-size={binary.thread_pool}")
        if binary.openfiles:
            argv.append(f"--rlimit-nofile={binary.openfiles}")
    try:
        listener = listen_at(path, runtime.ownership)
    except OSError as error:
        raise HostSystemError(f"{machine}: cannot listen at {path}: {error.strerror}") from error
    with listener:
        argv[1], argv[3] = f"--fd={listener.fileno()}", ",".join(options)
        log_path = machine.log.path.with_name(f"{file_name(machine.domain.name)}-{fs.alias}-virtiofsd.log")
        process = _launch(machine, argv, log_path, User(), [listener.fileno()])
    if process.poll():
        raise OperationFailed(f"{machine}: virtiofsd did not start: {_last_words(log_path)}")


def virtiofsd_program(machine: Machine) -> str:
    """By QEMU's descriptors of vhost-user back ends, or where distributions put it."""
    found: dict[str, str] = {}
    for directory in reversed(VHOST_USER_DIRS):
        with contextlib.suppress(OSError):
            found |= {name: os.path.join(directory, name) for name in os.listdir(directory) if name.endswith(".json")}
    for _, path in sorted(found.items()):
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError, AttributeError):
            description = json.loads(Path(path).read_bytes()[: 1 << 20])
            if description["type"] == "fs" and os.access(description["binary"], os.X_OK):
                return str(description["binary"])
    for place in VIRTIOFSD_PLACES:
        if os.access(place, os.X_OK):
            return place
    return _program(machine, "virtiofsd")


# User networking by passt


async def _passt(runtime: Runtime, machine: Machine, card: Interface, path: Path) -> None:
    user = _guests_user(runtime)
    if os.geteuid() == 0 and user.uid in (None, 0):
        user = User(NOBODY, NOBODY)  # as it would make itself
    make_directory(path.parent, 0o711)
    if user.uid is not None and user.gid is not None:
        os.chown(path.parent, user.uid, user.gid)
    argv = [_program(machine, "passt"), "--foreground", "--one-off", "--socket", str(path)]
    if card.mac:
        argv += ["--mac-addr", card.mac]
    if card.source is not None and card.source.dev:
        argv += ["--interface", card.source.dev]
    for ip in card.ips:
        argv += ["--address", ip.address]
        if ip.prefix and ":" not in ip.address:
            argv += ["--netmask", str(ip.prefix)]
    argv += _forwards(card)
    log_path = machine.log.path.with_name(f"{file_name(machine.domain.name)}-{card.alias}-passt.log")
    if card.backend_log_file:
        log_path = Path(card.backend_log_file)
    process = _launch(machine, argv, log_path, user)
    await _listening(machine, process, path, log_path, "passt")


def _forwards(card: Interface) -> list[str]:
    """--tcp-ports and --udp-ports: [ADDRESS[%DEVICE]/]START[-END][:TO[-END]],~EXCLUDED."""
    words: list[str] = []
    for forward in card.port_forwards:
        where = forward.address or ""
        if forward.dev:
            where += f"%{forward.dev}"
        ranges = []
        for ports in forward.ranges:
            if ports.start is None:
                raise InternalError(f"interface '{card.alias}': a forwarded range needs a start")
            text = ("~" if ports.exclude else "") + str(ports.start)
            if ports.end:
                text += f"-{ports.end}"
            if ports.to:
                text += f":{ports.to}"
                if ports.end:
                    text += f"-{ports.end - ports.start + ports.to}"
            ranges.append(text)
        spec = (f"{where}/" if where else "") + (",".join(ranges) or "all")
        words += ["--tcp-ports" if forward.proto == "tcp" else "--udp-ports", spec]
    return words
