"""Monitor queries for figures: a guest whose monitor hangs gives its last answers, at once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any, Final

from pyvirtd.core import tasks
from pyvirtd.drivers.qemu.machine import Machine
from pyvirtd.errors import VirtError

PATIENCE: Final = 0.04
"""Seconds that a query waits for QEMU before it makes do with the last answer."""


async def ask(machine: Machine, command: str, arguments: Mapping[str, Any] | None = None) -> Any:
    """What the command returns, or returned last when QEMU does not answer in time; None when it never did.

    The same command is on its way only once: who comes meanwhile waits for the same answer.
    """
    queries: dict[str, _Query] = machine.facts.setdefault("recent", {})
    key = command if arguments is None else f"{command} {json.dumps(arguments, sort_keys=True)}"
    query = queries.setdefault(key, _Query())
    if query.task is None or query.task.done():
        query.task = tasks.spawn(query.run(machine, command, arguments), name=f"{command} of {machine}")
    await asyncio.wait([query.task], timeout=PATIENCE)
    return query.answer


class _Query:
    __slots__ = ("answer", "task")

    def __init__(self) -> None:
        self.answer: Any = None
        self.task: asyncio.Task[None] | None = None

    async def run(self, machine: Machine, command: str, arguments: Mapping[str, Any] | None) -> None:
        try:
            self.answer = await machine.run(command, arguments)
        except VirtError:
            # A device without that figure, a QEMU that is ending: there is nothing to tell.
            self.answer = None
