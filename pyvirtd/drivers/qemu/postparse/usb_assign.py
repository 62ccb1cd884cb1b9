"""Gives every USB device of a guest its port, and the guest the hubs that this takes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

from pyvirtd.conf.domain.address import UsbAddress
from pyvirtd.conf.domain.hub import Hub
from pyvirtd.drivers.qemu.postparse.machine import devices_of
from pyvirtd.drivers.qemu.postparse.usb import HUB_PORTS, UsbTopology, controller_ports, parse_port

if TYPE_CHECKING:
    from pyvirtd.conf.domain.address import Address
    from pyvirtd.conf.domain.domain import DomainDef


class Addressed(Protocol):
    address: Address | None


def usb_devices(definition: DomainDef) -> Iterator[Addressed]:
    """Every device that takes a USB port, hubs first, in the order in which ports are given out."""
    d = devices_of(definition)
    yield from d.hubs
    for hostdev in d.hostdevs:
        if hostdev.mode == "subsystem" and hostdev.type == "usb":
            yield hostdev
    for disk in d.disks:
        if disk.bus == "usb":
            yield disk
    for controller in d.controllers:
        if controller.type == "ccid":
            yield controller
    for device in d.inputs:
        if device.bus == "usb":
            yield device
    for sound in d.sounds:
        if sound.model == "usb":
            yield sound
    for interface in d.interfaces:
        if interface.model == "usb-net":
            yield interface
    for redirdev in d.redirdevs:
        if redirdev.bus == "usb":
            yield redirdev
    for serial in d.serials:
        if serial.target_type == "usb-serial":
            yield serial


def _topology(definition: DomainDef) -> UsbTopology:
    usb = UsbTopology()
    for controller in devices_of(definition).controllers:
        if controller.type == "usb" and controller.model != "none" and controller.master_startport is None:
            usb.add_controller(controller.index or 0, controller_ports(controller.model or "", controller.ports))
    return usb


def assign_usb(definition: DomainDef) -> None:
    """Raises XMLError for ports that clash, don't exist or have run out."""
    usb = _topology(definition)
    if not usb.buses or not any(True for _ in usb_devices(definition)):
        return
    add_hubs(definition, usb)
    hubs = {id(hub) for hub in devices_of(definition).hubs}
    # Hubs before what is plugged into them, however the document orders them.
    placed = [d for d in devices_of(definition).hubs if isinstance(d.address, UsbAddress) and d.address.port]
    for hub in sorted(placed, key=lambda h: (h.address.port or "").count(".")):  # type: ignore[union-attr]
        assert isinstance(hub.address, UsbAddress)
        usb.add_hub(hub.address.bus, parse_port(hub.address.port or ""))
    for device in usb_devices(definition):
        address = device.address
        if id(device) not in hubs and isinstance(address, UsbAddress) and address.port:
            usb.reserve(address.bus, parse_port(address.port))
    for device in usb_devices(definition):
        address = device.address
        if isinstance(address, UsbAddress) and address.port:
            continue
        if address is not None and not isinstance(address, UsbAddress):
            continue
        bus, path = usb.take_next(address.bus if isinstance(address, UsbAddress) else None)
        device.address = UsbAddress(bus=bus, port=".".join(map(str, path)))
        if id(device) in hubs:
            hub_place = usb.buses[bus]
            for port in path[:-1]:
                hub_place = hub_place.hubs[port]
            from pyvirtd.drivers.qemu.postparse.usb import Hub as Place

            hub_place.hubs[path[-1]] = Place(HUB_PORTS)


def add_hubs(definition: DomainDef, usb: UsbTopology) -> None:
    """Hubs for devices that the controllers' ports don't suffice for."""
    hubs = len(devices_of(definition).hubs)
    devices = sum(1 for _ in usb_devices(definition)) - hubs
    available = usb.total_ports() + hubs * (HUB_PORTS - 1)
    if devices > available:
        for _ in range(-(-(devices - available + 1) // (HUB_PORTS - 1))):
            devices_of(definition).hubs.append(Hub(type="usb"))
