"""One client's conversation: messages in, calls to whoever answers them, replies out.

Everything that comes from the loop for this client runs in a context where `core.client.current()` is this client,
so the hot path sets nothing. A call is looked up in the table, decoded, called, encoded and queued; the channel
writes all replies of one read together.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import time
from collections import deque
from collections.abc import Awaitable, Callable
from contextvars import copy_context
from typing import Any, Final, Protocol

from pyvirtd.core.client import CURRENT, Client, Identity, current
from pyvirtd.core.tasks import spawn
from pyvirtd.errors import ErrorDomain, InternalError, NoSupport, RPCError, VirtError
from pyvirtd.protocol.bind import BoundCall, Tables
from pyvirtd.protocol.calls import Passed
from pyvirtd.protocol.error_body import encode_error
from pyvirtd.protocol.frame import (
    CALL,
    CALL_WITH_FILES,
    ERROR,
    OK,
    PONG,
    REPLY,
    REPLY_WITH_FILES,
    STREAM,
    STREAM_HOLE,
    BrokenFrame,
    Framer,
    Keepalive,
    Message,
    encode_message,
)
from pyvirtd.server.channel import CUT_OFF, Channel
from pyvirtd.server.keepalive import KeepaliveTimer
from pyvirtd.server.streams import ServerStream, StreamKey

log = logging.getLogger(__name__)

MESSAGES_A_TURN: Final = 128
"""Messages of one client that are answered before others get their turn."""
STREAMS_MAX: Final = 256
"""Open streams of one client."""


class Service(Protocol):
    """What a session needs of the server that it belongs to."""

    @property
    def max_client_requests(self) -> int: ...
    @property
    def keepalive_interval(self) -> int: ...
    @property
    def keepalive_count(self) -> int: ...
    @property
    def programs(self) -> dict[int, dict[int, str]]:
        """Known programs, and the names of their procedures by number."""
        ...

    def greeting(self, session: Session) -> Tables:
        """The calls that a client may make before it has opened a connection."""
        ...

    def ended(self, session: Session) -> None: ...


class SessionClient(Client):
    """The client as drivers see it, and the way back to its session for the server's own calls."""

    session: Session


def current_session() -> Session:
    """The session whose call is running."""
    client = current()
    assert isinstance(client, SessionClient)
    return client.session


