import asyncio

import pytest

from pyvirtd.core.stream import INBOX_LIMIT, Hole
from pyvirtd.errors import InternalError, NoDomain, RPCError
from pyvirtd.protocol.frame import CONTINUE, ERROR, OK
from tests.harness.wire import DOMAIN, VOLUME, AllCalls, World, until

UP, DOWN, CONSOLE = "storage_vol_upload", "storage_vol_download", "domain_open_console"
BAD = VOLUME._replace(name="bad")


async def turns() -> None:
    await asyncio.sleep(0.03)


async def test_upload(world: World) -> None:
    world.driver.release.set()
    peer = await world.peer()
    await peer.call(UP, VOLUME, 0, 0, 0)
    serial = peer.serial
    await peer.stream(UP, serial, b"ab")
    await peer.stream(UP, serial, Hole(1 << 40))
    await peer.stream(UP, serial, b"cd")
    await peer.stream(UP, serial, status=OK)
    assert await peer.stream_message(serial) == ("finish", None)
    assert world.driver.got == [b"ab", Hole(1 << 40), b"cd"]
    assert not next(iter(world.server.sessions.values())).streams


async def test_an_upload_that_fails_says_so_at_the_finish(world: World) -> None:
    world.driver.release.set()
    peer = await world.peer()
    await peer.call(UP, BAD, 0, 0, 0)
    await peer.stream(UP, peer.serial, b"ab")
    await peer.stream(UP, peer.serial, status=OK)
    kind, error = await peer.stream_message(peer.serial)
    assert kind == "error"
    assert isinstance(error, NoDomain)


async def test_download_with_holes(world: World) -> None:
    peer = await world.peer()
    await peer.call(DOWN, VOLUME, 77, 3 << 20, 1)
    serial = peer.serial
    assert await peer.stream_message(serial) == ("hole", 77)
    total = 0
    while True:
        kind, data = await peer.stream_message(serial)
        assert kind == "data"
        if not data:
            break
        total += len(data)
    assert total == 3 << 20
    await peer.stream(DOWN, serial, status=OK)
    assert await peer.stream_message(serial) == ("finish", None)
    assert world.driver.ended == ["download"]


async def test_a_bug_in_a_handler_aborts_its_stream_alone(world: World, caplog: pytest.LogCaptureFixture) -> None:
    peer = await world.peer()
    await peer.call(DOWN, BAD, 0, 10, 0)
    assert await peer.stream_message(peer.serial) == ("data", b"z" * 10)
    kind, error = await peer.stream_message(peer.serial)
    assert kind == "error"
    assert isinstance(error, InternalError)
    assert "RuntimeError: a bug" in caplog.text
    await peer.stream(DOWN, peer.serial, status=ERROR)
    assert await peer.call("connect_get_type") == "Fake"


async def test_a_slow_reader_holds_the_driver_up(world: World) -> None:
    peer = await world.peer()
    await peer.call(DOWN, VOLUME, 0, 64 << 20, 0)
    await asyncio.sleep(0.2)
    [session] = world.server.sessions.values()
    assert session.channel.pending < 4 << 20
    assert world.driver.ended == []
    other = await world.peer()
    assert await other.call("connect_get_type") == "Fake"
    total, serial = 0, peer.serial
    while data := (await peer.stream_message(serial))[1]:
        total += len(data)
    assert total == 64 << 20


async def test_a_slow_driver_holds_the_client_up(world: World) -> None:
    peer = await world.peer()
    await peer.call(UP, VOLUME, 0, 0, 0)
    serial = peer.serial
    [session] = world.server.sessions.values()
    sending = asyncio.ensure_future(send_much(peer, serial, 200))
    await until(lambda: session.blocked)
    assert not sending.done()
    stream = session.streams[next(iter(session.streams))]
    assert stream._inbox_size < INBOX_LIMIT + 300_000
    world.driver.release.set()
    await sending
    await peer.stream(UP, serial, status=OK)
    assert await peer.stream_message(serial) == ("finish", None)
    assert sum(len(item) for item in world.driver.got if isinstance(item, bytes)) == 200 * 100_000
    assert await peer.call("connect_get_type") == "Fake"


async def send_much(peer: object, serial: int, count: int) -> None:
    for _ in range(count):
        await peer.stream(UP, serial, b"x" * 100_000)  # type: ignore[attr-defined]


