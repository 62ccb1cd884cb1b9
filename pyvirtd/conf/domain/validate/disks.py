"""What is checked of disks."""

from __future__ import annotations

from typing import Final

from pyvirtd.conf.domain.address import DriveAddress
from pyvirtd.conf.domain.disk import Disk
from pyvirtd.conf.domain.domain import DomainDef
from pyvirtd.conf.domain.hostdev import ScsiSource
from pyvirtd.errors import ConfigUnsupported, ErrorDomain, NoTarget, XMLError

DOMAIN = ErrorDomain.DOMAIN
DRIVE_BUSES: Final = ("ide", "scsi", "sata", "fdc")


def check_disks(domain: DomainDef) -> None:
    """Each by itself, then targets and places among all."""
    disks = domain.devices.disks
    for disk in disks:
        check_disk(domain, disk)
    targets: set[str] = set()
    places: dict[tuple[object, ...], str] = {}
    for disk in disks:
        target = disk.target or ""
        if target in targets:
            raise XMLError(f"two disks have the target {target!r}, each has to have its own", domain=DOMAIN)
        targets.add(target)
    for disk in disks:
        target = disk.target or ""
        if isinstance(disk.address, DriveAddress):
            place = (disk.bus, *_place(disk.address))
            if place in places:
                raise ConfigUnsupported(
                    f"disks {places[place]!r} and {target!r} are both at controller {place[1]}, bus {place[2]}, "
                    f"target {place[3]}, unit {place[4]}", domain=DOMAIN,
                )  # fmt: skip
            places[place] = target
    for hostdev in domain.devices.hostdevs:
        if isinstance(hostdev.source, ScsiSource) and isinstance(hostdev.address, DriveAddress):
            place = ("scsi", *_place(hostdev.address))
            if place in places:
                raise ConfigUnsupported(f"disk {places[place]!r} is where a SCSI host device is", domain=DOMAIN)


def _place(address: DriveAddress) -> tuple[int, int, int, int]:
    return address.controller, address.bus, address.target, address.unit


def check_disk(domain: DomainDef, disk: Disk) -> None:
    """One disk."""
    name = disk.target
    if not name:
        where = disk.source.where if disk.source is not None else ""
        raise NoTarget(f"line {disk.line}, <disk>: the <target> of {where or 'a disk'} is missing", domain=DOMAIN)
    if disk.device == "lun" and disk.type not in ("block", "network", "volume"):
        raise ConfigUnsupported(f"disk {name!r}: a lun has to have a block or network source, not {disk.type}",
                                domain=DOMAIN)  # fmt: skip
    if disk.removable is not None and disk.bus != "usb":
        raise XMLError(f"disk {name!r}: only a usb disk can be removable", domain=DOMAIN)
    if disk.address is not None and disk.bus in DRIVE_BUSES and not isinstance(disk.address, DriveAddress):
        raise ConfigUnsupported(
            f"disk {name!r}: on bus {disk.bus} its address has to be of type drive, not {disk.address.type}",
            domain=DOMAIN,
        )
    encryption = disk.encryption or (disk.source.encryption if disk.source is not None else None)
    if encryption is not None and encryption.cipher_name is not None:
        raise ConfigUnsupported(f"disk {name!r}: the image itself says its cipher, <cipher> has no place here",
                                domain=DOMAIN)  # fmt: skip
    _labels(domain, disk)


def _labels(domain: DomainDef, disk: Disk) -> None:
    """A disk's own label only counts where the domain's images are labelled at all."""
    if disk.source is None:
        return
    seen: set[str | None] = set()
    for label in disk.source.seclabels:
        if label.model in seen:
            raise XMLError(f"disk {disk.target!r}: two seclabels are for model {label.model}", domain=DOMAIN)
        seen.add(label.model)
        for own in domain.seclabels:
            if label.relabel and own.model == label.model and own.relabel is False:
                raise ConfigUnsupported(
                    f"disk {disk.target!r}: its label for {own.model} needs relabel='yes' in the domain's",
                    domain=DOMAIN,
                )
