"""The daemon's sockets: what they are called, who may open them, and which server each belongs to."""

from __future__ import annotations

import fcntl
import os
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from pyvirtd.daemon.config import DaemonSettings
from pyvirtd.errors import OpenFailed
from pyvirtd.server.listener import bind_unix


class Bound(NamedTuple):
    """A socket that does not listen yet. `path` None: systemd's, which it removes itself."""

    sock: socket.socket
    admin: bool
    readonly: bool
    path: Path | None


def bind_all(directory: Path, names: Sequence[str], settings: DaemonSettings, *, private: bool) -> list[Bound]:
    """Makes read-write, read-only and admin sockets under each name. Raises OpenFailed and leaves none behind.

    `private`: a user's own daemon, whose sockets are nobody else's, whatever the configuration says.
    """
    try:
        directory.mkdir(mode=0o700 if private else 0o755, parents=True, exist_ok=True)
    except OSError as error:
        raise OpenFailed(f"cannot make the socket directory '{directory}': {error.strerror}") from None
    group = None if private else settings.unix_sock_group
    rw = settings.unix_sock_rw_perms or ("0770" if group else "0700")
    bound: list[Bound] = []
    try:
        for name in names:
            for suffix, admin, readonly, perms in (
                ("-sock", False, False, rw),
                ("-sock-ro", False, True, settings.unix_sock_ro_perms),
                ("-admin-sock", True, False, settings.unix_sock_admin_perms),
            ):
                path = directory / f"{name}{suffix}"
                mode = 0o700 if private else int(perms, 8)
                sock = bind_unix(path, mode=mode, group=None if admin else group)
                bound.append(Bound(sock, admin, readonly, path))
    except BaseException:
        for item in bound:
            item.sock.close()
            if item.path is not None:
                item.path.unlink(missing_ok=True)
        raise
    return bound


def from_manager(passed: Sequence[tuple[str, socket.socket]]) -> list[Bound]:
    """Sorts systemd's sockets by their FileDescriptorName, or where that says nothing by their path."""
    bound = []
    for name, sock in passed:
        address = os.fsdecode(sock.getsockname())
        label = name if "sock" in name and not name.endswith(".socket") else os.path.basename(address)
        bound.append(Bound(sock, "-admin" in label, label.endswith("-ro"), None))
    return bound


def lock_state(directory: Path) -> int:
    """Takes the state for this process until it ends; returns the descriptor that holds the lock.

    Raises OpenFailed when another pyvirtd has it: two that write one state would lose guests.
    """
    path = directory / "pyvirtd.pid"
    try:
        directory.mkdir(mode=0o755, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
    except OSError as error:
        raise OpenFailed(f"cannot open '{path}': {error.strerror}") from None
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        pid = os.read(descriptor, 32).decode(errors="replace").strip()
        os.close(descriptor)
        raise OpenFailed(
            f"another pyvirtd (pid {pid}) uses the state in '{directory}'; stop it, or give this one its own with"
            " --root DIR"
        ) from None
    os.ftruncate(descriptor, 0)
    os.write(descriptor, f"{os.getpid()}\n".encode())
    return descriptor
