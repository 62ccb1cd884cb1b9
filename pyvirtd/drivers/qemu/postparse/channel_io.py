"""Addresses that are no PCI: channel devices of s390, registers of the pSeries virtual I/O bus."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pyvirtd.conf.domain.address import CcwAddress, SpaprVioAddress
from pyvirtd.drivers.qemu.postparse.machine import devices_of, is_pseries, is_s390
from pyvirtd.errors import XMLError

if TYPE_CHECKING:
    from pyvirtd.conf.domain.domain import DomainDef

CSSID, LAST_DEVNO = 0xFE, 0xFFFF


def ccw_devices(definition: DomainDef) -> Iterator[Any]:
    """Virtio devices of an s390 guest, in the order in which device numbers are given out."""
    d = devices_of(definition)
    yield from (disk for disk in d.disks if disk.bus == "virtio")
    yield from (i for i in d.interfaces if i.model == "virtio" and i.type != "hostdev")
    yield from (h for h in d.hostdevs if h.type in ("mdev", "scsi_host") and h.model in ("vfio-ccw", "virtio"))
    yield from (c for c in d.controllers if c.type == "virtio-serial" or c.model == "virtio-scsi")
    yield from (b for b in d.memballoons if b.model == "virtio")
    yield from d.rngs
    yield from d.filesystems
    yield from d.vsocks
    yield from (v for v in d.videos if v.model == "virtio")
    yield from (i for i in d.inputs if i.bus == "virtio")


def assign_ccw(definition: DomainDef) -> None:
    """fe.0.0000 and on for virtio devices without an address; vfio-ccw devices sit there too."""
    if not is_s390(definition):
        return
    taken: set[tuple[int, int, int]] = set()
    for device in ccw_devices(definition):
        address = device.address
        if isinstance(address, CcwAddress) and address.devno is not None:
            place = (address.cssid or 0, address.ssid or 0, address.devno)
            if place in taken:
                raise XMLError("channel device {:x}.{:x}.{:04x} is used twice".format(*place))
            taken.add(place)
    number = 0
    for device in ccw_devices(definition):
        address = device.address
        if address is not None and not (isinstance(address, CcwAddress) and address.devno is None):
            continue
        while (CSSID, 0, number) in taken:
            number += 1
        if number > LAST_DEVNO:
            raise XMLError("no channel device number is left for one more virtio device")
        taken.add((CSSID, 0, number))
        device.address = CcwAddress(cssid=CSSID, ssid=0, devno=number)


def assign_spapr_vio(definition: DomainDef) -> None:
    """Registers: networks from 0x1000, SCSI from 0x2000, serial from 0x30000000, NVRAM from 0x3000."""
    if not is_pseries(definition):
        return
    d = devices_of(definition)
    groups: list[tuple[list[Any], int]] = [
        ([i for i in d.interfaces if i.model == "spapr-vlan"], 0x1000),
        ([c for c in d.controllers if c.type == "scsi" and c.model == "ibmvscsi"], 0x2000),
        ([s for s in d.serials if s.target_type == "spapr-vio-serial"], 0x30000000),
        (list(d.nvrams), 0x3000),
    ]
    taken: set[int] = set()
    for devices, _ in groups:
        for device in devices:
            if isinstance(device.address, SpaprVioAddress) and device.address.reg is not None:
                if device.address.reg in taken:
                    raise XMLError(f"spapr-vio register {device.address.reg:#x} is used twice")
                taken.add(device.address.reg)
    for devices, first in groups:
        for device in devices:
            if device.address is None or (isinstance(device.address, SpaprVioAddress) and device.address.reg is None):
                register = first
                while register in taken:
                    register += 0x1000
                taken.add(register)
                device.address = SpaprVioAddress(reg=register)
