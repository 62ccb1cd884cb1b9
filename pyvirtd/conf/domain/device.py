"""What all devices share: alias, ACPI index, address, and for some boot order and option ROM.

libvirt prints these after a device's own elements, always in the same order; the `tail` marks number that order.
"""

from __future__ import annotations

from typing import Final

from pyvirtd.conf.domain.address import Address
from pyvirtd.conf.xml import Dump, Element, at, child
from pyvirtd.conf.xml.types import AnyUInt, OnOff, Positive, YesNo

BOOT, ALIAS, MASTER, ROM, ACPI, ADDRESS, AFTER = range(1, 8)
USER_ALIAS: Final = "ua-"


def _alias_kept(alias: str, flags: int) -> bool:
    """Aliases are the driver's and live only, except those that the user chose."""
    return not flags & Dump.INACTIVE or alias.startswith(USER_ALIAS)


class Device(Element):
    """Any device."""

    alias: str | None = at("alias/@name", keep=_alias_kept, tail=ALIAS)
    acpi_index: AnyUInt = at("acpi/@index", 0, omit=0, tail=ACPI)
    address: Address | None = child(Address, tail=ADDRESS)


class BootDevice(Device):
    """A device that can be in the boot order. `boot_order` counts from 1."""

    boot_order: Positive | None = at("boot/@order", tail=BOOT)
    boot_loadparm: str | None = at("boot/@loadparm", tail=BOOT)


class RomDevice(BootDevice):
    """A device with an option ROM."""

    rom_enabled: YesNo | None = at("rom/@enabled", tail=ROM)
    rom_bar: OnOff | None = at("rom/@bar", tail=ROM)
    rom_file: str | None = at("rom/@file", tail=ROM)
