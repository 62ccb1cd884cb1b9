"""Addresses of all kinds, in the order in which they depend on each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyvirtd.conf.domain.address import (
    CcidAddress,
    CcwAddress,
    DimmAddress,
    MmioAddress,
    SpaprVioAddress,
    VirtioSerialAddress,
)
from pyvirtd.drivers.qemu.postparse.controllers import append_controller, ensure_controller
from pyvirtd.drivers.qemu.postparse.machine import devices_of, is_pseries, is_s390
from pyvirtd.drivers.qemu.postparse.pci_assign import PciAssigner
from pyvirtd.drivers.qemu.postparse.usb_assign import assign_usb
from pyvirtd.drivers.qemu.postparse.virtio_serial import VirtioSerialPorts

if TYPE_CHECKING:
    from pyvirtd.conf.domain.chardev import Channel, Console
    from pyvirtd.conf.domain.domain import DomainDef
    from pyvirtd.drivers.qemu.capabilities import QemuCapabilities

__all__ = ["CcwAddress", "MmioAddress", "SpaprVioAddress", "assign_addresses"]


def assign_addresses(definition: DomainDef, caps: QemuCapabilities) -> None:
    """Raises XMLError for addresses that clash, don't exist or have run out."""
    assign_virtio_serial(definition)
    assign_ccid(definition)
    assign_memory_slots(definition)
    if is_pseries(definition) or is_s390(definition):
        from pyvirtd.drivers.qemu.postparse.channel_io import assign_ccw, assign_spapr_vio

        assign_spapr_vio(definition)
        assign_ccw(definition)
    PciAssigner(definition, caps).assign()
    assign_usb(definition)


def virtio_serial_devices(definition: DomainDef) -> list[Console | Channel]:
    """Consoles first: the first of them may have port 0."""
    devices = devices_of(definition)
    return [
        *(c for c in devices.consoles if c.target_type == "virtio"),
        *(c for c in devices.channels if c.target_type == "virtio"),
    ]


def assign_virtio_serial(definition: DomainDef) -> None:
    """Ports for consoles and channels, with controllers added when all are full."""
    found = virtio_serial_devices(definition)
    if not found:
        return
    # A console without an address is left to QEMU, which puts it onto the first controller.
    found = [
        d for d in found if isinstance(d.address, VirtioSerialAddress) or (d.address is None and d.TAG == "channel")
    ]
    for device in virtio_serial_devices(definition):
        named = device.address.controller if isinstance(device.address, VirtioSerialAddress) else 0
        ensure_controller(definition, "virtio-serial", named)
    ports = VirtioSerialPorts()
    for controller in devices_of(definition).controllers:
        if controller.type == "virtio-serial":
            ports.add_controller(controller.index or 0, controller.ports)
    for device in found:
        if isinstance(device.address, VirtioSerialAddress) and device.address.port:
            ports.reserve(device.address.controller, device.address.port)
    for device in found:
        address = device.address
        if isinstance(address, VirtioSerialAddress) and address.port:
            continue
        console = device.TAG == "console"
        if isinstance(address, VirtioSerialAddress):
            port = ports.take_port(address.controller, allow_zero=console)
            place = (address.controller, port) if port is not None else ports.take_next(allow_zero=console)
        else:
            place = ports.take_next(allow_zero=console)
        if place is None:
            index = ports.next_index()
            append_controller(definition, "virtio-serial", index)
            ports.add_controller(index)
            place = ports.take_next(allow_zero=console)
        assert place is not None
        device.address = VirtioSerialAddress(controller=place[0], bus=0, port=place[1])


def assign_memory_slots(definition: DomainDef) -> None:
    """Slots for memory modules; where the guest sees them is QEMU's to choose."""
    modules = [m for m in devices_of(definition).memories if m.model in ("dimm", "nvdimm")]
    used = {m.address.slot for m in modules if isinstance(m.address, DimmAddress)}
    for module in modules:
        if module.address is None:
            slot = next(n for n in range(len(used) + 1) if n not in used)
            used.add(slot)
            module.address = DimmAddress(slot=slot)


def assign_ccid(definition: DomainDef) -> None:
    """Smartcards go into the readers' slots."""
    cards = devices_of(definition).smartcards
    if cards:
        for number, card in enumerate(cards):
            if card.address is None:
                card.address = CcidAddress(controller=0, slot=number)
        for card in cards:
            if isinstance(card.address, CcidAddress):
                ensure_controller(definition, "ccid", card.address.controller)
