"""Controllers: their indexes, and those that devices need without naming them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyvirtd.conf.domain.address import CcidAddress, DriveAddress, VirtioSerialAddress
from pyvirtd.conf.domain.controller import Controller, ControllerType

if TYPE_CHECKING:
    from pyvirtd.conf.domain.devices import Devices

# The parts of an ICH9 USB 2 controller share one index.
_USB2 = frozenset(("ich9-ehci1", "ich9-uhci1", "ich9-uhci2", "ich9-uhci3"))


def number_controllers(devices: Devices) -> None:
    """Give an index to each controller that has none: the first that is free for its type."""
    for position, controller in enumerate(devices.controllers):
        if controller.index is None and position and controller.type == "usb" and controller.model in _USB2:
            controller.index = _with_companions(devices, controller, devices.controllers[position - 1])
        if controller.index is None:
            controller.index = free_index(devices, controller.type)


def _with_companions(devices: Devices, new: Controller, previous: Controller) -> int | None:
    if previous.type != "usb" or previous.model not in _USB2:
        return None
    group = [c for c in devices.controllers if c.type == "usb" and c.index == previous.index]
    return None if any(c.model == new.model for c in group) else previous.index


def free_index(devices: Devices, type: ControllerType) -> int:
    """The lowest index that no controller of the type has."""
    used = {controller.index for controller in devices.controllers if controller.type == type}
    return next(index for index in range(len(used) + 1) if index not in used)


def find_controller(devices: Devices, type: ControllerType, index: int) -> Controller | None:
    """The controller of that type and index."""
    for controller in devices.controllers:
        if controller.type == type and controller.index == index:
            return controller
    return None


def ensure_controller(devices: Devices, type: ControllerType, index: int, model: str | None = None) -> None:
    """Append the controller unless it is there."""
    if find_controller(devices, type, index) is None:
        devices.controllers.append(Controller(type=type, index=index, model=model))


def add_controllers(devices: Devices) -> None:
    """Every controller that a device's address names, and those that a device of its kind has to be on."""
    buses: tuple[ControllerType, ...] = ("scsi", "fdc", "ide", "sata")
    for bus in buses:
        used = [d.address.controller for d in devices.disks if d.bus == bus and isinstance(d.address, DriveAddress)]
        for index in range(max(used, default=-1) + 1):
            ensure_controller(devices, bus, index)
    ports = [channel.address for channel in devices.channels if channel.target_type == "virtio"]
    ports += [console.address for console in devices.consoles if console.target_type == "virtio"]
    for address in ports:
        index = address.controller if isinstance(address, VirtioSerialAddress) else 0
        ensure_controller(devices, "virtio-serial", index)
    if devices.smartcards:
        cards = [card.address.controller for card in devices.smartcards if isinstance(card.address, CcidAddress)]
        ensure_controller(devices, "ccid", max(cards, default=0))
    hosts = [
        host.address.controller
        for host in devices.hostdevs
        if host.type == "scsi" and isinstance(host.address, DriveAddress)
    ]
    for index in range(max(hosts, default=-1) + 1):
        model = next((c.model for c in devices.controllers if c.type == "scsi"), None)
        ensure_controller(devices, "scsi", index, model)
