"""Block nodes of a running guest: which numbers are free, which nodes a disk has."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from pyvirtd.conf.domain.disk import Disk
from pyvirtd.drivers.qemu.block import by_device
from pyvirtd.drivers.qemu.command.builder import Builder
from pyvirtd.drivers.qemu.command.disk import chain
from pyvirtd.drivers.qemu.machine import Machine

_NUMBER: Final = re.compile(r"libvirt-(\d+)-")
_DEEPEST: Final = 400
_LAYERS: Final = ("format", "slice-sto", "storage")


async def number_new(machine: Machine, builder: Builder, disk: Disk) -> None:
    """Numbers that no node of the guest has for the images of a disk, so that the builder can name them."""
    reply = await machine.run("query-named-block-nodes", {"flat": True})
    listed = reply if isinstance(reply, list) else []
    names = [str(entry.get("node-name")) for entry in listed if isinstance(entry, dict)]
    number = max((int(match[1]) for name in names if (match := _NUMBER.match(name))), default=0)
    for _, source, _ in chain(disk):
        number += 1
        builder.nodes[id(source)] = number


async def nodes_of(machine: Machine, alias: str) -> list[str]:
    """Names of all nodes of a disk that we made, the topmost first."""
    for found, entry in by_device(await machine.run("query-blockstats")):
        if found == alias:
            return list(dict.fromkeys(_names(entry)))
    return []


def _names(entry: Any, depth: int = 0) -> Iterator[str]:
    if not isinstance(entry, dict) or depth > _DEEPEST:
        return
    name = entry.get("node-name")
    if isinstance(name, str) and name.startswith("libvirt-"):
        yield name
    yield from _names(entry.get("parent"), depth + 1)
    yield from _names(entry.get("backing"), depth + 1)


async def nodes_on(machine: Machine, paths: list[str]) -> list[str]:
    """Names of the nodes on these files, the upper one of each first; for a disk whose device is gone already."""
    reply = await machine.run("query-named-block-nodes", {"flat": True})
    entries = [entry for entry in reply if isinstance(entry, dict)] if isinstance(reply, list) else []
    names = {str(entry.get("node-name")) for entry in entries if entry.get("file") in paths}
    numbers = {match[1] for name in names if (match := _NUMBER.match(name))}
    ordered = [f"libvirt-{number}-{layer}" for number in sorted(numbers, key=int) for layer in _LAYERS]
    known = {str(entry.get("node-name")) for entry in entries}
    return [name for name in ordered if name in known]
