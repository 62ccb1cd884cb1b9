"""A server: its sockets, its clients, their limits. The daemon has two, `libvirtd` and `admin`."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pyvirtd.core.client import Identity
from pyvirtd.errors import OperationInvalid
from pyvirtd.host.peer import peer_credentials, start_time
from pyvirtd.protocol.bind import Tables
from pyvirtd.protocol.calls import Program
from pyvirtd.server.listener import Listener
from pyvirtd.server.session import Session

log = logging.getLogger(__name__)


@dataclass
class Limits:
    """Of one server; all may be changed while it runs."""

    max_clients: int = 5000
    max_anonymous_clients: int = 20
    max_client_requests: int = 5
    keepalive_interval: int = 5
    keepalive_count: int = 5


class Server:
    """Listens where it is told, and makes a session of each client."""

    def __init__(self, name: str, greeting: Tables, declarations: list[type[Program]], limits: Limits) -> None:
        """`declarations`: the programs that are spoken, to tell unknown procedures from unsupported ones."""
        self.name = name
        self.limits = limits
        self.sessions: dict[int, Session] = {}
        self.idle_changed: Callable[[], None] = lambda: None
        """Called when the first client comes and when the last one goes."""
        self._greeting = greeting
        self._listeners: list[Listener] = []
        self._next_id = 0
        self._closing = False
        self.programs: dict[int, dict[int, str]] = {}
        for declared in declarations:
            for call in declared.calls.values():
                # Users know a call by its name in the library, which is what the declaration's docstring says.
                public = (call.function.__doc__ or "").partition(".")[0]
                name = public if public.startswith("vir") else call.name
                self.programs.setdefault(call.program, {})[call.number] = name

    # What sessions need

    @property
    def max_client_requests(self) -> int:
        return self.limits.max_client_requests

    @property
    def keepalive_interval(self) -> int:
        return self.limits.keepalive_interval

    @property
    def keepalive_count(self) -> int:
        return self.limits.keepalive_count

    def greeting(self, session: Session) -> Tables:
        return self._greeting

    def ended(self, session: Session) -> None:
        self.sessions.pop(session.client.id, None)
        if not self._closing:
            self.check_limits()
            if not self.sessions:
                self.idle_changed()

    # Sockets

    def listen(self, sock: socket.socket, *, readonly: bool = False, path: Path | None = None) -> None:
        """Takes over a bound socket. `path`: the file to remove at the end, for sockets of our own making."""
        listener = Listener(sock, lambda client: self._accepted(client, readonly), path=path)
        self._listeners.append(listener)
        listener.start()

    def check_limits(self) -> None:
        """Accepts or not, as the limits and the clients now are."""
        anonymous = sum(1 for session in self.sessions.values() if not session.authenticated)
        full = len(self.sessions) >= self.limits.max_clients or anonymous >= self.limits.max_anonymous_clients
        for listener in self._listeners:
            if full:
                listener.pause()
            else:
                listener.resume()

    def set_client_limits(self, max_clients: int, max_anonymous_clients: int) -> None:
        """Raises OperationInvalid for numbers that make no sense together."""
        if not 1 <= max_anonymous_clients <= max_clients:
            raise OperationInvalid(
                f"at most {max_clients} clients of which {max_anonymous_clients} unauthenticated: the first must be"
                " positive and not below the second"
            )
        self.limits.max_clients, self.limits.max_anonymous_clients = max_clients, max_anonymous_clients
        self.check_limits()

    def stop_listening(self) -> None:
        """Removes the sockets; clients stay."""
        self._closing = True
        for listener in self._listeners:
            listener.close()
        self._listeners.clear()

    def close(self) -> None:
        """Ends everything at once."""
        self.stop_listening()
        for session in list(self.sessions.values()):
            session.close("the daemon ends")

    def _accepted(self, sock: socket.socket, readonly: bool) -> None:
        try:
            peer = peer_credentials(sock)
        except OSError:
            sock.close()
            return
        self._next_id += 1
        identity = Identity(peer.uid, peer.gid, peer.pid, start_time(peer.pid))
        session = Session(sock, self, self._next_id, readonly=readonly, identity=identity)
        self.sessions[session.client.id] = session
        if len(self.sessions) == 1:
            self.idle_changed()
        if len(self.sessions) >= self.limits.max_clients:
            log.warning("server %s has its %d clients: more have to wait", self.name, len(self.sessions))
            self.check_limits()
        session.start()
