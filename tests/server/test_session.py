"""Transcripts: what a client sends, and what it gets."""

import asyncio
import os
from pathlib import Path

import pytest

from pyvirtd.core.client import current
from pyvirtd.errors import (
    ErrorDomain,
    InternalError,
    InvalidArg,
    NoConnect,
    NoDomain,
    NoSupport,
    OperationDenied,
    RPCError,
)
from pyvirtd.protocol.constants.features import DriverFeature
from pyvirtd.protocol.frame import CALL, ERROR, MESSAGE, OK, PING, PONG, REPLY, encode_message
from pyvirtd.server.server import Limits
from tests.harness.wire import DOMAIN, OTHER, AllCalls, World, until


async def test_open_ask_close(world: World) -> None:
    peer = world.connect()
    assert await peer.call("auth_list") == [0]
    assert await peer.call("connect_supports_feature", DriverFeature.PROGRAM_KEEPALIVE) == 1
    await peer.call("connect_open", "fake:///", 0)
    assert await peer.call("connect_get_uri") == "fake:///"
    assert await peer.call("connect_get_type") == "Fake"
    assert await peer.call("connect_get_lib_version") == 12_006_000
    assert await peer.call("connect_is_secure") == 1
    assert await peer.call("domain_lookup_by_name", "one") == DOMAIN
    await peer.call("connect_close")
    assert await peer.is_cut_off()
    assert not world.server.sessions


async def test_no_name_opens_the_default(world: World) -> None:
    for name in (None, ""):
        peer = await world.peer(name)
        assert await peer.call("connect_get_uri") == "fake:///"


@pytest.mark.parametrize(
    ("uri", "error"),
    [("qemu:///system", NoConnect), ("fake://host/", NoConnect), ("fake+ssh:///", NoConnect), ("nothing", NoConnect)],
)
async def test_uris_that_cannot_be_opened(world: World, uri: str, error: type[Exception]) -> None:
    peer = world.connect()
    with pytest.raises(error):
        await peer.call("connect_open", uri, 0)
    await peer.call("connect_open", "fake:///", 0)
    with pytest.raises(InternalError, match="already"):
        await peer.call("connect_open", "fake:///", 0)


async def test_before_the_connection_is_open(world: World) -> None:
    peer = world.connect()
    with pytest.raises(InternalError, match="open connection"):
        await peer.call("domain_lookup_by_name", "one")
    with pytest.raises(InternalError, match="open connection"):
        await peer.call("connect_supports_feature", DriverFeature.MIGRATION_V3)


async def test_errors_carry_code_and_domain(world: World) -> None:
    peer = await world.peer()
    with pytest.raises(NoDomain, match="no domain 'three'") as error:
        await peer.call("domain_lookup_by_name", "three")
    assert error.value.domain == ErrorDomain.TEST
    with pytest.raises(NoSupport, match="virDomainMemoryStats"):
        await peer.call("domain_memory_stats", DOMAIN, 0)
    with pytest.raises(InvalidArg, match="unsupported flags 0x2"):
        await peer.call("domain_shutdown_flags", DOMAIN, 2)


async def test_bugs_are_errors_of_that_call_alone(world: World, caplog: pytest.LogCaptureFixture) -> None:
    peer = await world.peer()
    for name, args in (("connect_get_hostname", ()), ("connect_get_max_vcpus", (None,))):
        with pytest.raises(InternalError, match="failed inside pyvirtd"):
            await peer.call(name, *args)
    assert "ValueError: a bug" in caplog.text
    assert await peer.call("connect_get_type") == "Fake"


async def test_unknown_programs_procedures_and_versions(world: World) -> None:
    peer = await world.peer()
    remote = AllCalls.calls["connect_get_type"].program
    for program, version, procedure, kind, status in (
        (0x12345, 1, 1, CALL, OK),
        (remote, 1, 9999, CALL, OK),
        (remote, 1, -1, CALL, OK),
        (remote, 2, 3, CALL, OK),
        (remote, 1, 3, CALL, ERROR),
    ):
        peer.serial += 1
        await peer.send(encode_message(program, version, procedure, kind, peer.serial, status))
        with pytest.raises(RPCError):
            await peer.reply("connect_get_type", peer.serial)
    await peer.send(encode_message(remote, 1, 3, REPLY, 77, OK))
    await peer.send(encode_message(remote, 1, 3, MESSAGE, 77, OK))
    assert await peer.call("connect_get_type") == "Fake"


async def test_malformed_arguments_are_the_calls_error(world: World) -> None:
    peer = await world.peer()
    declared = AllCalls.calls["domain_lookup_by_name"]
    for body in (b"", b"\0\0\0\4ab", b"\xff\xff\xff\xff", b"\0\0\0\1a\0\0\0extra", b"\0\0\0\1aXXX"):
        serial = await peer.send_body(declared, body)
        with pytest.raises(RPCError):
            await peer.reply("domain_lookup_by_name", serial)
    assert await peer.call("domain_lookup_by_name", "one") == DOMAIN


async def test_a_broken_frame_ends_the_connection(world: World) -> None:
    peer = await world.peer()
    await peer.send(b"\0\0\0\3abc")
    assert await peer.is_cut_off()


async def test_read_only_clients_only_look(world: World) -> None:
    for peer in (await world.peer(readonly=True), await world.peer(flags=1)):
        assert await peer.call("domain_lookup_by_name", "one") == DOMAIN
        with pytest.raises(OperationDenied):
            await peer.call("domain_shutdown_flags", DOMAIN, 0)
        with pytest.raises(OperationDenied):
            await peer.call("domain_open_console", DOMAIN, None, 0)


