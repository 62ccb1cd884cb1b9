"""What is checked of the other devices, one by one and among themselves."""

from __future__ import annotations

from collections.abc import Sequence

from pyvirtd.conf.domain.address import CcwAddress, PciAddress, UnassignedAddress
from pyvirtd.conf.domain.domain import DomainDef
from pyvirtd.conf.domain.hostdev import Hostdev, MdevSource, PciSource, ScsiSource, UsbSource
from pyvirtd.conf.xml import Element
from pyvirtd.errors import ConfigUnsupported, ErrorDomain, InternalError, XMLDetail, XMLError

DOMAIN = ErrorDomain.DOMAIN


def check_devices(domain: DomainDef) -> None:
    """Cards, watchdogs, controllers, hubs, shared memory, host devices."""
    devices = domain.devices
    if len(devices.videos) > 1 and any(video.model == "none" for video in devices.videos):
        raise ConfigUnsupported("a video device of model none has to be the only one", domain=DOMAIN)
    _one(devices.watchdogs, "watchdog")
    _one(devices.memballoons, "memballoon")
    _one(devices.nvrams, "nvram")
    _one(devices.vsocks, "vsock")
    _controllers(domain)
    for shmem in devices.shmems:
        if shmem.msi and not shmem.server:
            raise XMLError(f"shmem {shmem.name!r}: msi has to come with a server", domain=DOMAIN)
        if "/" in shmem.name:
            raise XMLError(f"shmem {shmem.name!r}: its name has to be without '/'", domain=DOMAIN)
    _hostdevs(devices.hostdevs)
    _boot_orders(domain)


def _one(devices: Sequence[Element], what: str) -> None:
    if len(devices) > 1:
        raise InternalError(f"there are {len(devices)} {what} devices, one is possible", domain=DOMAIN)


def _controllers(domain: DomainDef) -> None:
    seen: set[tuple[str, int | None]] = set()
    usb = [controller for controller in domain.devices.controllers if controller.type == "usb"]
    masters = {controller.index for controller in usb if controller.master_startport is None}
    for controller in domain.devices.controllers:
        key = controller.type, controller.index
        if controller.type != "usb":  # several USB controllers can be parts of one
            if key in seen:
                raise XMLError(f"two {controller.type} controllers have index {controller.index}", domain=DOMAIN)
            seen.add(key)
        elif controller.master_startport is not None and controller.index not in masters:
            raise XMLDetail(f"USB controller {controller.index}: its companions have no master", domain=DOMAIN)
    if domain.devices.hubs and any(controller.model == "none" for controller in usb):
        raise ConfigUnsupported("a USB hub has to have a USB controller, and the model none says there is none",
                                domain=DOMAIN)  # fmt: skip


def _identity(hostdev: Hostdev) -> tuple[object, ...] | None:
    match hostdev.source:
        case PciSource() as pci:
            return "pci", pci.domain, pci.bus, pci.slot, pci.function
        case UsbSource() as usb:
            return "usb", usb.vendor, usb.product, usb.bus, usb.device
        case MdevSource() as mdev:
            return "mdev", mdev.uuid
        case ScsiSource() as scsi:
            return "scsi", scsi.protocol, scsi.name, scsi.adapter, scsi.bus, scsi.target, scsi.unit
    return None


def _hostdevs(hostdevs: list[Hostdev]) -> None:
    seen: set[tuple[object, ...]] = set()
    for hostdev in hostdevs:
        identity = _identity(hostdev)
        if identity is not None:
            if identity in seen:
                raise XMLError(f"the host device {' '.join(map(str, identity))} is there twice", domain=DOMAIN)
            seen.add(identity)
        address, model = hostdev.address, hostdev.model
        if not isinstance(hostdev.source, MdevSource) or address is None or isinstance(address, UnassignedAddress):
            continue
        right = PciAddress if model == "vfio-pci" else CcwAddress if model == "vfio-ccw" else None
        if right is not None and not isinstance(address, right):
            raise XMLError(
                f"a mediated device of model {model} has to have an address of type {right.VARIANT}, "
                f"not {address.type}", domain=DOMAIN,
            )  # fmt: skip


def _boot_orders(domain: DomainDef) -> None:
    devices = domain.devices
    seen: set[int] = set()
    for group in (devices.disks, devices.interfaces, devices.hostdevs, devices.redirdevs):
        for device in group:
            if device.boot_order is not None:
                if device.boot_order in seen:
                    raise ConfigUnsupported(f"boot order {device.boot_order} is there twice", domain=DOMAIN)
                seen.add(device.boot_order)
