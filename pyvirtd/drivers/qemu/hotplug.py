"""Plugging devices into a running guest and out of it, by the same builders that write its command line.

A device goes in as the words that would have started it, each through the monitor command of its kind; when one is
refused, what went in before it is taken out again. It comes out when the guest lets go of it: `unplug` asks, waits a
while, and whenever the guest is done the device's backend follows.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from typing import Any, Final

from pyvirtd.conf.domain.chardev import Channel
from pyvirtd.conf.domain.controller import Controller
from pyvirtd.conf.domain.disk import Disk
from pyvirtd.conf.domain.domain import DomainDef
from pyvirtd.conf.domain.hostdev import Hostdev
from pyvirtd.conf.domain.interface import Interface
from pyvirtd.conf.domain.redirdev import RedirDev
from pyvirtd.conf.domain.rng import Rng
from pyvirtd.conf.xml import Element
from pyvirtd.core import tasks
from pyvirtd.core.domain import Domain
from pyvirtd.drivers.qemu.block import by_device
from pyvirtd.drivers.qemu.capabilities import QemuCapabilities
from pyvirtd.drivers.qemu.command import LaunchContext
from pyvirtd.drivers.qemu.command.blockdev import add_image
from pyvirtd.drivers.qemu.command.builder import Builder
from pyvirtd.drivers.qemu.command.controller import controller_props
from pyvirtd.drivers.qemu.command.disk import add_disk, chain, disk_images
from pyvirtd.drivers.qemu.command.hostdev import add_hostdevs, add_redirdevs
from pyvirtd.drivers.qemu.command.interface import add_interface
from pyvirtd.drivers.qemu.command.serial import add_channels
from pyvirtd.drivers.qemu.command.small import add_inputs, add_rngs, add_shmems, add_watchdogs
from pyvirtd.drivers.qemu.machine import Machine
from pyvirtd.drivers.qemu.stats.figures import _NODE as NODE_NAME
from pyvirtd.errors import OperationFailed, OperationUnsupported, VirtError

UNPLUG_WAIT: Final = 5.0
"""Seconds that a guest gets to let go of a device before the call returns without knowing."""

_ADDERS: Final[Mapping[str, Callable[[Builder], None]]] = {
    "rng": add_rngs, "input": add_inputs, "watchdog": add_watchdogs, "channel": add_channels, "hostdev": add_hostdevs,
    "redirdev": add_redirdevs, "shmem": add_shmems,
}  # fmt: skip
"""Builders of a whole kind of devices, for a builder whose definition has only the new one of that kind."""

_PLUG: Final = {"-blockdev": "blockdev-add", "-netdev": "netdev_add", "-object": "object-add", "-device": "device_add"}
_UNPLUG: Final = {
    "blockdev-add": ("blockdev-del", "node-name", "node-name"),
    "netdev_add": ("netdev_del", "id", "id"),
    "object-add": ("object-del", "id", "id"),
    "chardev-add": ("chardev-remove", "id", "id"),
}
Command = tuple[str, dict[str, Any]]


async def next_node(machine: Machine) -> int:
    """A number that no block node of the guest has in its name."""
    reply = await machine.run("query-named-block-nodes", {"flat": True})
    numbers = [0]
    for entry in reply if isinstance(reply, list) else []:
        match = NODE_NAME.match(str(entry.get("node-name"))) if isinstance(entry, dict) else None
        if match is not None:
            numbers.append(int(match[1]))
    return max(numbers) + 1


def builder_for(definition: DomainDef, caps: QemuCapabilities, machine: Machine, first_node: int = 1) -> Builder:
    """A builder whose words are for that machine; the disks' nodes are numbered from `first_node`."""
    builder = Builder(definition, caps, LaunchContext(domain_id=machine.domain.id, run_dir=str(machine.run_dir)))
    for device in builder.devices.all():
        if order := getattr(device, "boot_order", None):
            builder.boot_order[id(device)] = order
    for disk in definition.devices.disks:
        for _, source, _ in chain(disk):
            builder.nodes[id(source)] = first_node
            first_node += 1
    return builder


def words_of(builder: Builder, device: Element) -> list[Command]:
    """The monitor commands that plug a device in. Raises OperationUnsupported for what cannot be."""
    if isinstance(device, Disk):
        if device.bus in ("ide", "sata", "fdc", "sd") or device.device in ("cdrom", "floppy"):
            raise OperationUnsupported(f"a {device.device} on the {device.bus} bus cannot be plugged in")
        add_disk(builder, device)
    elif isinstance(device, Interface):
        if device.type not in ("user", "client", "server", "mcast", "udp"):
            raise OperationUnsupported(f"an interface of type {device.type} cannot be plugged into a running guest yet")
        if device.backend_type == "passt":
            raise OperationUnsupported("an interface with passt cannot be plugged into a running guest yet")
        add_interface(builder, device)
    elif isinstance(device, Controller):
        props = controller_props(builder, device)
        if device.type == "pci" or props is None:
            raise OperationUnsupported(f"a {device.type} controller cannot be plugged into a running guest")
        builder.device(props)
    else:
        adder = _ADDERS.get(type(device).TAG)
        if adder is None:
            raise OperationUnsupported(f"a <{type(device).TAG}> cannot be plugged into a running guest yet")
        if isinstance(device, Hostdev) and device.type != "usb":
            raise OperationUnsupported(f"a {device.type} device of the host cannot be plugged into a running guest yet")
        adder(builder)
    return commands(builder.argv)


def medium_words(builder: Builder, disk: Disk) -> list[Command]:
    """The monitor commands that open a medium's images, the bottom of the chain first."""
    for image in disk_images(builder, disk):
        add_image(builder, image)
    return commands(builder.argv)


