import asyncio

import pytest

from pyvirtd.core.stream import CHUNK, INBOX_LIMIT, Hole, Stream
from pyvirtd.errors import InternalError, InvalidStream


class FakeLink:
    def __init__(self) -> None:
        self.sent: list[object] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.taken = 0

    def send_data(self, data: bytes) -> None:
        self.sent.append(data)

    def send_hole(self, length: int) -> None:
        self.sent.append(Hole(length))

    async def drained(self) -> None:
        await self.gate.wait()

    def inbox_drained(self) -> None:
        self.taken += 1


async def test_reads_what_the_client_sent_then_the_end() -> None:
    stream = Stream(link := FakeLink())
    reader = asyncio.ensure_future(stream.read())
    await asyncio.sleep(0)
    stream.feed(b"ab")
    stream.feed(Hole(5))
    stream.feed_finish()
    assert await reader == b"ab"
    assert await stream.read() == Hole(5)
    assert await stream.read() == b""
    assert await stream.read() == b""
    assert link.taken == 2


async def test_large_writes_are_cut_and_wait_for_the_client() -> None:
    stream = Stream(link := FakeLink())
    link.gate.clear()
    writer = asyncio.ensure_future(stream.write(b"x" * (CHUNK + 1)))
    await asyncio.sleep(0)
    assert [len(data) for data in link.sent if isinstance(data, bytes)] == [CHUNK]
    link.gate.set()
    await writer
    assert link.sent == [b"x" * CHUNK, b"x"]
    await stream.hole(9)
    assert link.sent[-1] == Hole(9)


async def test_full_counts_bytes_and_messages() -> None:
    stream = Stream(FakeLink())
    stream.feed(b"x" * INBOX_LIMIT)
    assert stream.full
    await stream.read()
    assert not stream.full
    for _ in range(INBOX_LIMIT // 200):
        stream.feed(Hole(1))
    assert stream.full


async def test_misuse_is_an_error() -> None:
    stream = Stream(FakeLink())

    async def handler(stream: Stream) -> None: ...

    stream.serve(handler)
    with pytest.raises(InternalError):
        stream.serve(handler)
    stream.feed_finish()
    with pytest.raises(InvalidStream):
        await stream.write(b"x")
