"""A connection: calls with their replies, streams, events and keepalive over one socket."""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final, NamedTuple, TypeVar

from pyvirtd.client.events import Events
from pyvirtd.client.stream import INBOX_MAX, ClientStream
from pyvirtd.client.transport import Transport
from pyvirtd.client.uri import target
from pyvirtd.errors import AuthFailed, InvalidArg, RPCError, VirtError
from pyvirtd.protocol import frame
from pyvirtd.protocol.calls import EVENTS, Call, Event, Passed, Program
from pyvirtd.protocol.codec import args_encoder, reply_decoder
from pyvirtd.protocol.error_body import decode_error
from pyvirtd.protocol.events import decode_event
from pyvirtd.protocol.lxc import LxcCalls
from pyvirtd.protocol.qemu import QEMU, QemuCalls
from pyvirtd.protocol.remote import events as _declares_events
from pyvirtd.protocol.remote.hypervisor import HypervisorCalls
from pyvirtd.protocol.remote.interface import InterfaceCalls
from pyvirtd.protocol.remote.network import NetworkCalls
from pyvirtd.protocol.remote.nodedev import NodeDeviceCalls
from pyvirtd.protocol.remote.nwfilter import NWFilterCalls
from pyvirtd.protocol.remote.secret import SecretCalls
from pyvirtd.protocol.remote.session import SessionCalls
from pyvirtd.protocol.remote.storage import StorageCalls

assert _declares_events

PROGRAMS: Final[tuple[type[Program], ...]] = (
    SessionCalls, HypervisorCalls, NetworkCalls, InterfaceCalls, StorageCalls, NodeDeviceCalls, SecretCalls,
    NWFilterCalls, QemuCalls, LxcCalls,
)  # fmt: skip
AUTH_NONE, AUTH_SASL, AUTH_POLKIT = range(3)
EARLY_MAX: Final = 256
"""Events kept that came before the answer which tells whose they are."""

E = TypeVar("E")


class Waiting(NamedTuple):
    """A call on its way."""

    declared: Call
    reply: asyncio.Future[Any]
    stream: ClientStream | None


