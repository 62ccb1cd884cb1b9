"""Who is calling: the client whose call runs right now.

The session sets it around every call and every stream handler, so that drivers and jobs can name the client in
errors, tie things to its life (autodestroy) and look at its rights without having it handed through every call.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextvars import ContextVar
from typing import Final, NamedTuple

log = logging.getLogger(__name__)


class Identity(NamedTuple):
    """The peer as the kernel knew it at connect (SO_PEERCRED). None: the transport cannot tell."""

    uid: int | None = None
    gid: int | None = None
    pid: int | None = None
    start_time: int | None = None
    """Clock ticks after boot: with pid it names a process for good, so a reused pid is not mistaken for it."""


class Client:
    """One connection of one client. `id` is unique in the daemon's life and never 0."""

    def __init__(self, id: int, *, readonly: bool = False, identity: Identity = Identity()) -> None:  # noqa: B008
        self.id = id
        self.readonly = readonly
        self.identity = identity
        self.call = ""
        """Name of the procedure that was last dispatched: what a job that this client holds is blamed on."""
        self._close_callbacks: dict[int, Callable[[], None]] = {}
        self._next_callback = 0
        self.closed = False

    def __str__(self) -> str:
        pid = f" (pid {self.identity.pid})" if self.identity.pid is not None else ""
        return f"client {self.id}{pid}"

    def on_close(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Calls `callback` once when the connection ends, in the order of registration; at once if it has ended.

        Returns what takes the registration back; calling that twice or after the end does nothing.
        """
        if self.closed:
            callback()
            return lambda: None
        self._next_callback += 1
        number = self._next_callback
        self._close_callbacks[number] = callback

        def undo() -> None:
            self._close_callbacks.pop(number, None)

        return undo

    def close(self) -> None:
        """Runs the close callbacks. For the session; a callback that raises is logged and does not stop the next."""
        self.closed = True
        while self._close_callbacks:
            callback = self._close_callbacks.pop(next(iter(self._close_callbacks)))
            try:
                callback()
            except Exception:
                log.exception("close callback of %s failed", self)


DAEMON: Final = Client(0)
"""The daemon itself: autostart, reattaching, timers."""

CURRENT: Final[ContextVar[Client]] = ContextVar("client", default=DAEMON)
"""For the session, which sets it; everybody else reads `current()`."""


def current() -> Client:
    """The client whose call is running; DAEMON outside of any call."""
    return CURRENT.get()
