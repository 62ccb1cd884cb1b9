"""The event loop: asyncio's own, which looks twice before it goes to sleep.

A client that makes one call after another sends the next one some 20 us after the answer. Waking up a process that went
to sleep meanwhile takes longer than the whole call, so after each bout of work the loop polls for a moment before it
blocks. Where that does not pay (no answer within the moment, time after time) it stops doing so by itself.
"""

from __future__ import annotations

import asyncio
import os
import selectors
import time
from typing import Final

MOMENT: Final = 50e-6
"""Seconds of polling before a sleep; a wake-up costs about as much."""
_FRESH: Final = 2e-3
"""Seconds after the last event within which another one is likely."""
_GIVE_UP: Final = 16
"""After so many moments in vain only each so many-th is tried."""


class EagerSelector(selectors.EpollSelector):
    """Polls for a moment before it blocks, while that pays."""

    def __init__(self) -> None:
        super().__init__()
        self._last = 0.0
        self._vain = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """See the base class."""
        if (timeout is None or timeout > MOMENT) and time.perf_counter() - self._last < _FRESH:
            ready = self._poll_a_moment()
            if ready:
                return ready
        ready = super().select(timeout)
        if ready:
            self._last = time.perf_counter()
        return ready

    def _poll_a_moment(self) -> list[tuple[selectors.SelectorKey, int]]:
        self._vain += 1
        if self._vain > _GIVE_UP and self._vain % _GIVE_UP:
            return []
        end = time.perf_counter() + MOMENT
        while True:
            ready = super().select(0)
            now = time.perf_counter()
            if ready:
                self._last, self._vain = now, 0
                return ready
            if now > end:
                return []


def new_loop() -> asyncio.AbstractEventLoop:
    """For `asyncio.Runner`. With a single processor polling would only keep the client from running."""
    several = len(os.sched_getaffinity(0)) > 1
    return asyncio.SelectorEventLoop(EagerSelector() if several else None)
