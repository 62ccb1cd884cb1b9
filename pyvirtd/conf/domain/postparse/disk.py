"""Disks and SCSI host devices: the bus that a name stands for, and drive addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyvirtd.conf.domain.address import DriveAddress
from pyvirtd.conf.domain.disk import Disk, DiskBus
from pyvirtd.conf.domain.postparse.order import disk_index
from pyvirtd.errors import ConfigUnsupported, ErrorDomain, InternalError, NoSource, NoTarget

if TYPE_CHECKING:
    from pyvirtd.conf.domain.devices import Devices
    from pyvirtd.conf.domain.hostdev import Hostdev

_BUS_OF: dict[str, DiskBus] = {"hd": "ide", "sd": "scsi", "vd": "virtio", "xv": "xen", "ub": "uml"}
NARROW, WIDE = 7, 15  # units of a SCSI controller, without its own


def complete_disk(devices: Devices, disk: Disk, units: int = NARROW) -> None:
    """Bus and address. `units`: how many a SCSI controller of this hypervisor has.

    Errors: NoTarget, NoSource; InternalError for a name that no address follows from; ConfigUnsupported where
    the address that does is a host device's.
    """
    name = disk.target
    if not name:
        where = disk.source.where if disk.source is not None else ""
        raise NoTarget(
            f"line {disk.line}, <disk>: {where or 'the disk'} has no <target dev='...'/>, the name in the guest",
            domain=ErrorDomain.DOMAIN,
        )
    if disk.empty and disk.device not in ("cdrom", "floppy"):
        raise NoSource(
            f"disk {name!r} has no <source>; only CD-ROMs and floppies can be without", domain=ErrorDomain.DOMAIN
        )
    if disk.bus is None:
        disk.bus = "fdc" if disk.device == "floppy" else _BUS_OF.get(name.removeprefix("ioemu:")[:2], "ide")
    if disk.type == "vhostuser":
        disk.snapshot = "no"
    if disk.address is None:
        disk.address = drive_address(disk, units)
        address = disk.address
        if disk.bus == "scsi" and isinstance(address, DriveAddress):
            for host in devices.hostdevs:
                if host.type == "scsi" and host.address == address:
                    raise ConfigUnsupported(
                        f"disk {name!r} would be at {place(address)}, where a SCSI host device is: name it otherwise "
                        "or give it an <address>", domain=ErrorDomain.DOMAIN,
                    )  # fmt: skip


def drive_address(disk: Disk, units: int = NARROW) -> DriveAddress | None:
    """The address that the disk's name stands for on its bus; None where drives aren't numbered."""
    if disk.bus not in ("scsi", "ide", "sata", "fdc"):
        return None
    index = disk_index(disk.target)
    if index < 0:
        raise InternalError(
            f"disk name {disk.target!r} says nothing about its place; name it like 'sda' or give an <address>",
            domain=ErrorDomain.DOMAIN,
        )
    match disk.bus:
        case "scsi":
            unit = index % units
            return DriveAddress(controller=index // units, unit=unit + (units == WIDE and unit >= NARROW))
        case "ide":
            return DriveAddress(controller=index // 4, bus=index % 4 // 2, unit=index % 2)
        case "sata":
            return DriveAddress(controller=index // 6, unit=index % 6)
        case _:
            return DriveAddress(controller=index // 2, unit=index % 2)


def complete_hostdev(devices: Devices, hostdev: Hostdev, units: int = NARROW) -> None:
    """A SCSI host device takes the first free unit."""
    if hostdev.mode == "subsystem" and hostdev.type == "scsi" and hostdev.address is None:
        taken = [d.address for d in devices.disks if d.bus == "scsi"] + [
            h.address for h in devices.hostdevs if h.type == "scsi"
        ]
        used = {(a.controller, a.unit) for a in taken if isinstance(a, DriveAddress) and not a.bus and not a.target}
        controller = 0
        while True:
            for number in range(units + (units == WIDE)):
                if number != NARROW and (controller, number) not in used:
                    hostdev.address = DriveAddress(controller=controller, unit=number)
                    return
            controller += 1


def place(address: DriveAddress) -> str:
    """The address in words."""
    return f"controller {address.controller}, bus {address.bus}, target {address.target}, unit {address.unit}"
