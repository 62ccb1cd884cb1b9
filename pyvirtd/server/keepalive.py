"""Asks a silent client whether it is there, and gives up when it says nothing for long.

As in libvirt: after `interval` seconds without anything from the client a PING; after `count` of them without an
answer the connection ends, one interval after the last.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from pyvirtd.protocol.frame import PING


class KeepaliveTimer:
    """Costs a received message one attribute: set `heard`. The loop is asked for a timer only once it is started."""

    def __init__(
        self, interval: float, count: int, ask: Callable[[bytes], bool], give_up: Callable[[], None]
    ) -> None:
        """`ask` sends a message and returns False when an answer could not be read now. `interval` <= 0: never."""
        self._interval, self._count = interval, count
        self._ask, self._give_up = ask, give_up
        self._unanswered = 0
        self._timer: asyncio.TimerHandle | None = None
        self._started = False
        self.heard = False

    def start(self) -> None:
        """From now on. Again: does nothing."""
        if not self._started and self._interval > 0:
            self._started = True
            self._schedule()

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _schedule(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._interval, self._tick)

    def _tick(self) -> None:
        if self.heard:
            self.heard = False
            self._unanswered = 0
        elif self._unanswered >= self._count:
            self._timer = None
            self._give_up()
            return
        elif self._ask(PING):
            self._unanswered += 1
        self._schedule()
