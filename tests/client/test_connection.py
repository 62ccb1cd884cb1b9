"""The client against a daemon of a few lines, for what the real one can't be made to do at will."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from pyvirtd.client.connection import Connection
from pyvirtd.client.stream import Hole
from pyvirtd.client.transport import Transport
from pyvirtd.client.uri import target
from pyvirtd.errors import InvalidArg, NoDomain, RPCError
from pyvirtd.protocol import frame
from pyvirtd.protocol.error_body import encode_error
from pyvirtd.protocol.events import event_messages
from pyvirtd.protocol.remote.events import DomainEventReboot
from pyvirtd.protocol.remote.limits import REMOTE
from pyvirtd.protocol.types import DomainRef

REF = DomainRef("vm", bytes(16), 1)
Answer = Callable[[frame.Message], None]


class Daemon:
    """The other end: `answers` by procedure number; everything heard is in `heard`."""

    def __init__(self, sock: socket.socket) -> None:
        self.heard: list[frame.Message] = []
        self.answers: dict[int, Answer] = {}
        self.transport = Transport(sock, self._message, lambda error: None)

    def _message(self, message: frame.Message) -> None:
        self.heard.append(message)
        if message.procedure in self.answers and message.type in (frame.CALL, frame.CALL_WITH_FILES):
            self.answers[message.procedure](message)

    def say(
        self, to: frame.Message, kind: int, body: bytes = b"", status: int = frame.OK, files: tuple[int, ...] = ()
    ) -> None:
        """A message that belongs to a call."""
        head = (to.program, 1, to.procedure, kind, to.serial, status)
        self.transport.send(frame.encode_message(*head, body, len(files)), files)


@pytest.fixture
async def ends(tmp_path: Any) -> AsyncIterator[tuple[Any, Daemon]]:
    """A client connected to a daemon."""
    path = str(tmp_path / "sock")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(1)
        conn = Connection()
        await conn.open(path)
        daemon = Daemon(listener.accept()[0])
    yield conn, daemon
    conn.close()
    daemon.transport.close()


async def test_descriptors_come_back(ends: tuple[Any, Daemon]) -> None:
    conn, daemon = ends
    read_end, write_end = os.pipe()

    def answer(call: frame.Message) -> None:
        daemon.say(call, frame.REPLY_WITH_FILES, files=(write_end,))

    daemon.answers[343] = answer
    passed = await conn.domain_open_graphics_fd(REF, 0)
    assert passed.value is None
    (got,) = passed.files
    os.write(got, b"through")
    assert os.read(read_end, 10) == b"through"
    for file in (got, read_end, write_end):
        os.close(file)


async def test_descriptors_nobody_asked_for_are_closed(ends: tuple[Any, Daemon]) -> None:
    conn, daemon = ends
    read_end, write_end = os.pipe()
    daemon.answers[51] = lambda call: daemon.say(call, frame.REPLY_WITH_FILES, bytes(4), files=(write_end,))
    assert await conn.connect_num_of_domains() == 0
    os.close(write_end)
    assert os.read(read_end, 1) == b""
    os.close(read_end)


async def test_descriptors_go_there(ends: tuple[Any, Daemon]) -> None:
    conn, daemon = ends
    daemon.answers[443] = lambda call: daemon.say(call, frame.REPLY)
    with open(os.devnull) as one, open(os.devnull) as two:  # noqa: ASYNC230
        await conn.domain_fd_associate(REF, "disk", files=[one.fileno(), two.fileno()])
    (call,) = daemon.heard
    assert len(call.files) == 2
    for file in call.files:
        os.close(file)


async def test_an_event_may_overtake_its_registration(ends: tuple[Any, Daemon]) -> None:
    conn, daemon = ends
    event = DomainEventReboot(REF)

    def answer(call: frame.Message) -> None:
        message = event_messages(event).callback(5)
        assert message is not None
        daemon.transport.send(message)
        daemon.say(call, frame.REPLY, bytes([0, 0, 0, 5]))

    daemon.answers[316] = answer
    daemon.answers[317] = lambda call: daemon.say(call, frame.REPLY)
    async with conn.events(DomainEventReboot) as events:
        assert await asyncio.wait_for(anext(events), 5) == event


async def test_a_stream_that_breaks_says_why(ends: tuple[Any, Daemon]) -> None:
    conn, daemon = ends

    def answer(call: frame.Message) -> None:
        daemon.say(call, frame.REPLY)
        daemon.say(call, frame.STREAM, b"first", frame.CONTINUE)
        daemon.say(call, frame.STREAM, encode_error(NoDomain("it went away")), frame.ERROR)

    daemon.answers[201] = answer
    stream = await conn.domain_open_console(REF, None)
    assert await stream.read() == b"first"
    with pytest.raises(NoDomain, match="away"):
        await stream.read()
    with pytest.raises(NoDomain):
        await stream.finish()


async def test_data_may_overtake_the_answer(ends: tuple[Any, Daemon]) -> None:
    """The real libvirtd does that under load."""
    conn, daemon = ends

    def answer(call: frame.Message) -> None:
        daemon.say(call, frame.STREAM_HOLE, frame.encode_hole(10), frame.CONTINUE)
        daemon.say(call, frame.REPLY)
        daemon.say(call, frame.STREAM, b"rest", frame.CONTINUE)

    daemon.answers[209] = answer
    stream = await conn.storage_vol_download(("pool", "volume", "key"), 0, 0, 1)
    assert [await stream.read(), await stream.read()] == [Hole(10), b"rest"]


async def test_silence_ends_the_connection(ends: tuple[Any, Daemon]) -> None:
    conn, daemon = ends
    conn.keepalive(0.02, 2)
    with pytest.raises(RPCError, match="keepalive"):
        await asyncio.wait_for(conn.connect_num_of_domains(), 5)
    assert sum(message.program == frame.Keepalive.PROGRAM for message in daemon.heard) == 2


async def test_a_ping_is_answered(ends: tuple[Any, Daemon]) -> None:
    _, daemon = ends
    daemon.transport.send(frame.PING)
    for _ in range(200):
        if daemon.heard:
            break
        await asyncio.sleep(0.01)
    assert daemon.heard[0][:3] == (frame.Keepalive.PROGRAM, 1, frame.Keepalive.PONG)


async def test_nonsense_from_the_daemon_ends_the_connection(ends: tuple[Any, Daemon]) -> None:
    conn, daemon = ends
    answer = asyncio.ensure_future(conn.connect_num_of_domains())
    daemon.transport.send(bytes(64))
    with pytest.raises(RPCError, match="length"):
        await asyncio.wait_for(answer, 5)


async def test_a_malformed_reply_is_that_calls_error(ends: tuple[Any, Daemon]) -> None:
    conn, daemon = ends
    daemon.answers[51] = lambda call: daemon.say(call, frame.REPLY, b"ab")
    with pytest.raises(RPCError, match="connect_num_of_domains"):
        await conn.connect_num_of_domains()
    assert not conn.lost.done()


async def test_a_malformed_event_ends_the_connection(ends: tuple[Any, Daemon]) -> None:
    conn, daemon = ends
    daemon.transport.send(frame.encode_message(REMOTE, 1, 107, frame.MESSAGE, 1, frame.OK, b"abc"))
    assert isinstance(await asyncio.wait_for(conn.lost, 5), RPCError)


async def test_a_cancelled_call_leaves_the_connection_usable(ends: tuple[Any, Daemon]) -> None:
    conn, daemon = ends
    waiting = asyncio.ensure_future(conn.connect_num_of_domains())
    await asyncio.sleep(0.05)
    waiting.cancel()
    daemon.say(daemon.heard[0], frame.REPLY, bytes(4))
    daemon.answers[110] = lambda call: daemon.say(call, frame.REPLY, b"\0\0\0\4test")
    assert await conn.connect_get_uri() == "test"


def test_uris() -> None:
    assert target("qemu:///system") == ("/run/libvirt/libvirt-sock", "qemu:///system")
    assert target("qemu:///system", readonly=True).socket == "/run/libvirt/libvirt-sock-ro"
    assert target("test+unix:///default?socket=/a/b&mode=direct") == ("/a/b", "test:///default?mode=direct")
    with pytest.raises(InvalidArg):
        target("qemu+ssh://host/system")
