"""The host's ends of character devices that the daemon opens for QEMU: listening sockets, output files, logs.

QEMU gets descriptors, so the guests' user needs no right to make files where the definition wants them, and nothing
is left half made when QEMU cannot be executed.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pyvirtd.drivers.qemu.command.context import LogTarget
from pyvirtd.drivers.qemu.ownership import why_unreachable
from pyvirtd.errors import HostSystemError

if TYPE_CHECKING:
    from pyvirtd.conf.domain.chardev import Backend
    from pyvirtd.conf.domain.domain import DomainDef
    from pyvirtd.drivers.qemu.command import LaunchContext
    from pyvirtd.drivers.qemu.ownership import Ownership

NOTE: Final = "sockets"
"""File in a guest's directory: paths of the sockets that were made for it, each ended by a zero byte. Whoever cleans
up after a killed daemon finds there what is elsewhere."""
_BACKLOG: Final = 1


def backends(live: DomainDef) -> Iterator[tuple[str, Backend]]:
    """(alias, host's side) of every character device; a console that repeats a serial line is not one of its own."""
    devices = live.devices
    serials = {device.alias for device in devices.serials}
    for device in (*devices.serials, *devices.parallels, *devices.channels, *devices.consoles):
        if device.alias and not (device in devices.consoles and device.alias in serials):
            yield device.alias, device.backend
    for other in (*devices.smartcards, *devices.redirdevs):
        backend = getattr(other, "backend", None)
        if backend is not None and other.alias:
            yield other.alias, backend


def open_outlets(
    live: DomainDef, context: LaunchContext, ownership: Ownership, closing: contextlib.ExitStack
) -> None:
    """Open them into the context; `closing` closes them here. Raises HostSystemError."""
    sockets: dict[str, int] = {}
    files: dict[str, int] = {}
    logs: dict[str, LogTarget] = {}
    for alias, backend in backends(live):
        source = backend.source
        if _binds(backend) and source is not None and source.path and not source.fdgroup:
            _note(Path(context.run_dir) / NOTE, source.path)
            sockets[alias] = _listen(alias, Path(source.path), ownership, closing)
        elif backend.type == "file" and source is not None and source.path:
            files[alias] = _open(alias, source.path, source.append is not False, closing)
        if backend.log_file is not None:
            append = backend.log_append is not False
            logs[alias] = LogTarget(_open(alias, backend.log_file, append, closing), backend.log_file, append)
    context.chardev_fds, context.chardev_files, context.log_targets = sockets, files, logs


def _binds(backend: Backend) -> bool:
    return backend.type == "unix" and backend.source is not None and backend.source.mode == "bind"


def remove_outlets(live: DomainDef) -> None:
    """Remove the sockets of a guest that ended; files are what they were made for, and stay."""
    for _, backend in backends(live):
        source = backend.source
        if _binds(backend) and source is not None and source.path:
            with contextlib.suppress(OSError):
                os.unlink(source.path)
    for graphics in live.devices.graphics:
        for listen in getattr(graphics, "listens", ()):
            if listen.type == "socket" and listen.socket:
                with contextlib.suppress(OSError):
                    os.unlink(listen.socket)


def remove_noted(run_dir: Path) -> None:
    """Remove the sockets that a guest's directory names."""
    with contextlib.suppress(OSError):
        for path in (run_dir / NOTE).read_bytes().split(b"\0"):
            with contextlib.suppress(OSError):
                if path and _is_socket(Path(os.fsdecode(path))):
                    os.unlink(path)


def _note(note: Path, path: str) -> None:
    try:
        with open(note, "ab") as file:
            file.write(os.fsencode(path) + b"\0")
    except OSError as error:
        raise HostSystemError(f"cannot write {note}: {error.strerror}") from error


def listen_at(path: Path, ownership: Ownership, backlog: int = _BACKLOG) -> socket.socket:
    """A socket of the guests' user that listens at a path, in place of one that was left there.

    The path may be longer than a socket's address: the socket is bound through its directory's descriptor.
    Raises OSError, HostSystemError.
    """
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        directory = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            with contextlib.suppress(FileNotFoundError):
                if not _is_socket(path):
                    raise FileExistsError(17, "there is something else than a socket")
                os.unlink(path.name, dir_fd=directory)
            sock.bind(f"/proc/self/fd/{directory}/{path.name}")
        finally:
            os.close(directory)
        ownership.give(path)
        sock.listen(backlog)
    except BaseException:
        sock.close()
        raise
    return sock


def _is_socket(path: Path) -> bool:
    return os.stat(path, follow_symlinks=False).st_mode & 0o170000 == 0o140000


def _listen(alias: str, path: Path, ownership: Ownership, closing: contextlib.ExitStack) -> int:
    try:
        return closing.enter_context(listen_at(path, ownership)).fileno()
    except OSError as error:
        raise HostSystemError(f"{alias}: cannot listen at {path}: {why_unreachable(str(path), error)}") from error


def _open(alias: str, path: str, append: bool, closing: contextlib.ExitStack) -> int:
    """QEMU always appends: what it is given is at its right end already."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOCTTY | (0 if append else os.O_TRUNC)
    try:
        fd = os.open(path, flags, 0o600)
    except OSError as error:
        raise HostSystemError(f"{alias}: cannot write {path}: {why_unreachable(path, error)}") from error
    closing.callback(os.close, fd)
    return fd
