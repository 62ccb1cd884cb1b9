"""A stream beside a call: the driver's end of it.

The driver gets a `Stream` as the call's last argument, opens what it streams, calls `serve(handler)` and returns.
After the reply the session runs `handler(stream)` as a task; when it returns the stream is finished, when it raises
the client gets that error. If the client aborts or vanishes, the handler is cancelled: clean up in `finally`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple, Protocol

from pyvirtd.errors import InternalError, InvalidStream

CHUNK: Final = 262_120
"""Bytes that one stream message carries at most (VIR_NET_MESSAGE_LEGACY_PAYLOAD_MAX), towards old clients too."""

INBOX_LIMIT: Final = 1 << 20
"""Bytes from the client that wait for the driver before the session stops reading from the client."""

_MESSAGE_COST: Final = 256
"""What an empty or tiny message is counted as, so that many of them fill the inbox as well."""


class StreamFinished(InvalidStream):
    """Written to after the client finished. A handler that lets it pass ends its stream in good order."""


class Hole(NamedTuple):
    """`length` bytes of zeros that are not sent."""

    length: int


class Link(Protocol):
    """What a stream needs of its session."""

    def send_data(self, data: bytes) -> None: ...
    def send_hole(self, length: int) -> None: ...
    def drained(self) -> Awaitable[None]:
        """Returns when the client has read enough for more to be sent."""
        ...

    def inbox_drained(self) -> None:
        """The driver has taken from the inbox: the session may read on."""
        ...


Handler = Callable[["Stream"], Awaitable[None]]


class Stream:
    """Bytes both ways. `read` and `write` may run in two tasks of the handler at once; each in only one."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._inbox: deque[bytes | Hole] = deque()
        self._inbox_size = 0
        self._finished = False
        self._waiter: asyncio.Future[None] | None = None
        self.handler: Handler | None = None

    # The driver's side

    def serve(self, handler: Handler) -> None:
        """Says what runs after the reply. Once a stream."""
        if self.handler is not None:
            raise InternalError("the stream of this call has a handler already")
        self.handler = handler

    async def read(self) -> bytes | Hole:
        """The client's next data in the pieces it sent, never empty; a Hole only where the client sends holes.

        b"" when the client has finished, and again at every later read.
        """
        while not self._inbox:
            if self._finished:
                return b""
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        item = self._inbox.popleft()
        self._inbox_size -= _cost(item)
        self._link.inbox_drained()
        return item

    async def write(self, data: bytes | bytearray | memoryview) -> None:
        """Sends to the client, of any length; waits while the client is behind."""
        view = memoryview(data)
        for start in range(0, len(view), CHUNK):
            if self._finished:
                raise StreamFinished("the client has finished this stream and takes no more data")
            self._link.send_data(bytes(view[start : start + CHUNK]))
            await self._link.drained()

    async def hole(self, length: int) -> None:
        """Tells the client that `length` bytes of zeros follow. Only where the call's sparse flag was set."""
        if length < 0:
            raise InternalError(f"a hole of {length} bytes")
        if length:
            self._link.send_hole(length)
            await self._link.drained()

    # The session's side

    @property
    def full(self) -> bool:
        """Whether more waits than the inbox should hold."""
        return self._inbox_size >= INBOX_LIMIT

    @property
    def finished(self) -> bool:
        """Whether the client has finished."""
        return self._finished

    def feed(self, item: bytes | Hole) -> None:
        """The client sent this."""
        if item == b"":
            return
        self._inbox.append(item)
        self._inbox_size += _cost(item)
        self._wake()

    def feed_finish(self) -> None:
        """The client has finished: `read` gives b"" when the inbox is empty."""
        self._finished = True
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


def _cost(item: bytes | Hole) -> int:
    return (len(item) if isinstance(item, bytes) else 0) + _MESSAGE_COST
