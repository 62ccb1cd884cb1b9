import asyncio
from pathlib import Path

from pyvirtd.protocol.constants.features import DriverFeature
from pyvirtd.protocol.frame import PING, PONG
from pyvirtd.server.keepalive import KeepaliveTimer
from pyvirtd.server.server import Limits
from tests.harness.wire import DOMAIN, World


def slow_world(tmp_path: Path, **limits: int) -> World:
    return World(tmp_path, Limits(**limits, keepalive_interval=1, keepalive_count=1))


async def supported(world: World) -> object:
    peer = await world.peer()
    [session] = world.server.sessions.values()
    session.keepalive._interval = 0.03
    assert await peer.call("connect_supports_feature", DriverFeature.PROGRAM_KEEPALIVE) == 1
    return peer


async def test_a_dead_client_is_cut_off(tmp_path: Path) -> None:
    world = slow_world(tmp_path)
    peer = await supported(world)
    assert await peer.keepalive() == PING  # type: ignore[attr-defined]
    assert await peer.is_cut_off()  # type: ignore[attr-defined]
    assert not world.server.sessions
    world.close()


async def test_a_client_that_answers_stays(tmp_path: Path) -> None:
    world = slow_world(tmp_path)
    peer = await supported(world)
    for _ in range(6):
        assert await peer.keepalive() == PING  # type: ignore[attr-defined]
        await peer.send(PONG)  # type: ignore[attr-defined]
    assert len(world.server.sessions) == 1
    world.close()


async def test_a_client_that_did_not_ask_for_it_is_left_alone(tmp_path: Path) -> None:
    world = slow_world(tmp_path)
    peer = await world.peer()
    [session] = world.server.sessions.values()
    session.keepalive._interval = 0.01
    assert await peer.quiet(0.1)
    assert len(world.server.sessions) == 1
    world.close()


async def test_silence_of_a_client_that_is_not_read_counts_for_nothing(tmp_path: Path) -> None:
    world = slow_world(tmp_path, max_client_requests=1)
    peer = await supported(world)
    await peer.send_call("domain_shutdown_flags", DOMAIN, 0)  # type: ignore[attr-defined]
    await asyncio.sleep(0.3)
    assert len(world.server.sessions) == 1
    world.close()


async def test_never_when_told_so() -> None:
    timer = KeepaliveTimer(-1, 5, lambda data: True, lambda: None)
    timer.start()
    assert timer._timer is None
