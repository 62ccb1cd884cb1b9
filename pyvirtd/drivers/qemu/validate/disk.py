"""Disks that QEMU can't have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyvirtd.conf.domain.address import CcwAddress, DriveAddress, PciAddress, UsbAddress
from pyvirtd.drivers.qemu.command.disk import chain
from pyvirtd.errors import ConfigUnsupported, ErrorDomain, InternalError, NoTarget, XMLError

if TYPE_CHECKING:
    from pyvirtd.conf.domain.disk import Disk
    from pyvirtd.conf.domain.domain import DomainDef
    from pyvirtd.conf.domain.source import Encryption

LISTED = ("ide", "scsi", "sata", "fdc")


def check_disks(definition: DomainDef) -> None:
    places: dict[tuple[str, int, int, int, int], str] = {}
    targets: set[str] = set()
    for disk in definition.devices.disks:
        name = disk.target or ""
        if not name:
            where = disk.source.where if disk.source is not None else ""
            of = where or "an empty drive"
            raise NoTarget(f"disk: <target dev=''/> is missing for {of}", domain=ErrorDomain.DOMAIN)
        if name in targets:
            raise XMLError(f"disk: the target '{name}' is given to two disks", domain=ErrorDomain.DOMAIN)
        targets.add(name)
    for disk in definition.devices.disks:
        name = disk.target or ""
        check_disk(disk)
        if isinstance(disk.address, DriveAddress) and disk.bus in LISTED:
            a = disk.address
            place = (disk.bus or "", a.controller, a.bus, a.target, a.unit)
            if place in places:
                raise ConfigUnsupported(
                    f"disk '{name}': controller {a.controller} bus {a.bus} target {a.target} unit {a.unit} "
                    f"is '{places[place]}' already",
                    domain=ErrorDomain.DOMAIN,
                )
            places[place] = name
    for hostdev in definition.devices.hostdevs:
        if hostdev.type == "scsi" and isinstance(hostdev.address, DriveAddress):
            a = hostdev.address
            taken = places.get(("scsi", a.controller, a.bus, a.target, a.unit))
            if taken is not None:
                raise ConfigUnsupported(
                    f"hostdev: its SCSI address is that of disk '{taken}'", domain=ErrorDomain.DOMAIN
                )


def check_disk(disk: Disk) -> None:
    check_address(disk)
    check_target(disk)
    check_source(disk)
    if (disk.vendor or disk.product) and disk.bus != "scsi":
        raise ConfigUnsupported(f"disk '{disk.target}': vendor and product exist on bus scsi only")
    if disk.removable is not None and disk.bus != "usb":
        raise XMLError(f"disk '{disk.target}': removable exists on bus usb only", domain=ErrorDomain.DOMAIN)


def check_address(disk: Disk) -> None:
    """Every bus has its own kind of address."""
    address, bus = disk.address, disk.bus
    if address is None:
        return
    wrong = (bus in LISTED and not isinstance(address, DriveAddress)) or (
        bus == "virtio" and isinstance(address, DriveAddress | UsbAddress)
    )
    if wrong:
        raise ConfigUnsupported(f"disk '{disk.target}': a disk on bus {bus} has no address of type '{address.type}'")
    if bus == "usb" and not isinstance(address, UsbAddress):
        raise InternalError(f"disk '{disk.target}': a disk on bus usb has no address of type '{address.type}'")
    if isinstance(address, CcwAddress | PciAddress) and bus in LISTED:
        raise ConfigUnsupported(f"disk '{disk.target}': bus {bus} takes drive addresses only")


def check_target(disk: Disk) -> None:
    """Targets name whole disks."""
    name = disk.target or ""
    if disk.bus != "sd" and name[-1:].isdigit() and not name.startswith(("mmcblk", "nvme")):
        raise ConfigUnsupported(f"disk '{name}': a target names a disk, not a partition; remove the number")


def check_source(disk: Disk) -> None:
    if disk.device == "lun" and disk.type not in ("block", "network", "volume"):
        raise ConfigUnsupported(
            f"disk '{disk.target}': device lun needs a source of type block, network or volume, not {disk.type}"
        )
    encryption = disk.encryption or (disk.source.encryption if disk.source is not None else None)
    if encryption is not None:
        check_encryption(disk, encryption)
    for kind, _, _ in chain(disk):
        if kind == "dir" and disk.type != "dir":
            raise ConfigUnsupported(f"disk '{disk.target}': format dir is no image; use type='dir' with format fat")
        if kind in ("iso", "none", "aio"):
            raise ConfigUnsupported(f"disk '{disk.target}': QEMU has no image format {kind}; raw would do")


def check_encryption(disk: Disk, encryption: Encryption) -> None:
    if encryption.format in ("qcow", "default") or (encryption.format != "luks" and encryption.engine != "librbd"):
        raise ConfigUnsupported(f"disk '{disk.target}': QEMU decrypts luks only, not {encryption.format}")
    if encryption.cipher_name is not None:
        raise ConfigUnsupported(f"disk '{disk.target}': the image itself knows its cipher; remove <cipher>")
