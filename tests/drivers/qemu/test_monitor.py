"""The monitor against a fake QEMU: replies, errors, events in order, and a QEMU that cannot be trusted."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from pyvirtd.core import tasks
from pyvirtd.drivers.qemu.monitor import CommandFailed, Monitor, MonitorLost
from pyvirtd.errors import OperationTimeout, OperationUnsupported
from tests.fakes.qemu import FakeQemu, Refusal


class Talk:
    """A monitor, the fake at its other end, and what came unasked."""

    def __init__(self, fake: FakeQemu, **options: Any) -> None:
        self.fake = fake
        self.events: list[str] = []
        self.lost = asyncio.Event()
        self.monitor = Monitor("domain 'a'", on_event=self._event, on_lost=self.lost.set, **options)

    def _event(self, name: str, data: Mapping[str, Any], stamp: tuple[int, int]) -> None:
        assert stamp[0] > 0
        self.events.append(name)

    async def begin(self) -> None:
        ours, theirs = socket.socketpair()
        theirs.setblocking(False)
        self.server = tasks.spawn(self.fake.serve(theirs), name="fake QEMU")
        await self.monitor.connect(ours, 5)


@pytest.fixture
async def talk() -> AsyncIterator[Talk]:
    made = Talk(FakeQemu(), reply_timeout=0.5)
    await made.begin()
    yield made
    await made.monitor.close()
    made.server.cancel()


async def test_commands_and_version(talk: Talk) -> None:
    assert talk.monitor.version == (7, 2, 0)
    assert await talk.monitor.run("query-status") == {"running": False, "status": "prelaunch"}
    await talk.monitor.run("set_password", protocol="vnc", password="x", connected="keep")
    assert talk.fake.seen[-1] == ("set_password", {"protocol": "vnc", "password": "x", "connected": "keep"})


async def test_pipelined_commands_are_answered_in_order(talk: Talk) -> None:
    status, cpus, nothing = await asyncio.gather(
        talk.monitor.run("query-status"), talk.monitor.run("query-cpus-fast"), talk.monitor.run("cont")
    )
    assert (status["status"], cpus[0]["thread-id"], nothing) == ("prelaunch", 4242, {})
    assert [name for name, _ in talk.fake.seen[1:]] == ["query-status", "query-cpus-fast", "cont"]


async def test_events_come_in_order(talk: Talk) -> None:
    await talk.monitor.run("cont")
    await talk.monitor.run("stop")
    talk.fake.event("RESET", guest=True)
    await talk.monitor.run("query-status")
    await asyncio.sleep(0.01)
    assert talk.events == ["RESUME", "STOP", "RESET"]


async def test_errors(talk: Talk) -> None:
    def refuse(arguments: dict[str, Any]) -> None:
        raise Refusal("GenericError", "no such disk")

    talk.fake.commands["eject"] = refuse
    with pytest.raises(CommandFailed, match="QEMU refused 'eject': no such disk"):
        await talk.monitor.run("eject")
    with pytest.raises(OperationUnsupported, match="no command 'sing'"):
        await talk.monitor.run("sing")


async def test_a_late_reply_is_nobody_elses(talk: Talk) -> None:
    async def slow(arguments: dict[str, Any]) -> str:
        await asyncio.sleep(0.7)
        return "late"

    talk.fake.commands["slow"] = slow
    with pytest.raises(OperationTimeout, match=r"did not answer 'slow' within 0\.5 s"):
        await talk.monitor.run("slow")
    await asyncio.sleep(0.3)
    assert (await talk.monitor.run("query-status"))["status"] == "prelaunch"


@pytest.mark.parametrize("play", ["garbage", "flood"])
async def test_what_is_no_qmp_ends_the_connection(play: str) -> None:
    talk = Talk(FakeQemu(play))
    await talk.begin()
    await talk.monitor.run("cont")
    await asyncio.wait_for(talk.lost.wait(), 10)
    with pytest.raises(MonitorLost):
        await talk.monitor.run("query-status")
    talk.server.cancel()


async def test_qemus_end_fails_what_waits(talk: Talk) -> None:
    async def never(arguments: dict[str, Any]) -> None:
        await asyncio.sleep(60)

    talk.fake.commands["never"] = never
    waiting = asyncio.ensure_future(talk.monitor.run("never"))
    await asyncio.sleep(0.05)
    talk.server.cancel()
    with pytest.raises(MonitorLost, match="ended before it answered 'never'"):
        await asyncio.wait_for(waiting, 2)
    await asyncio.wait_for(talk.lost.wait(), 2)


async def test_nobody_greets() -> None:
    ours, theirs = socket.socketpair()
    monitor = Monitor("domain 'a'", on_event=lambda *_: None, on_lost=lambda: None)
    with pytest.raises(OperationTimeout, match="did not greet"):
        await monitor.connect(ours, 0.1)
    theirs.close()


async def test_closed_at_the_greeting() -> None:
    ours, theirs = socket.socketpair()
    theirs.close()
    monitor = Monitor("domain 'a'", on_event=lambda *_: None, on_lost=lambda: None)
    with pytest.raises(MonitorLost, match="closed its monitor at the greeting"):
        await monitor.connect(ours, 1)
