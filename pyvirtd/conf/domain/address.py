"""`<address>`: where a device sits on its guest's buses. One class per address type.

Numbers are plain ints; which of them print in hexadecimal, and how wide, is in the declarations.
Source: formatdomain.html, "Device addresses".
"""

from __future__ import annotations

from typing import Annotated, Literal

from pyvirtd.conf.xml import Element, at, child, kind
from pyvirtd.conf.xml.types import AnyUInt, Codec, Hex4, Hex8, HexLong, OnOff, integer
from pyvirtd.errors import XMLError

PciDomain = Annotated[int, integer(0, 0xFFFF, base=0, show="0x04x")]
PciBus = Annotated[int, integer(0, 0xFF, base=0, show="0x02x")]
PciSlot = Annotated[int, integer(0, 0x1F, base=0, show="0x02x")]
PciFunction = Annotated[int, integer(0, 7, base=0, show="0xx")]
Hex = Annotated[int, integer(0, 0xFFFFFFFF, base=0, show="0xx")]


def hexadecimal(high: int, show: str) -> Codec:
    """A number always in base 16, with or without 0x, up to `high`; printed as `show` formats it behind a 0x."""

    def parse(text: str) -> int:
        digits = text.strip().lower().removeprefix("0x")
        if not digits or len(digits) > 16 or not digits.isascii() or not digits.isalnum():
            raise ValueError
        value = int(digits, 16)
        if value > high:
            raise ValueError
        return value

    return Codec(
        parse, lambda value: "0x" + format(value, show), right=f"hexadecimal, at most 0x{high:x}",
        pattern="(0[xX])?[0-9a-fA-F]+",
    )  # fmt: skip


IsaNumber = Annotated[int, hexadecimal(0xFFFFFFFF, "x")]
Register = Annotated[int, hexadecimal(2**64 - 1, "08x")]

AddressType = Literal[
    "pci", "drive", "virtio-serial", "ccid", "usb", "spapr-vio", "ccw", "isa", "virtio-mmio", "dimm", "unassigned"
]


class Address(Element, tag="address", family=True):
    """Any address; `type` says which."""

    type: AddressType = kind("@type")


class Zpci(Element, tag="zpci"):
    """The s390 side of a PCI address."""

    uid: Hex4 | None = at("@uid")
    fid: Hex8 | None = at("@fid")


class PciAddress(Address, variant="pci"):
    """domain:bus:slot.function. All zero means: a PCI address, to be chosen later."""

    domain: PciDomain = at("@domain", 0)
    bus: PciBus = at("@bus", 0)
    slot: PciSlot = at("@slot", 0)
    function: PciFunction = at("@function", 0)
    multifunction: OnOff | None = at("@multifunction")
    zpci: Zpci | None = child(empty=False)

    @property
    def unset(self) -> bool:
        """Still to be chosen. 0000:00:00.x is the host bridge's and nobody else's."""
        return not (self.domain or self.bus or self.slot)

    def __str__(self) -> str:
        return f"{self.domain:04x}:{self.bus:02x}:{self.slot:02x}.{self.function:x}"


class DriveAddress(Address, variant="drive"):
    """controller, bus, target, unit of a disk, CD-ROM, floppy or SCSI device."""

    controller: AnyUInt = at("@controller", 0)
    bus: AnyUInt = at("@bus", 0)
    target: AnyUInt = at("@target", 0)
    unit: AnyUInt = at("@unit", 0)


class VirtioSerialAddress(Address, variant="virtio-serial"):
    """A port of a virtio-serial controller."""

    controller: AnyUInt = at("@controller", 0)
    bus: AnyUInt = at("@bus", 0)
    port: AnyUInt = at("@port", 0)


class CcidAddress(Address, variant="ccid"):
    """A slot of a smartcard reader."""

    controller: AnyUInt = at("@controller", 0)
    slot: AnyUInt = at("@slot", 0)


class UsbAddress(Address, variant="usb"):
    """A USB port: `port` is dotted through hubs ("1.2"), None when still to be chosen."""

    bus: AnyUInt = at("@bus", 0)
    port: str | None = at("@port")


class SpaprVioAddress(Address, variant="spapr-vio"):
    """A register of the pSeries virtual I/O bus."""

    reg: Register | None = at("@reg")


class CcwAddress(Address, variant="ccw"):
    """A channel device of s390."""

    cssid: Hex | None = at("@cssid")
    ssid: Hex | None = at("@ssid")
    devno: Hex4 | None = at("@devno")


class MmioAddress(Address, variant="virtio-mmio"):
    """A virtio-mmio transport; the machine numbers them."""


class IsaAddress(Address, variant="isa"):
    """Port and interrupt on the ISA bus."""

    iobase: IsaNumber | None = at("@iobase")
    irq: IsaNumber | None = at("@irq")


class DimmAddress(Address, variant="dimm"):
    """A memory slot; `base` is where the guest sees it."""

    slot: AnyUInt = at("@slot", 0)
    base: HexLong | None = at("@base")


class UnassignedAddress(Address, variant="unassigned"):
    """Known to the definition, not plugged into the guest."""


def pci_address(text: str) -> PciAddress:
    """ "0000:00:1f.2" -> its PciAddress. XMLError for anything else."""
    try:
        rest, function = text.rsplit(".", 1)
        domain, bus, slot = rest.split(":")
        return PciAddress(domain=int(domain, 16), bus=int(bus, 16), slot=int(slot, 16), function=int(function, 16))
    except ValueError:
        raise XMLError(f"{text!r} is no PCI address; one looks like 0000:00:1f.2") from None