async def test_slow_calls_do_not_hold_up_quick_ones(world: World) -> None:
    peer = await world.peer()
    slow = await peer.send_call("domain_shutdown_flags", DOMAIN, 1)
    gone = await peer.send_call("domain_shutdown_flags", OTHER, 0)
    assert await peer.call("connect_get_type") == "Fake"
    world.driver.gate.set()
    await peer.reply("domain_shutdown_flags", slow)
    with pytest.raises(NoDomain) as error:
        await peer.reply("domain_shutdown_flags", gone)
    assert error.value.domain == ErrorDomain.QEMU


async def test_calls_under_way_are_bounded_and_the_rest_waits(tmp_path: Path) -> None:
    world = World(tmp_path, Limits(max_client_requests=2))
    peer = await world.peer()
    serials = [await peer.send_call("domain_shutdown_flags", DOMAIN, 0) for _ in range(5)]
    quick = await peer.send_call("connect_get_type")
    assert await peer.quiet()
    assert world.driver.started == 2
    other = await world.peer()
    assert await other.call("connect_get_type") == "Fake"
    world.driver.gate.set()
    for serial in serials:
        await peer.reply("domain_shutdown_flags", serial)
    assert await peer.reply("connect_get_type", quick) == "Fake"
    assert world.driver.started == 5
    world.close()


async def test_many_calls_at_once_are_answered_in_order(world: World) -> None:
    peer = await world.peer()
    calls = b"".join(encode_message(0x20008086, 1, 3, CALL, 1000 + n, OK) for n in range(1000))
    sending = asyncio.ensure_future(peer.send(calls))
    for n in range(1000):
        message = await peer.find(lambda m: m.type == REPLY)
        assert message.serial == 1000 + n
    await sending


async def test_replies_that_are_not_read_stop_the_calls(world: World) -> None:
    peer = await world.peer(send_buffer=1 << 16)
    session = next(iter(world.server.sessions.values()))
    calls = b"".join(encode_message(0x20008086, 1, 3, CALL, n, OK) for n in range(200_000))
    sending = asyncio.ensure_future(peer.send(calls))
    await until(lambda: session.channel.congested, 30)
    assert session.channel.pending < 2 << 20
    seen = 0
    while seen < 200_000:
        await peer.more()
        seen += len(peer.inbox)
        peer.inbox.clear()
    await sending


async def test_descriptors_in_and_out_leak_nothing(world: World) -> None:
    peer = await world.peer()
    read, write = os.pipe()
    before = len(os.listdir("/proc/self/fd"))
    assert await peer.call("domain_create_with_files", DOMAIN, 0, files=(read, write)) == DOMAIN
    assert len(os.listdir("/proc/self/fd")) == before + 2
    os.write(write, b"hello")
    assert os.read(world.driver.files[0], 10) == b"hello"
    for descriptor in (*world.driver.files, read, write):
        os.close(descriptor)
    passed = await peer.call("domain_open_graphics_fd", DOMAIN, 0, 0)
    os.write(world.driver.files[0], b"out")
    assert os.read(passed.files[0], 10) == b"out"
    for descriptor in (*passed.files, *world.driver.files):
        os.close(descriptor)
    # To a call that takes none they are passed in vain.
    declared = AllCalls.calls["domain_lookup_by_name"]
    serial = await peer.send_body(declared, b"", files=(peer.sock.fileno(),) * 3)
    with pytest.raises(RPCError):
        await peer.reply("domain_lookup_by_name", serial)
    assert len(os.listdir("/proc/self/fd")) == before - 2


async def test_a_client_that_vanishes_leaves_its_call_to_end(world: World) -> None:
    peer = await world.peer()
    await peer.send_call("domain_shutdown_flags", DOMAIN, 0)
    await asyncio.sleep(0.02)
    await until(lambda: world.driver.started)
    peer.close()
    await until(lambda: not world.server.sessions)
    world.driver.gate.set()
    await asyncio.sleep(0.02)
    assert world.driver.started == 1


async def test_a_ping_is_answered(world: World) -> None:
    peer = await world.peer()
    await peer.send(PING)
    assert await peer.keepalive() == PONG


async def test_drivers_see_their_client(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def lookup(self: object, name: str) -> object:
        seen.append((current().id, current().identity.pid, current().readonly, current().call))
        return DOMAIN

    lookup.__supports__ = 0  # type: ignore[attr-defined]
    monkeypatch.setattr(type(world.driver), "domain_lookup_by_name", lookup)
    one, two = await world.peer(), await world.peer(readonly=True)
    await one.call("domain_lookup_by_name", "x")
    await two.call("domain_lookup_by_name", "x")
    await one.call("domain_lookup_by_name", "x")
    name = "domain_lookup_by_name"
    assert seen == [(1, os.getpid(), False, name), (2, os.getpid(), True, name), (1, os.getpid(), False, name)]


async def quiet(world: World, count: int) -> bool:
    await asyncio.sleep(0.05)
    return len(world.server.sessions) == count


async def test_clients_beyond_the_limit_wait(tmp_path: Path) -> None:
    import socket

    world = World(tmp_path, Limits(max_clients=2, max_anonymous_clients=2))
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(tmp_path / "s"))
    world.server.listen(listening, path=tmp_path / "s")
    clients = []
    for _ in range(3):
        clients.append(client := socket.socket(socket.AF_UNIX))
        client.connect(str(tmp_path / "s"))
    await until(lambda: len(world.server.sessions) == 2)
    assert await quiet(world, 2)
    clients[0].close()
    await until(lambda: 3 in world.server.sessions)
    assert {session.client.id for session in world.server.sessions.values()} == {2, 3}
    for client in clients:
        client.close()
    world.close()
    assert not (tmp_path / "s").exists()
