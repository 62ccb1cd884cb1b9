"""USB devices and interfaces of the host."""

from __future__ import annotations

from typing import Annotated

from pyvirtd.conf.nodedev.capability import Capability
from pyvirtd.conf.xml import at
from pyvirtd.conf.xml.types import UInt, integer

UsbId = Annotated[int, integer(0, 0xFFFF, base=0, show="0x04x")]


class UsbDeviceCapability(Capability, variant="usb_device"):
    """A device on a bus."""

    bus: UInt | None = at("bus")
    device: UInt | None = at("device")
    product_id: UsbId | None = at("product/@id")
    product: str | None = at("product")
    vendor_id: UsbId | None = at("vendor/@id")
    vendor: str | None = at("vendor")


class UsbInterfaceCapability(Capability, variant="usb"):
    """An interface of a device."""

    number: UInt | None = at("number")
    usb_class: UInt | None = at("class")
    subclass: UInt | None = at("subclass")
    protocol: UInt | None = at("protocol")
    description: str | None = at("description")