class Connection:
    """Every declared call is a coroutine method; see the package's docstring. Made by `connect`."""

    def __init__(self, programs: tuple[type[Program], ...] = PROGRAMS) -> None:
        self._calls: dict[str, Call] = {name: call for cls in programs for name, call in cls.calls.items()}
        self._transport: Transport | None = None
        self._serial = 0
        self._waiting: dict[int, Waiting] = {}
        self._streams: dict[int, ClientStream] = {}
        self._events: dict[tuple[int, int, int], Events[Any]] = {}
        self._early: deque[tuple[tuple[int, int, int], Any]] = deque(maxlen=EARLY_MAX)
        self._timer: asyncio.TimerHandle | None = None
        self._unanswered = 0
        self.lost: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()
        """Done when the connection is over: None, or what broke it."""

    async def open(self, path: str) -> None:
        """Connect the socket; nothing is said on it yet."""
        self._transport = await Transport.open(path, self._message, self._lost)

    def close(self) -> None:
        """Drop the connection without a word."""
        if self._transport is not None:
            self._transport.close(None)

    # Calls

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        declared = self.__dict__.get("_calls", {}).get(name)
        if declared is None:
            raise AttributeError(f"no call {name} is declared")

        def call(*args: Any, **kwargs: Any) -> Awaitable[Any]:
            return self.call(declared, *args, **kwargs)

        return call

    def declared(self, name: str) -> Call:
        """The declaration behind a method."""
        return self._calls[name]

    async def call(self, declared: Call, *args: Any, files: tuple[int, ...] | list[int] = (), **kwargs: Any) -> Any:
        """Send one call and wait for its answer."""
        return await self.send_raw(declared, args_encoder(declared)(*args, **kwargs), files)

    async def send_raw(self, declared: Call, body: bytes, files: tuple[int, ...] | list[int] = ()) -> Any:
        """The same with arguments that are encoded already."""
        transport = self._transport
        if transport is None or transport.closed:
            raise RPCError(f"{declared.name}: the connection is closed")
        self._serial += 1
        serial = self._serial
        reply = asyncio.get_running_loop().create_future()
        # The daemon may send a stream's data before it answers the call.
        stream = self._open_stream(declared, serial) if declared.stream is not None else None
        self._waiting[serial] = Waiting(declared, reply, stream)
        kind = frame.CALL_WITH_FILES if files else frame.CALL
        head = (declared.program, 1, declared.number)
        transport.send(frame.encode_message(*head, kind, serial, frame.OK, body, len(files)), files)
        try:
            return await reply
        except BaseException:
            self._streams.pop(serial, None)
            raise
        finally:
            del self._waiting[serial]

    def _reply(self, message: frame.Message) -> None:
        waiting = self._waiting.get(message.serial)
        if waiting is None or waiting.reply.done():
            _close(message.files)
            return
        declared, reply, stream = waiting
        try:
            if message.status == frame.ERROR:
                _close(message.files)
                raise decode_error(message.body)
            value = reply_decoder(declared)(message.body)
        except VirtError as error:
            reply.set_exception(error)
            return
        if declared.files in ("out", "both"):
            value = Passed(value, list(message.files))
        else:
            _close(message.files)
        if stream is None:
            reply.set_result(value)
        else:
            stream.reply = value
            reply.set_result(stream)

    def _open_stream(self, declared: Call, serial: int) -> ClientStream:
        transport = self._transport
        assert transport is not None

        def send(kind: int, status: int, body: bytes) -> None:
            transport.send(frame.encode_message(declared.program, 1, declared.number, kind, serial, status, body))

        def done() -> None:
            self._streams.pop(serial, None)
            self._flow()

        stream = self._streams[serial] = ClientStream(send, transport.drain, self._flow, done)
        return stream

    def _flow(self) -> None:
        """Readers of streams that don't keep up stop the socket."""
        if self._transport is not None:
            self._transport.pause(any(stream.unread > INBOX_MAX for stream in self._streams.values()))

    # What comes in

    def _message(self, message: frame.Message) -> None:
        self._unanswered = 0
        if message.program == frame.Keepalive.PROGRAM:
            if message.procedure == frame.Keepalive.PING and self._transport is not None:
                self._transport.send(frame.PONG)
        elif message.type in (frame.REPLY, frame.REPLY_WITH_FILES):
            self._reply(message)
        elif message.type in (frame.STREAM, frame.STREAM_HOLE):
            stream = self._streams.get(message.serial)
            if stream is not None:
                stream.deliver(message)
        elif message.type == frame.MESSAGE:
            self._event(message)

    def _event(self, message: frame.Message) -> None:
        if (message.program, message.procedure) not in EVENTS:
            return
        callback_id, event = decode_event(message.program, message.procedure, message.body)
        key = (message.program, message.procedure, -1 if callback_id is None else callback_id)
        if key in self._events:
            self._events[key].deliver(event)
        else:
            self._early.append((key, event))

    def _lost(self, error: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        broken = RPCError(f"the connection is lost: {error or 'the daemon closed it'}")
        for waiting in self._waiting.values():
            if not waiting.reply.done():
                waiting.reply.set_exception(broken)
        for stream in list(self._streams.values()):
            stream.fail(broken)
        for events in self._events.values():
            events.fail(broken)
        if not self.lost.done():
            self.lost.set_result(error)

    # Events

    def events(self, kind: type[E], of: Any = None) -> Events[E]:
        """Events of one declared class, of one object (its reference) or of all. Use it as a context manager."""
        declared: Event = kind.__event__  # type: ignore[attr-defined]
        if declared.callback is None:
            raise InvalidArg(f"{kind.__name__} can't be registered for")

        async def register(events: Events[E]) -> None:
            events.callback_id = await self._register(declared, of)
            key = (declared.program, declared.callback or 0, events.callback_id)
            self._events[key] = events
            for early, event in [pair for pair in self._early if pair[0] == key]:
                self._early.remove((early, event))
                events.deliver(event)

        async def deregister(events: Events[E]) -> None:
            self._events.pop((declared.program, declared.callback or 0, events.callback_id), None)
            await self._deregister(declared, events.callback_id)

        return Events(register, deregister)

    async def _register(self, declared: Event, of: Any) -> int:
        if declared.program == QEMU:
            answer = self.connect_domain_monitor_event_register(of, None, 0)
        elif declared.object == "domain":
            answer = self.connect_domain_event_callback_register_any(declared.event_id, of)
        else:
            answer = getattr(self, f"connect_{declared.object}_event_register_any")(declared.event_id, of)
        return int(await answer)

    async def _deregister(self, declared: Event, callback_id: int) -> None:
        if declared.program == QEMU:
            await self.connect_domain_monitor_event_deregister(callback_id)
        elif declared.object == "domain":
            await self.connect_domain_event_callback_deregister_any(callback_id)
        else:
            await getattr(self, f"connect_{declared.object}_event_deregister_any")(callback_id)

    # Keepalive

    def keepalive(self, interval: float, count: int) -> None:
        """Ask every `interval` seconds whether the daemon is there; `count` silences in a row end the connection."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(interval, self._ping, interval, count)

    def _ping(self, interval: float, count: int) -> None:
        if self._transport is None or self._transport.closed:
            return
        if self._unanswered >= count:
            self._transport.close(RPCError(f"no answer to {count} keepalive messages in {interval * count} seconds"))
            return
        self._unanswered += 1
        self._transport.send(frame.PING)
        self.keepalive(interval, count)


def _close(files: tuple[int, ...]) -> None:
    for file in files:
        os.close(file)


async def authenticate(conn: Connection) -> None:
    """What the daemon wants before it talks; this client can be let in by its socket or by polkit."""
    kinds = await conn.auth_list()
    if AUTH_NONE in kinds or not kinds:
        return
    if AUTH_POLKIT in kinds:
        await conn.auth_polkit()
        return
    raise AuthFailed(f"the daemon offers the authentication types {kinds}, this client knows none and polkit")


@asynccontextmanager
async def connect(
    uri: str, *, readonly: bool = False, keepalive: tuple[float, int] | None = None
) -> AsyncIterator[Any]:
    """A connection to the daemon behind a URI, opened, authenticated, and closed in good order after the block.

    `keepalive`: (seconds between questions, unanswered ones that end it). OSError where nobody listens.
    The value is a `Connection`; it is typed as Any because its calls are made from the declarations.
    """
    where = target(uri, readonly=readonly)
    conn = Connection()
    await conn.open(where.socket)
    try:
        await authenticate(conn)
        await conn.connect_open(where.name, 1 if readonly else 0)
        if keepalive is not None:
            conn.keepalive(*keepalive)
        yield conn
        if not conn.lost.done():
            await conn.connect_close()
    finally:
        conn.close()
