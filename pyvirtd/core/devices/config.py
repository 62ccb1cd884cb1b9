"""Devices in definitions: put in, taken out, exchanged. Each changes a definition in place, which the caller owns."""

from __future__ import annotations

from typing import Any, Final

from pyvirtd.conf.domain.chardev import Channel, Chardev, Console, Serial
from pyvirtd.conf.domain.controller import Controller
from pyvirtd.conf.domain.disk import Disk
from pyvirtd.conf.domain.domain import DomainDef
from pyvirtd.conf.domain.filesystem import Filesystem
from pyvirtd.conf.domain.graphics import Graphics
from pyvirtd.conf.domain.hostdev import Hostdev
from pyvirtd.conf.domain.input import Input
from pyvirtd.conf.domain.interface import Interface
from pyvirtd.conf.domain.lease import Lease
from pyvirtd.conf.domain.memory_device import MemoryDevice
from pyvirtd.conf.domain.postparse.order import insert_controller, insert_disk
from pyvirtd.conf.domain.redirdev import RedirDev
from pyvirtd.conf.domain.rng import Rng
from pyvirtd.conf.domain.shmem import Shmem
from pyvirtd.conf.domain.sound import Sound
from pyvirtd.conf.domain.vsock import Vsock
from pyvirtd.conf.domain.watchdog import Watchdog
from pyvirtd.conf.xml import Element
from pyvirtd.core.devices.match import find, has, list_of
from pyvirtd.errors import ConfigUnsupported, InvalidArg, OperationInvalid, OperationUnsupported

CHANGEABLE: Final = (
    Disk, Interface, Sound, Hostdev, Lease, Controller, Chardev, Filesystem, Rng, MemoryDevice, RedirDev, Shmem,
    Watchdog, Input, Vsock,
)  # fmt: skip
_ONE_ONLY: Final = (Watchdog, Vsock)


def attach(definition: DomainDef, device: Element) -> None:
    """Put a device in. Raises OperationInvalid where its place is taken, OperationUnsupported for other kinds."""
    if not isinstance(device, CHANGEABLE):
        raise OperationUnsupported(f"a {device.TAG} cannot be added to a definition on its own; redefine the domain")
    check_free(definition, device)
    place(definition, device)


def check_free(definition: DomainDef, device: Element) -> None:
    """Refuse a device where there is one already that it would stand in for."""
    name = definition.name
    match device:
        case Disk():
            if has(definition, device):
                raise OperationInvalid(f"domain '{name}' has a disk '{device.target}' already")
        case Controller():
            if device.index is not None and has(definition, device):
                raise OperationInvalid(f"domain '{name}' has a {device.type} controller {device.index} already")
        case Console(target_type="serial") | Console(target_type=None):
            raise OperationUnsupported("a console that is a serial port is not added; add the <serial> port")
        case Channel() if device.target_type == "virtio" and device.name and _named(definition, device):
            raise OperationInvalid(f"domain '{name}' has a channel '{device.name}' already")
        case Chardev() | Filesystem() | Lease() | Hostdev() | Shmem():
            if has(definition, device):
                raise OperationInvalid(f"domain '{name}' has this {device.TAG} already")
        case Rng():
            if device.address is not None and _address_taken(definition, device):
                raise ConfigUnsupported(f"domain '{name}' has a device with the address of the rng already")
        case Watchdog() | Vsock():
            if list_of(definition, device):
                raise OperationInvalid(f"domain '{name}' has a {device.TAG} already")
        case _:
            pass


def _named(definition: DomainDef, device: Channel) -> bool:
    return any(other.name == device.name and has(definition, device) for other in definition.devices.channels)


def _address_taken(definition: DomainDef, device: Any) -> bool:
    return any(getattr(other, "address", None) == device.address for other in definition.devices.all())


