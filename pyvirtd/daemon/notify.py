"""systemd's two conversations with a service: sd_notify(3) and sd_listen_fds(3)."""

from __future__ import annotations

import os
import socket
import stat
import time
from collections.abc import MutableMapping
from typing import Final

FIRST_FD: Final = 3


def notify(environ: MutableMapping[str, str], *lines: str) -> bool:
    """Tells the service manager, if there is one. Never raises: a daemon does not end because nobody listens."""
    address = environ.get("NOTIFY_SOCKET", "")
    if address[:1] not in ("/", "@"):
        return False
    target = "\0" + address[1:] if address[0] == "@" else address
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
            sock.sendto("\n".join(lines).encode(), target)
    except OSError:
        return False
    return True


def reloading() -> tuple[str, str]:
    """The lines that announce a reload (Type=notify-reload wants the time of its begin)."""
    return "RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}"


def watchdog_seconds(environ: MutableMapping[str, str]) -> float | None:
    """How often the manager wants to hear WATCHDOG=1: half of its limit; None when it does not watch us."""
    try:
        limit = int(environ.get("WATCHDOG_USEC", ""))
        pid = int(environ.get("WATCHDOG_PID", os.getpid()))
    except ValueError:
        return None
    return limit / 2e6 if limit > 0 and pid == os.getpid() else None


def passed_sockets(environ: MutableMapping[str, str]) -> list[tuple[str, socket.socket]]:
    """Listening UNIX sockets that the service manager passed, with their names; the variables are taken away.

    Raises ValueError when what was passed is something else.
    """
    count, pid = environ.pop("LISTEN_FDS", ""), environ.pop("LISTEN_PID", "")
    names = environ.pop("LISTEN_FDNAMES", "").split(":")
    if pid != str(os.getpid()) or not count.isdigit():
        return []
    sockets = []
    for index in range(int(count)):
        descriptor = FIRST_FD + index
        if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
            raise ValueError(f"the service manager passed descriptor {descriptor}, which is no socket")
        os.set_inheritable(descriptor, False)
        sock = socket.socket(fileno=descriptor)
        if sock.family != socket.AF_UNIX or sock.type != socket.SOCK_STREAM:
            raise ValueError(f"the service manager passed descriptor {descriptor}, which is no UNIX stream socket")
        sockets.append((names[index] if index < len(names) else "", sock))
    return sockets