async def test_abort_cancels_the_handler_and_is_confirmed(world: World) -> None:
    peer = await world.peer()
    await peer.call(UP, VOLUME, 0, 0, 0)
    await peer.stream(UP, peer.serial, b"ab")
    await peer.stream(UP, peer.serial, status=ERROR)
    assert await peer.stream_message(peer.serial) == ("finish", None)
    assert world.driver.ended == ["upload"]
    await peer.stream(UP, peer.serial, b"late")
    assert await peer.call("connect_get_type") == "Fake"


async def test_abort_of_a_download_that_nobody_reads(world: World) -> None:
    peer = await world.peer()
    await peer.call(DOWN, VOLUME, 0, 64 << 20, 0)
    await turns()
    await peer.stream(DOWN, peer.serial, status=ERROR)
    while True:
        kind, _ = await peer.stream_message(peer.serial)
        if kind == "finish":
            break
    assert world.driver.ended == ["download"]


async def test_finishing_a_download_early(world: World) -> None:
    peer = await world.peer()
    await peer.call(DOWN, VOLUME, 0, 64 << 20, 0)
    await peer.stream(DOWN, peer.serial, status=OK)
    while (kind := (await peer.stream_message(peer.serial))[0]) == "data":
        pass
    assert kind == "finish"
    assert world.driver.ended == ["download"]


async def test_console_both_ways(world: World) -> None:
    peer = await world.peer()
    await peer.call(CONSOLE, DOMAIN, None, 0)
    serial = peer.serial
    for text in (b"ls\n", b"exit\n"):
        await peer.stream(CONSOLE, serial, text)
        assert await peer.stream_message(serial) == ("data", text)
    await peer.stream(CONSOLE, serial, status=OK)
    assert await peer.stream_message(serial) == ("finish", None)
    assert world.driver.ended == ["console"]


async def test_a_client_that_vanishes_mid_stream(world: World) -> None:
    for name, args in ((CONSOLE, (DOMAIN, None, 0)), (UP, (VOLUME, 0, 0, 0)), (DOWN, (VOLUME, 0, 64 << 20, 0))):
        peer = await world.peer()
        await peer.call(name, *args)
        peer.close()
    await until(lambda: not world.server.sessions)
    await until(lambda: len(world.driver.ended) == 3)
    assert sorted(world.driver.ended) == ["console", "download", "upload"]


async def test_a_client_that_vanishes_while_it_is_not_read(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyvirtd.server.channel._WATCH_SECONDS", 0.05)
    peer = await world.peer()
    await peer.call(UP, VOLUME, 0, 0, 0)
    sending = asyncio.ensure_future(send_much(peer, peer.serial, 200))
    [session] = world.server.sessions.values()
    await until(lambda: session.blocked)
    assert not sending.done()
    sending.cancel()
    peer.close()
    await until(lambda: not world.server.sessions)
    await until(lambda: world.driver.ended == ["upload"])


async def test_a_driver_that_forgets_the_stream(world: World) -> None:
    peer = await world.peer()
    with pytest.raises(InternalError, match="without a handler"):
        await peer.call(CONSOLE, DOMAIN, "unserved", 0)


async def test_messages_for_no_stream_and_broken_holes(world: World) -> None:
    peer = await world.peer()
    await peer.stream(UP, 999, b"x")
    await peer.stream(UP, 999, Hole(3))
    await peer.call(UP, VOLUME, 0, 0, 0)
    declared = AllCalls.calls[UP]
    from pyvirtd.protocol.frame import STREAM_HOLE, encode_message

    await peer.send(encode_message(declared.program, 1, declared.number, STREAM_HOLE, peer.serial, CONTINUE, b"xx"))
    kind, error = await peer.stream_message(peer.serial)
    assert kind == "error"
    assert isinstance(error, RPCError)
    assert await peer.call("connect_get_type") == "Fake"


async def test_streams_of_one_client_are_bounded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyvirtd.server.session.STREAMS_MAX", 2)
    peer = await world.peer()
    for _ in range(2):
        await peer.call(CONSOLE, DOMAIN, None, 0)
    with pytest.raises(RPCError, match="2 streams are open"):
        await peer.call(CONSOLE, DOMAIN, None, 0)