def place(definition: DomainDef, device: Element) -> None:
    """Into its list, at libvirt's place."""
    match device:
        case Disk():
            insert_disk(definition.devices.disks, device)
        case Controller():
            if device.index is None:
                used = {c.index for c in definition.devices.controllers if c.type == device.type}
                device.index = next(i for i in range(len(used) + 1) if i not in used)
            insert_controller(definition.devices.controllers, device)
        case _:
            list_of(definition, device).append(device)
    match device:
        case MemoryDevice() if definition.current_memory is not None:
            definition.current_memory += device.target.size
        case Serial() if definition.devices.serials[0] is device and not _serial_console(definition):
            definition.devices.consoles.insert(0, Console(target_type="serial"))
            definition.devices.mirror_console()
        case _:
            pass


def _serial_console(definition: DomainDef) -> Console | None:
    """The first console, where it is the first serial port by another name."""
    first = definition.devices.consoles[0] if definition.devices.consoles else None
    return first if first is not None and first.target_type in (None, "none", "serial") else None


def detach(definition: DomainDef, wanted: Element, *, made_up_mac: bool = False) -> None:
    """Take out the device that is meant. Raises what `find` raises, OperationUnsupported for other kinds."""
    if not isinstance(wanted, CHANGEABLE):
        raise OperationUnsupported(f"a {wanted.TAG} cannot be taken out of a definition alone; redefine the domain")
    if isinstance(wanted, _ONE_ONLY) and isinstance(wanted, Watchdog) and definition.devices.watchdogs:
        found: Any = definition.devices.watchdogs[0]
    else:
        found = find(definition, wanted, made_up_mac=made_up_mac)
    take_out(definition, found)


def take_out(definition: DomainDef, found: Any) -> None:
    """Remove this very device, and what hangs on it."""
    devices = list_of(definition, found)
    position = next(number for number, device in enumerate(devices) if device is found)
    if isinstance(found, Serial) and position == 0 and _serial_console(definition) is not None:
        del definition.devices.consoles[0]
    del devices[position]
    if isinstance(found, MemoryDevice):
        for field in ("memory", "current_memory"):
            size = getattr(definition, field)
            if size is not None and size > found.target.size:
                setattr(definition, field, size - found.target.size)


def update(definition: DomainDef, wanted: Element, *, made_up_mac: bool = False) -> None:
    """Exchange the device that is meant for this one. Raises InvalidArg, DeviceMissing, OperationUnsupported."""
    match wanted:
        case Disk():
            found = next((disk for disk in definition.devices.disks if disk.target == wanted.target), None)
            if found is None:
                raise InvalidArg(f"domain '{definition.name}' has no disk '{wanted.target}'")
            wanted.address = wanted.address or (found.address if wanted.bus == found.bus else None)
            exchange(definition, found, wanted)
        case Graphics():
            shown = next((g for g in definition.devices.graphics if g.type == wanted.type), None)
            if shown is None:
                raise InvalidArg(f"domain '{definition.name}' has no display of type {wanted.type}")
            exchange(definition, shown, wanted)
        case Interface():
            card = find(definition, wanted, made_up_mac=made_up_mac)
            if made_up_mac:
                wanted.mac = card.mac
            exchange(definition, card, wanted)
        case MemoryDevice():
            exchange(definition, _module(definition, wanted), wanted)
        case _:
            raise OperationUnsupported(f"a {wanted.TAG} cannot be changed in a definition; take it out and add it")


def _module(definition: DomainDef, wanted: MemoryDevice) -> MemoryDevice:
    for module in definition.devices.memories:
        if module.model == wanted.model and (wanted.address is None or module.address == wanted.address):
            return module
    raise InvalidArg(f"domain '{definition.name}' has no such memory module")


def exchange(definition: DomainDef, old: Any, new: Any) -> None:
    """Put one in the place of the other."""
    devices = list_of(definition, old)
    position = next(number for number, device in enumerate(devices) if device is old)
    devices[position] = new