class Session:
    """Made with an accepted socket, which is its own from then on; it reads when `start` is called."""

    def __init__(
        self, sock: socket.socket, service: Service, id: int, *, readonly: bool = False, identity: Identity = Identity()  # noqa: B008
    ) -> None:
        self.service = service
        self.client = SessionClient(id, readonly=readonly, identity=identity)
        self.client.session = self
        self.connected_at = time.time()
        self.authenticated = True
        self.channel = Channel(sock, self)
        self.keepalive = KeepaliveTimer(
            service.keepalive_interval, service.keepalive_count, self._send_ping, self._keepalive_failed
        )
        self.streams: dict[StreamKey, ServerStream] = {}
        self.tables = service.greeting(self)
        self.connection: Any = None
        """What connect_open made: the desk's business. None: not open."""
        self._in_flight = 0
        self._full_streams: set[StreamKey] = set()
        self._backlog: deque[Message] = deque()
        self._pumping = False
        self._framer = Framer()
        self._room: list[asyncio.Future[None]] = []
        self._closing = False
        self._context = copy_context()
        self._context.run(CURRENT.set, self.client)

    def start(self) -> None:
        self._inside(self.channel.resume)

    def close(self, reason: str = "closed by the daemon") -> None:
        """Ends the conversation at once."""
        self.channel.close(reason)

    def close_when_sent(self) -> None:
        """Ends it as soon as everything queued has been sent; no more calls are taken."""
        self._closing = True
        asyncio.get_running_loop().call_soon(self._close_if_sent)

    @property
    def blocked(self) -> bool:
        """Whether this client has to wait: too many calls under way, replies not read, or streams full."""
        return (
            self._in_flight >= self.service.max_client_requests or self.channel.congested or bool(self._full_streams)
        )

    @property
    def in_flight(self) -> int:
        """Calls that have begun and not been answered."""
        return self._in_flight

    def _inside(self, function: Callable[..., object], *args: object) -> None:
        """Calls it where `current()` is this client. A copy: a context cannot be entered twice."""
        self._context.copy().run(function, *args)

    # From the channel

    def received(self, data: bytes, files: list[int]) -> None:
        self.keepalive.heard = True
        try:
            messages = self._framer.feed(data, files)
        except BrokenFrame as error:
            log.info("%s sent no messages of the protocol: %s", self.client, error)
            self.close(f"protocol error: {error}")
            return
        if self._backlog or self._closing or len(messages) > MESSAGES_A_TURN:
            self._backlog.extend(messages)
            self._pump()
            return
        for index, message in enumerate(messages):
            if message.type == CALL:
                self._call(message)
            else:
                self._take(message)
            if self.channel.congested or self._in_flight >= self.service.max_client_requests or self._full_streams:
                self._backlog.extend(messages[index + 1 :])
                self.channel.pause()
                return

    def writable(self) -> None:
        waiting, self._room = self._room, []
        for waiter in waiting:
            if not waiter.done():
                waiter.set_result(None)
        self._pump_soon()

    def disconnected(self, reason: str) -> None:
        log.debug("%s: %s", self.client, reason)
        self.keepalive.stop()
        for stream in list(self.streams.values()):
            stream.vanish()
        self.streams.clear()
        for waiter in self._room:
            waiter.cancel()
        self._room.clear()
        _close_files(self._framer.take_files())
        for message in self._backlog:
            _close_files(message.files)
        self._backlog.clear()
        self._inside(self.client.close)
        self.service.ended(self)

    # Taking turns

    def _pump_soon(self) -> None:
        if not self._pumping and not self.channel.closed:
            self._pumping = True
            asyncio.get_running_loop().call_soon(self._pump, context=self._context.copy())

    def _pump(self) -> None:
        """Works off what has been read; reads on when all of it is done."""
        self._pumping = False
        for _ in range(MESSAGES_A_TURN):
            if not self._backlog or self.blocked or self._closing or self.channel.closed:
                break
            self._take(self._backlog.popleft())
        if self.channel.closed:
            return
        if self._backlog and not self.blocked and not self._closing:
            self.channel.pause()
            self._pump_soon()
        elif self._backlog or self.blocked or self._closing:
            self.channel.pause()
        else:
            self._inside(self.channel.resume)

    def _close_if_sent(self) -> None:
        if self.channel.pending and not self.channel.closed:
            asyncio.get_running_loop().call_later(0.05, self._close_if_sent)
        else:
            self.close("the client closed its connection")

    # Messages

    def _take(self, message: Message) -> None:
        kind = message.type
        if message.program == Keepalive.PROGRAM:
            if message.procedure == Keepalive.PING:
                self.channel.send(PONG)
        elif kind in (CALL, CALL_WITH_FILES):
            self._call(message)
        elif kind in (STREAM, STREAM_HOLE):
            stream = self.streams.get((message.program, message.procedure, message.serial))
            # Data may still be under way when a stream has ended here; libvirt's daemons drop it as well.
            if stream is not None:
                stream.take(message)
        else:
            _close_files(message.files)
            log.info("%s sent a message of type %d, which only a daemon sends", self.client, kind)

    def _call(self, message: Message) -> None:
        """One call, answered before this returns unless it has to wait."""
        program, version, procedure, _, serial, status, body, passed = message
        files = list(passed)
        bound: BoundCall | None = None
        try:
            try:
                bound = self.tables[program][procedure]
            except KeyError:
                raise self._missing(program, procedure) from None
            if version != 1:
                raise RPCError(f"program {program:#x} has no version {version} here; it has version 1")
            if status != OK:
                raise RPCError(f"a call with status {status}; calls have status {OK}")
            args, encode = bound.decode(body)
            self.client.call = bound.name
            if bound.stream is not None:
                self._call_with_stream(bound, message, args, encode)
                return
            result: Any = bound.method(*args, files) if bound.files_in else bound.method(*args)
            if bound.is_async or hasattr(result, "__await__"):
                self._in_flight += 1
                spawn(self._later(bound, message, result, encode, files), name=f"{bound.name} of {self.client}")
                files = []
            elif bound.files_out:
                self._reply_with_files(message, encode, result)
            else:
                self.channel.send(encode_message(program, 1, procedure, REPLY, serial, OK, encode(result)))
        except Exception as error:
            self._reply_error(message, bound, error)
        if files:
            _close_files(files)

    async def _later(
        self,
        bound: BoundCall,
        message: Message,
        result: Awaitable[Any],
        encode: Callable[[Any], bytes],
        files: list[int],
    ) -> None:
        try:
            value = await result
            if bound.files_out:
                self._reply_with_files(message, encode, value)
            else:
                self._reply(message, encode(value))
        except asyncio.CancelledError:
            self._reply_error(message, bound, InternalError("the daemon ended while this call was under way"))
            raise
        except Exception as error:
            self._reply_error(message, bound, error)
        finally:
            _close_files(files)
            self._call_done()

    def _call_done(self) -> None:
        self._in_flight -= 1
        if self._backlog or self._in_flight == self.service.max_client_requests - 1:
            self._pump_soon()

    # Calls with a stream

    def _call_with_stream(
        self, bound: BoundCall, message: Message, args: tuple[Any, ...], encode: Callable[[Any], bytes]
    ) -> None:
        if len(self.streams) >= STREAMS_MAX:
            raise RPCError(f"{len(self.streams)} streams are open; one client may have {STREAMS_MAX}")
        stream = ServerStream(self, message, both=bound.stream == "read")
        result = bound.method(*args, stream)
        if bound.is_async or hasattr(result, "__await__"):
            self._in_flight += 1
            spawn(self._stream_later(bound, message, stream, result, encode), name=f"{bound.name} of {self.client}")
        else:
            self._open_stream(bound, message, stream, encode(result))

    async def _stream_later(
        self,
        bound: BoundCall,
        message: Message,
        stream: ServerStream,
        result: Awaitable[Any],
        encode: Callable[[Any], bytes],
    ) -> None:
        try:
            self._open_stream(bound, message, stream, encode(await result))
        except asyncio.CancelledError:
            self._reply_error(message, bound, InternalError("the daemon ended while this call was under way"))
            raise
        except Exception as error:
            self._reply_error(message, bound, error)
        finally:
            self._call_done()

    def _open_stream(self, bound: BoundCall, message: Message, stream: ServerStream, body: bytes) -> None:
        if stream.handler is None:
            raise InternalError(f"{bound.name} took its stream and left it without a handler")
        if stream.key in self.streams:
            raise RPCError(f"serial {message.serial} of {bound.name} has an open stream already")
        self._reply(message, body)
        if not self.channel.closed:
            self.streams[stream.key] = stream
        # Also when the client has gone meanwhile: the handler's `finally` lets go of what the driver opened.
        self._inside(stream.start, bound)

    def stream_ended(self, key: StreamKey) -> None:
        """For the stream: it has said its last word."""
        self.streams.pop(key, None)
        self.stream_relieved(key)

    def stream_full(self, key: StreamKey) -> None:
        """For the stream: the driver does not take what the client sends."""
        self._full_streams.add(key)
        self.channel.pause()

    def stream_relieved(self, key: StreamKey) -> None:
        """For the stream: the driver has taken some."""
        if key in self._full_streams:
            self._full_streams.discard(key)
            self._pump_soon()

    async def drained(self) -> None:
        """Returns when the client has read most of what waits for it. Cancelled when it is gone."""
        if self.channel.closed:
            raise asyncio.CancelledError
        if self.channel.congested:
            waiter = asyncio.get_running_loop().create_future()
            self._room.append(waiter)
            await waiter
        else:
            await asyncio.sleep(0)  # one client's stream must not keep the loop from the others

    # Sending

    def send_event(self, data: bytes) -> None:
        """A whole message nobody asked for. A client that does not read is cut off, not buffered without end."""
        if self.channel.pending + len(data) > CUT_OFF:
            log.warning("%s does not read its events: cut off with %d bytes waiting", self.client, self.channel.pending)
            # Not from within: the driver that emits must not run this client's close callbacks in its own call.
            self._closing = True
            asyncio.get_running_loop().call_soon(self.close, "does not read its events", context=self._context.copy())
            return
        if not self._closing:
            self.channel.send(data)

    def _reply(self, message: Message, body: bytes) -> None:
        self.channel.send(
            encode_message(message.program, message.version, message.procedure, REPLY, message.serial, OK, body)
        )

    def _reply_with_files(self, message: Message, encode: Callable[[Any], bytes], passed: Passed[Any]) -> None:
        files = passed.files
        kind = REPLY_WITH_FILES if files else REPLY
        try:
            body = encode(passed.value)
            data = encode_message(message.program, 1, message.procedure, kind, message.serial, OK, body, len(files))
        except BaseException:
            _close_files(files)
            raise
        self.channel.send(data, files)

    def _reply_error(self, message: Message, bound: BoundCall | None, error: Exception) -> None:
        body = self.error_body(error, bound)
        self.channel.send(
            encode_message(message.program, message.version, message.procedure, REPLY, message.serial, ERROR, body)
        )

    def error_body(self, error: Exception, bound: BoundCall | None) -> bytes:
        """The wire's error struct; what is no VirtError is a bug of ours and goes to the log with its traceback."""
        name = bound.name if bound is not None else "a call"
        domain = getattr(bound.owner, "error_domain", ErrorDomain.NONE) if bound is not None else ErrorDomain.RPC
        if isinstance(error, RPCError):
            domain = ErrorDomain.RPC
        if not isinstance(error, VirtError):
            log.error("%s of %s failed", name, self.client, exc_info=error)
            error = InternalError(f"{name} failed inside pyvirtd ({type(error).__name__}); its log says more")
        else:
            log.debug("%s of %s: %s", name, self.client, error)
        try:
            return encode_error(error, domain)
        except Exception:
            log.exception("the error of %s cannot be sent", name)
            return encode_error(InternalError(f"{name} failed, and its error cannot be sent"), domain)

    def _missing(self, program: int, procedure: int) -> VirtError:
        """The error for a call that is not in the table."""
        procedures = self.service.programs.get(program)
        if procedures is None:
            return RPCError(f"no program {program:#x} here")
        name = procedures.get(procedure)
        if name is None:
            return RPCError(f"program {program:#x} has no procedure {procedure}")
        if not self.authenticated:
            return RPCError(f"{name} needs an authenticated client")
        if self.connection is None:
            return InternalError(f"{name} needs an open connection, and this client has not opened one")
        return NoSupport(f"the driver of this connection does not provide {name}", domain=ErrorDomain.NONE)

    # Keepalive

    def _send_ping(self, message: bytes) -> bool:
        """Sends it, unless what the client sends is not read just now: then its silence says nothing."""
        if self.blocked or self._backlog:
            return False
        self.channel.send(message)
        return True

    def _keepalive_failed(self) -> None:
        log.info("%s does not answer keepalive messages: cut off", self.client)
        self.close("keepalive timeout")


def _close_files(files: list[int] | tuple[int, ...]) -> None:
    for descriptor in files:
        os.close(descriptor)