def commands(words: list[str]) -> list[Command]:
    """Words of a command line as monitor commands."""
    found: list[Command] = []
    for option, value in pairwise(words):
        if option in _PLUG:
            if not value.startswith("{"):
                raise OperationUnsupported(f"a device that needs {option} {value} cannot be plugged yet")
            found.append((_PLUG[option], json.loads(value)))
        elif option == "-chardev":
            found.append(("chardev-add", chardev(value)))
        elif option == "-watchdog-action":
            found.insert(0, ("watchdog-set-action", {"action": value}))
        elif option.startswith("-"):
            raise OperationUnsupported(f"a device that needs {option} cannot be plugged yet")
    return found


def chardev(word: str) -> dict[str, Any]:
    """The word of a -chardev as arguments of chardev-add. Raises OperationUnsupported."""
    # A comma within a value is doubled.
    kind, *pairs = word.replace(",,", "\0").split(",")
    options = {key: value.replace("\0", ",") for key, _, value in (pair.partition("=") for pair in pairs)}
    ident = options.pop("id")
    data: dict[str, Any]
    if kind == "socket" and "path" in options:
        data = {"addr": {"type": "unix", "data": {"path": options.pop("path")}}, "server": False}
    elif kind == "socket" and "host" in options:
        where = {"host": options.pop("host"), "port": options.pop("port")}
        data = {"addr": {"type": "inet", "data": where}, "server": False}
    elif kind in ("pty", "null"):
        data = {}
    elif kind == "file":
        data = {"out": options.pop("path")}
    elif kind == "spicevmc":
        data = {"type": options.pop("name")}
    else:
        raise OperationUnsupported(f"a device on a {kind} cannot be plugged into a running guest")
    for key, value in options.items():
        if key in ("server", "wait", "telnet", "append", "logappend"):
            data[key] = value == "on"
        elif key == "reconnect":
            data[key] = int(value)
        elif key == "logfile":
            data[key] = value
        else:
            raise OperationUnsupported(f"a device whose {kind} needs {key} cannot be plugged into a running guest")
    return {"id": ident, "backend": {"type": kind, "data": data}}


async def run_all(machine: Machine, wanted: list[Command]) -> None:
    """Run them in order; when one is refused, undo those before it and raise what was wrong."""
    done: list[Command] = []
    try:
        for command, arguments in wanted:
            await machine.run(command, arguments)
            done.append((command, arguments))
    except BaseException:
        await asyncio.shield(undo(machine, done))
        raise


async def undo(machine: Machine, done: list[Command]) -> None:
    """Take out again what went in; nothing that fails in this matters."""
    for command, arguments in reversed(done):
        if command in _UNPLUG:
            remove, key, field = _UNPLUG[command]
            await quietly(machine, remove, {key: arguments[field]})


async def quietly(machine: Machine, command: str, arguments: Mapping[str, Any]) -> None:
    """A command whose failure changes nothing: what it would remove is gone already, or goes with QEMU."""
    with contextlib.suppress(VirtError):
        await machine.run(command, arguments)


async def nodes_of(machine: Machine, alias: str) -> list[str]:
    """Names of all block nodes of a disk, the topmost first."""
    names: list[str] = []
    for found, entry in by_device(await machine.run("query-blockstats")):
        if found == alias:
            names += _names(entry)
    return names


def _names(entry: Any, depth: int = 0) -> Iterator[str]:
    if not isinstance(entry, dict) or depth > 200:
        return
    name = entry.get("node-name")
    if isinstance(name, str) and name.startswith("libvirt-"):
        yield name
    yield from _names(entry.get("parent"), depth + 1)
    yield from _names(entry.get("backing"), depth + 1)


async def drop_nodes(machine: Machine, names: list[str]) -> None:
    """Close images, from the top of the chain down."""
    for name in names:
        await quietly(machine, "blockdev-del", {"node-name": name})


async def unplug(dom: Domain, machine: Machine, device: Any) -> bool:
    """Ask the guest to let go of a device; whether it has, within `UNPLUG_WAIT`. The rest follows by itself.

    The caller holds the job. The live definition loses the device when QEMU says that it is gone.
    """
    alias = str(device.alias)
    backends: list[Command] = []
    if isinstance(device, Disk):
        backends = [("blockdev-del", {"node-name": name}) for name in await nodes_of(machine, alias)]
    elif isinstance(device, Interface):
        backends = [("netdev_del", {"id": f"host{alias}"})]
    elif isinstance(device, Rng):
        backends = [("object-del", {"id": f"obj{alias}"})]
    elif isinstance(device, Channel | RedirDev):
        backends = [("chardev-remove", {"id": f"char{alias}"})]
    finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def clean() -> None:
        for command, arguments in backends:
            await quietly(machine, command, arguments)
        if not finished.done():
            finished.set_result(None)

    def deleted(data: Mapping[str, Any]) -> None:
        if data.get("device") == alias:
            stop()
            tasks.spawn(clean(), name=f"backend of {alias} of {machine}")

    def refused(data: Mapping[str, Any]) -> None:
        if data.get("device") == alias and not finished.done():
            stop()
            finished.set_exception(OperationFailed(f"{dom}: the guest refused to let go of {alias}"))

    listening = [machine.listen("DEVICE_DELETED", deleted), machine.listen("DEVICE_UNPLUG_GUEST_ERROR", refused)]

    def stop() -> None:
        for end in listening:
            end()

    try:
        await machine.run("device_del", id=alias)
    except BaseException:
        stop()
        raise
    done, _ = await asyncio.wait([finished], timeout=UNPLUG_WAIT)
    if not done:
        return False
    finished.result()
    return True
