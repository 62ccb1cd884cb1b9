"""Events as async iterators."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from pyvirtd.errors import ResourceBusy, VirtError

E = TypeVar("E")

QUEUE_MAX = 10_000
"""Events waiting for a reader who doesn't come."""


class Events(Generic[E]):
    """Registered while its block runs; iterate over it for the events in order."""

    def __init__(
        self,
        register: Callable[[Events[E]], Awaitable[Any]],
        deregister: Callable[[Events[E]], Awaitable[Any]],
    ) -> None:
        self._register, self._deregister = register, deregister
        self._queue: deque[E] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._error: VirtError | None = None
        self.callback_id = -1

    async def __aenter__(self) -> Self:
        await self._register(self)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        if self._error is None:
            await self._deregister(self)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> E:
        while not self._queue:
            if self._error is not None:
                raise self._error
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        return self._queue.popleft()

    def deliver(self, event: E) -> None:
        """One event has come."""
        if len(self._queue) >= QUEUE_MAX:
            self.fail(ResourceBusy(f"{QUEUE_MAX} events wait and nobody reads them"))
            return
        self._queue.append(event)
        self._wake()

    def fail(self, error: VirtError) -> None:
        """No more events will come."""
        self._error = error
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
