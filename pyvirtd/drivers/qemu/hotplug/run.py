"""Commands that belong together: all of them, or none."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pyvirtd.drivers.qemu.hotplug.words import Command
from pyvirtd.drivers.qemu.machine import Machine
from pyvirtd.errors import VirtError

log = logging.getLogger(__name__)


async def run_all(machine: Machine, wanted: Sequence[Command], stack: contextlib.AsyncExitStack) -> list[Any]:
    """Run them in order; what they answer. `stack` gets what undoes each, for whoever fails later on."""
    answers = []
    for command in wanted:
        answers.append(await _run(machine, command))
        if command.undo is not None:
            stack.push_async_callback(_shielded, machine, *command.undo)
    return answers


async def _run(machine: Machine, command: Command) -> Any:
    if command.fd is not None:
        return await machine.live_monitor().run_with_fd(command.name, command.fd, **command.arguments)
    return await machine.run(command.name, command.arguments)


async def _shielded(machine: Machine, name: str, arguments: Mapping[str, Any]) -> None:
    await asyncio.shield(quietly(machine, name, arguments))


async def quietly(machine: Machine, name: str, arguments: Mapping[str, Any]) -> None:
    """A command whose failure changes nothing: what it would remove is gone already, or goes with QEMU."""
    try:
        await machine.run(name, arguments)
    except VirtError as error:
        log.debug("%s: %s", machine, error.message)


async def drop(machine: Machine, undo: Iterable[tuple[str, dict[str, Any]]]) -> None:
    """Take out backends whose device is gone, in that order."""
    for name, arguments in undo:
        await quietly(machine, name, arguments)
