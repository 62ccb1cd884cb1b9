"""The client's end of a stream."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

from pyvirtd.errors import VirtError
from pyvirtd.protocol.error_body import decode_error
from pyvirtd.protocol.frame import (
    CONTINUE,
    ERROR,
    OK,
    STREAM,
    STREAM_HOLE,
    Message,
    decode_hole,
    encode_hole,
)

CHUNK: Final = 262_120
"""Bytes in a stream message at most: what every version of libvirt takes."""

INBOX_MAX: Final = 4 << 20
"""Bytes unread at which the whole connection stops reading."""


class Hole(NamedTuple):
    """`length` bytes of zeros that did not travel."""

    length: int


class ClientStream:
    """Data both ways beside a call. Use it as a context manager: it finishes, or aborts when the block raises."""

    def __init__(
        self,
        send: Callable[[int, int, bytes], None],
        drain: Callable[[], Any],
        flow: Callable[[], None],
        done: Callable[[], None],
    ) -> None:
        self.reply: Any = None
        """What the call itself answered."""
        self._send, self._drain, self._flow, self._done = send, drain, flow, done
        self._inbox: deque[bytes | Hole] = deque()
        self.unread = 0
        self._ended = False
        self._error: Exception | None = None
        self._closed: asyncio.Future[None] | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._over = False

    async def read(self) -> bytes | Hole:
        """The next piece; b"" at the end of the data. The daemon's error, or that of a lost connection."""
        while not self._inbox:
            if self._error is not None:
                raise self._error
            if self._ended or self._over:
                return b""
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        item = self._inbox.popleft()
        if isinstance(item, bytes):
            self.unread -= len(item)
            self._flow()
        return item

    async def __aiter__(self) -> AsyncIterator[bytes | Hole]:
        while item := await self.read():
            yield item

    async def write(self, data: bytes) -> None:
        """Send data, in as many messages as it takes; waits while too much is queued."""
        for start in range(0, len(data), CHUNK):
            self._check()
            self._send(STREAM, CONTINUE, data[start : start + CHUNK])
            await self._drain()

    async def hole(self, length: int) -> None:
        """Skip `length` bytes. The call must have had its sparse flag."""
        self._check()
        self._send(STREAM_HOLE, CONTINUE, encode_hole(length))
        await self._drain()

    def _check(self) -> None:
        if self._error is not None:
            raise self._error

    async def finish(self) -> None:
        """End it in good order and hear whether everything arrived."""
        await self._end(OK)

    async def abort(self) -> None:
        """End it without caring for the rest."""
        await self._end(ERROR)

    async def _end(self, status: int) -> None:
        if self._error is not None and status == OK:
            raise self._error
        if self._over or self._error is not None:
            return
        self._closed = asyncio.get_running_loop().create_future()
        self._send(STREAM, status, b"")
        self._inbox.clear()
        self.unread = 0
        self._flow()
        await self._closed
        if self._error is not None and status == OK:
            raise self._error

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        await (self.finish() if kind is None else self.abort())

    # What the connection hears

    def deliver(self, message: Message) -> None:
        """One stream message of this call."""
        if message.status == ERROR:
            self.fail(decode_error(message.body) if message.body else VirtError("the daemon aborted the stream"))
        elif message.status == OK:
            self._over = True
            self._finish()
        elif self._closed is None:
            if message.type == STREAM_HOLE:
                self._inbox.append(Hole(decode_hole(message.body)[0]))
            elif message.body:
                self._inbox.append(message.body)
                self.unread += len(message.body)
                self._flow()
            else:
                self._ended = True
        self._wake()

    def fail(self, error: Exception) -> None:
        """The stream is over because of that."""
        self._error = error
        self._finish()
        self._wake()

    def _finish(self) -> None:
        self._done()
        if self._closed is not None and not self._closed.done():
            self._closed.set_result(None)

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
