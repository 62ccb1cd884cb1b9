"""Who is at the other end of a UNIX socket, as the kernel says."""

from __future__ import annotations

import socket
import struct
from pathlib import Path
from typing import Final, NamedTuple

_UCRED: Final = struct.Struct("3i")


class PeerCredentials(NamedTuple):
    pid: int
    uid: int
    gid: int


def peer_credentials(sock: socket.socket) -> PeerCredentials:
    """Of whoever called connect(), or listen() when this end connected (SO_PEERCRED). pid 0: another PID namespace."""
    return PeerCredentials(*_UCRED.unpack(sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)))


def start_time(pid: int) -> int | None:
    """Clock ticks after boot at which the process started (proc(5), stat field 22); None when it is gone."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            stat = file.read()
        # The name, field 2, may hold spaces and parentheses: count from its end.
        return int(stat[stat.rindex(b")") + 2 :].split(None, 20)[19])
    except (OSError, ValueError, IndexError):
        return None


def process_name(pid: int) -> str | None:
    """The program's short name; None when it is gone."""
    try:
        return Path(f"/proc/{pid}/comm").read_text(errors="replace").strip()
    except OSError:
        return None
