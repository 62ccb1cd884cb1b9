"""The guest agent's protocol, and guests that lie in it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from pyvirtd.drivers.qemu import agent as agents
from pyvirtd.drivers.qemu.agent import BLOCK, Agent
from pyvirtd.errors import AgentCommandFailed, AgentCommandTimeout, AgentUnresponsive, AgentUnsynced, InvalidArg

Behaviour = Callable[[dict[str, Any]], bytes | None]


class Guest:
    """An agent's end of the socket. `behave` gives the answer to a request: bytes, or None for none."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.syncs = 0
        self.answers_sync = True
        self.before_sync = b""
        self.behave: Behaviour = lambda request: reply({"got": request["execute"]})
        self.close_on: str | None = None

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            request = json.loads(line.lstrip(b"\xff"))
            if request["execute"] == self.close_on:
                break
            if request["execute"] == "guest-sync-delimited":
                self.syncs += 1
                if self.answers_sync:
                    writer.write(self.before_sync + b"\xff" + reply(request["arguments"]["id"]))
            elif (answer := self.behave(request)) is not None:
                writer.write(answer)
        writer.close()


def reply(value: Any) -> bytes:
    return json.dumps({"return": value}).encode() + b"\n"


@pytest.fixture
async def guest(tmp_path: Path) -> AsyncIterator[Guest]:
    made = Guest(tmp_path / "ga.sock")
    server = await asyncio.start_unix_server(made.talk, made.path)
    yield made
    server.close()


@pytest.fixture
async def agent(guest: Guest) -> AsyncIterator[Agent]:
    made = Agent("domain 'a'", str(guest.path), handshake_timeout=0.3)
    yield made
    made.close()


async def test_one_handshake_serves_many(guest: Guest, agent: Agent) -> None:
    for _ in range(3):
        assert await agent.run("guest-ping") == {"got": "guest-ping"}
    assert guest.syncs == 1


async def test_no_answer_to_the_handshake(guest: Guest, agent: Agent) -> None:
    guest.answers_sync = False
    with pytest.raises(AgentUnresponsive, match=r"handshake within 0\.3 s"):
        await agent.run("guest-ping")


async def test_a_late_answer_is_not_the_next_ones(guest: Guest, agent: Agent) -> None:
    guest.behave = lambda request: None
    with pytest.raises(AgentCommandTimeout, match="guest-exec"):
        await agent.run("guest-exec", timeout=0)
    guest.before_sync = reply("of guest-exec")
    guest.behave = lambda request: reply("right")
    assert await agent.run("guest-ping") == "right"
    assert guest.syncs == 2


async def test_the_agents_own_error(guest: Guest, agent: Agent) -> None:
    guest.behave = lambda request: b'{"error": {"class": "GenericError", "desc": "no such user"}}\n'
    with pytest.raises(AgentCommandFailed, match="refused 'guest-set-user-password': no such user"):
        await agent.run("guest-set-user-password", {"username": "x"})


@pytest.mark.parametrize("noise", [b"[]\n", b"7\n", b"{}\n", b"[" * 100_000 + b"\n", b"\xff\xff\xff\n", b"\0\n"])
async def test_noise_is_skipped(guest: Guest, agent: Agent, noise: bytes) -> None:
    guest.behave = lambda request: noise + reply("right")
    assert await agent.run("guest-ping") == "right"


async def test_too_much_is_cut_off(guest: Guest, agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agents, "LONGEST_REPLY", 1 << 16)
    guest.behave = lambda request: b'{"return": "' + b"x" * (1 << 18)
    with pytest.raises(AgentUnsynced, match="sent more than"):
        await agent.run("guest-file-read", timeout=5)


async def test_a_guest_that_goes_down_is_success_where_it_may(guest: Guest, agent: Agent) -> None:
    guest.close_on = "guest-shutdown"
    assert await agent.run("guest-shutdown", {"mode": "powerdown"}, may_vanish=True) is None
    with pytest.raises(AgentUnresponsive, match="went away during"):
        await agent.run("guest-shutdown")


async def test_commands_queue_and_a_bound_on_waiting(guest: Guest, agent: Agent) -> None:
    guest.behave = lambda request: None if request["execute"] == "slow" else reply("fast")
    slow = asyncio.ensure_future(agent.run("slow", timeout=1))
    await asyncio.sleep(0.05)
    with pytest.raises(AgentUnresponsive, match="busy with another command"):
        await agent.run("guest-ping", timeout=0)
    with pytest.raises(AgentCommandTimeout):
        await slow
    assert await agent.run("guest-ping") == "fast"


async def test_a_closed_agent_and_bad_timeouts(agent: Agent) -> None:
    with pytest.raises(InvalidArg, match="-2"):
        await agent.run("guest-ping", timeout=-3)
    agent.response_timeout = BLOCK
    agent.close()
    with pytest.raises(AgentUnresponsive, match="channel is closed"):
        await agent.run("guest-ping")
