"""The session's end of a stream: messages to and from `core.stream.Stream`, and how it ends.

Who ends it, and what follows (c: client, s: server)::

    handler returns    s: empty CONTINUE (where data goes to the client), then c: OK, s: OK
    handler raises     s: ERROR; whatever the client still sends is dropped
    client finishes    c: OK; the handler reads b"" and returns; s: OK, or ERROR when it raises
    client aborts      c: ERROR; the handler is cancelled; s: OK
    client vanishes    the handler is cancelled
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Final

from pyvirtd.core.stream import Hole, Stream, StreamFinished
from pyvirtd.core.tasks import spawn
from pyvirtd.errors import VirtError
from pyvirtd.protocol.bind import BoundCall
from pyvirtd.protocol.frame import (
    CONTINUE,
    ERROR,
    OK,
    STREAM,
    STREAM_HOLE,
    Message,
    decode_hole,
    encode_hole,
    encode_message,
)

if TYPE_CHECKING:
    from pyvirtd.server.session import Session

log = logging.getLogger(__name__)

StreamKey = tuple[int, int, int]
"""Program, procedure and serial of the call."""

_FINISH_GRACE: Final = 5.0
"""Seconds a handler has to return after the client has finished a stream that only the daemon sends on."""


class ServerStream(Stream):
    """Given to the driver as its Stream; `start` runs the handler that the driver left."""

    def __init__(self, session: Session, call: Message, *, both: bool) -> None:
        """`both`: declared as "read": the end of data is announced before the finish. Consoles send both ways on it."""
        super().__init__(self)
        self.key: StreamKey = (call.program, call.procedure, call.serial)
        self._session = session
        self._announces_end = both
        self._bound: BoundCall | None = None
        self._task: asyncio.Task[None] | None = None
        self._served = False
        self._aborted = False
        self._ended = False

    # Link: what Stream needs

    def send_data(self, data: bytes) -> None:
        self._send(STREAM, CONTINUE, data)

    def send_hole(self, length: int) -> None:
        self._send(STREAM_HOLE, CONTINUE, encode_hole(length))

    def drained(self) -> Awaitable[None]:
        return self._session.drained()

    def inbox_drained(self) -> None:
        if not self.full:
            self._session.stream_relieved(self.key)

    # From the session

    def start(self, bound: BoundCall) -> None:
        """Runs the handler. Where the client has gone already, it is cancelled at once."""
        self._bound = bound
        self._task = spawn(self._run(), name=f"stream of {bound.name} of {self._session.client}")
        if self._session.channel.closed:
            self._task.cancel()

    def take(self, message: Message) -> None:
        """A stream message of the client's."""
        if self._ended or self._aborted:
            return
        if message.type == STREAM_HOLE:
            try:
                length, _ = decode_hole(message.body)
            except VirtError as error:
                self._fail(error)
                return
            self._feed(Hole(length))
        elif message.status == CONTINUE:
            self._feed(message.body)
        elif message.status == OK:
            self._client_finished()
        else:
            self._client_aborted()

    def vanish(self) -> None:
        """The connection has ended."""
        self._ended = True
        if self._task is not None:
            self._task.cancel()

    # How it ends

    async def _run(self) -> None:
        assert self.handler is not None
        try:
            await self.handler(self)
        except asyncio.CancelledError:
            if self._aborted or self._finished:
                self._end(OK, b"")
            else:
                raise
        except Exception as error:
            if self._aborted or isinstance(error, StreamFinished):
                self._end(OK, b"")
            else:
                self._fail(error)
        else:
            self._served = True
            if self._finished or self._aborted:
                self._end(OK, b"")
            elif self._announces_end:
                self._send(STREAM, CONTINUE, b"")

    def _feed(self, item: bytes | Hole) -> None:
        if self._served or self._finished:
            return  # the handler wants no more; the client's finish is still to come
        self.feed(item)
        if self.full:
            self._session.stream_full(self.key)

    def _client_finished(self) -> None:
        self.feed_finish()
        if self._served:
            self._end(OK, b"")
        elif self._task is not None and self._announces_end:
            asyncio.get_running_loop().call_later(_FINISH_GRACE, self._task.cancel)

    def _client_aborted(self) -> None:
        self._aborted = True
        self._session.stream_relieved(self.key)
        if self._served or self._task is None:
            self._end(OK, b"")
        else:
            self._task.cancel()

    def _fail(self, error: Exception) -> None:
        if self._ended:
            if not isinstance(error, VirtError):
                log.error("the stream handler failed after its end", exc_info=error)
            return
        self._end(ERROR, self._session.error_body(error, self._bound))
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()

    def _end(self, status: int, body: bytes) -> None:
        self._send(STREAM, status, body)
        self._ended = True
        self._session.stream_ended(self.key)

    def _send(self, kind: int, status: int, body: bytes) -> None:
        if not self._ended:
            program, procedure, serial = self.key
            self._session.channel.send(encode_message(program, 1, procedure, kind, serial, status, body))
