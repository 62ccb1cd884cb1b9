"""QEMU's monitor and the guest's agent, raw, for those who know what they do: the guest is tainted by it."""

from __future__ import annotations

import json
from typing import Any

from pyvirtd.core.domain import Domain
from pyvirtd.core.modifies import modifies, queries
from pyvirtd.drivers.qemu.lifecycle import agent_of
from pyvirtd.drivers.qemu.monitor import Refused
from pyvirtd.drivers.qemu.noun import Noun, machine_of
from pyvirtd.errors import InvalidArg
from pyvirtd.protocol.calls import Passed, supports
from pyvirtd.protocol.constants.domain import DomainQemuMonitorCommandFlags
from pyvirtd.protocol.qemu import QemuCalls


class PassthroughCalls(Noun, QemuCalls):
    """The qemu program's commands."""

    @supports(DomainQemuMonitorCommandFlags.HMP)
    @modifies
    async def domain_monitor_command_with_files(
        self, dom: Domain, cmd: str, flags: int, files: list[int]
    ) -> Passed[str]:
        machine = machine_of(dom)
        request = None if flags & DomainQemuMonitorCommandFlags.HMP else _request(cmd)
        self.runtime.taint(dom, "custom-monitor")
        if request is None:
            return Passed(await machine.human(cmd), [])
        name, arguments = str(request["execute"]), request.get("arguments") or {}
        for fd in files:
            # Descriptors go ahead of the command, which refers to them by the name "fdset" or "getfd" gives.
            await machine.live_monitor().run_with_fd("getfd", fd, fdname=f"client{fd}")
        try:
            answer: dict[str, Any] = {"return": await machine.run(name, arguments)}
        except Refused as error:
            # The client asked for QEMU's own words, errors included.
            answer = {"error": {"class": error.kind, "desc": error.text}}
        if "id" in request:
            answer["id"] = request["id"]
        return Passed(json.dumps(answer, separators=(",", ":")), [])

    @queries
    async def domain_agent_command(self, dom: Domain, cmd: str, timeout: int, flags: int) -> str | None:
        machine = machine_of(dom)
        agent = agent_of(dom, machine)
        request = _request(cmd)
        self.runtime.taint(dom, "custom-ga-command")
        reply = await agent.exchange(request, timeout=timeout)
        return None if reply is None else json.dumps(reply, separators=(",", ":"))


def _request(text: str) -> dict[str, Any]:
    """A client's JSON command. Raises InvalidArg."""
    try:
        request = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidArg(f"the command is no JSON: {error!s:.200}") from None
    if not isinstance(request, dict) or not isinstance(request.get("execute"), str):
        raise InvalidArg('the command is no JSON object with a string "execute"')
    if not isinstance(request.get("arguments", {}), dict):
        raise InvalidArg('the command\'s "arguments" are no JSON object')
    return request
