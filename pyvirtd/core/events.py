"""Events from drivers to whoever listens: synchronous, in order, one bus a driver.

An event is a NamedTuple that `protocol` declares; its class says which procedures carry it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

log = logging.getLogger(__name__)

Event = tuple[Any, ...]
Listener = Callable[[Event], None]


class EventBus:
    """One driver's events. Clients hear the buses of those drivers that their connection is made of."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []
        self._kept: list[tuple[float, Event]] = []
        self.hub: object = None
        """The server's: what it has made of this bus."""

    def emit(self, event: Event, *, keep: float = 0.0) -> None:
        """Hands the event to every listener before it returns. A listener that raises is logged, never the emitter's.

        `keep`: seconds during which a client that registers later still gets it: for what happened to a guest while
        no daemon ran.
        """
        if keep > 0:
            self._kept.append((time.monotonic() + keep, event))
        for listener in tuple(self._listeners):
            try:
                listener(event)
            except Exception:
                log.exception("a listener failed on %s", type(event).__name__)

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Calls `listener` with every event from now on; returns what ends that."""
        self._listeners.append(listener)

        def undo() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return undo

    def kept(self) -> list[Event]:
        """Events that were emitted with `keep` and have not expired, oldest first."""
        if self._kept:
            now = time.monotonic()
            self._kept = [entry for entry in self._kept if entry[0] > now]
        return [event for _, event in self._kept]
