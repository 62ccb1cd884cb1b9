import array
import asyncio
import os
import socket
from collections.abc import Iterator

import pytest

from pyvirtd.server.channel import HIGH_WATER, Channel


class Owner:
    def __init__(self) -> None:
        self.data = b""
        self.files: list[int] = []
        self.reasons: list[str] = []
        self.relieved = 0

    def received(self, data: bytes, files: list[int]) -> None:
        self.data += data
        self.files += files

    def disconnected(self, reason: str) -> None:
        self.reasons.append(reason)

    def writable(self) -> None:
        self.relieved += 1


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    yield ours, theirs
    ours.close()
    theirs.close()


Pair = tuple[socket.socket, socket.socket]


async def turns(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0.002)


async def test_reads_only_while_told_to(pair: Pair) -> None:
    channel = Channel(pair[0], owner := Owner())
    pair[1].send(b"one")
    await turns()
    assert owner.data == b""
    channel.resume()
    await turns()
    assert owner.data == b"one"
    channel.pause()
    pair[1].send(b"two")
    await turns()
    assert owner.data == b"one"
    pair[1].close()
    channel.resume()
    await turns()
    assert owner.data == b"onetwo"
    assert owner.reasons == ["the client closed the connection"]
    assert channel.closed


async def test_descriptors_both_ways(pair: Pair) -> None:
    channel = Channel(pair[0], owner := Owner())
    channel.resume()
    read, write = os.pipe()
    pair[1].sendmsg([b"\0"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [read]))])
    await turns()
    assert owner.data == b"\0"
    [passed] = owner.files
    assert not os.get_inheritable(passed)
    channel.send(b"head", [os.dup(write)])
    channel.send(b"tail")
    await turns()
    data, files = b"", []
    for _ in range(3):
        piece, got, _, _ = socket.recv_fds(pair[1], 100, 4)
        data += piece
        files += got
        if len(data) == 9:
            break
    assert data == b"head\0tail"
    os.write(files[0], b"through")
    assert os.read(passed, 10) == b"through"
    for descriptor in (read, write, passed, *files):
        os.close(descriptor)


async def test_too_many_descriptors_end_the_connection_and_leak_nothing(pair: Pair) -> None:
    channel = Channel(pair[0], owner := Owner())
    channel.resume()
    before = len(os.listdir("/proc/self/fd"))
    many = array.array("i", [pair[1].fileno()] * 64)
    pair[1].sendmsg([b"\0"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, many)])
    await turns()
    assert owner.files == []
    assert owner.reasons == ["passed more file descriptors than a message may have"]
    assert len(os.listdir("/proc/self/fd")) == before - 1


async def test_a_slow_reader_congests_and_relieves(pair: Pair) -> None:
    channel = Channel(pair[0], owner := Owner())
    total = 0
    while not channel.congested:
        channel.send(b"x" * 100_000)
        total += 100_000
    await turns()
    assert channel.pending > HIGH_WATER // 2
    assert owner.relieved == 0
    received = 0
    pair[1].setblocking(False)
    while received < total:
        try:
            received += len(pair[1].recv(1 << 20))
        except BlockingIOError:
            await asyncio.sleep(0.001)
    assert owner.relieved == 1
    assert not channel.congested
    assert channel.pending == 0


async def test_many_small_sends_keep_their_order(pair: Pair) -> None:
    channel = Channel(pair[0], Owner())
    expected = b"".join(b"%06d" % n for n in range(50_000))
    for n in range(50_000):
        channel.send(b"%06d" % n)
    received = b""
    pair[1].setblocking(False)
    while len(received) < len(expected):
        try:
            received += pair[1].recv(70_001)
        except BlockingIOError:
            await asyncio.sleep(0.001)
    assert received == expected


async def test_close_sends_what_fits_and_closes_queued_descriptors(pair: Pair) -> None:
    channel = Channel(pair[0], owner := Owner())
    channel.send(b"bye")
    channel.close()
    channel.close()
    assert pair[1].recv(10) == b"bye"
    assert owner.reasons == ["closed by the daemon"]
    descriptor = os.open(os.devnull, os.O_RDONLY)
    channel.send(b"late", [descriptor])
    with pytest.raises(OSError, match="Bad file"):
        os.fstat(descriptor)


async def test_a_client_that_is_gone_ends_the_channel_at_the_next_send(pair: Pair) -> None:
    channel = Channel(pair[0], owner := Owner())
    pair[1].close()
    channel.send(b"x")
    await turns()
    assert owner.reasons == ["the client closed the connection"]
