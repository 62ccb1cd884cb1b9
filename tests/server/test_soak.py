"""Slow leaks: descriptors, memory and sessions stay flat."""

import gc
import os
import weakref
from pathlib import Path

import pytest

from tests.harness.wire import DOMAIN, VOLUME, World


def resident() -> int:
    """Bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def life(world: World) -> None:
    """One client with a bit of everything, which leaves without a word."""
    peer = await world.peer()
    await peer.call("domain_lookup_by_name", "one")
    await peer.call("connect_domain_event_callback_register_any", 0, DOMAIN)
    await peer.call("domain_open_console", DOMAIN, None, 0)
    await peer.call("storage_vol_download", VOLUME, 0, 10, 0)
    await peer.call("domain_suspend", DOMAIN)
    await peer.event()
    read, write = os.pipe()
    await peer.call("domain_create_with_files", DOMAIN, 0, files=(read, write))
    for descriptor in (read, write, *world.driver.files):
        os.close(descriptor)
    peer.close()
    world.peers.remove(peer)
    world.driver.ended.clear()


@pytest.mark.parametrize("count", [30, pytest.param(3000, marks=pytest.mark.slow)])
async def test_clients_come_and_go(world: World, count: int) -> None:
    import asyncio

    for _ in range(10):
        await life(world)
    await asyncio.sleep(0.05)
    gc.collect()
    descriptors, memory = len(os.listdir("/proc/self/fd")), resident()
    seen = []
    for _ in range(count):
        await life(world)
        seen += [weakref.ref(session) for session in world.server.sessions.values()]
    await asyncio.sleep(0.1)
    gc.collect()
    assert not world.server.sessions
    assert [ref for ref in seen if ref() is not None] == []
    assert len(os.listdir("/proc/self/fd")) == descriptors
    assert resident() - memory < 4 << 20


@pytest.mark.slow
async def test_a_hundred_thousand_calls(world: World) -> None:
    peer = await world.peer()
    world.driver.gate.set()
    memory = 0
    for number in range(100_000):
        if number == 10_000:
            gc.collect()
            memory = resident()
        if number % 10:
            await peer.call("domain_lookup_by_name", "one")
        else:
            await peer.call("domain_shutdown_flags", DOMAIN, 0)
    gc.collect()
    assert resident() - memory < 4 << 20
