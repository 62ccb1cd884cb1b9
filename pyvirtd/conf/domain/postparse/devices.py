"""All devices: the steps of their post-parse in their order, and the small ones."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from pyvirtd.conf.domain.address import CcidAddress
from pyvirtd.conf.domain.chardev import Chardev
from pyvirtd.conf.domain.disk import Disk
from pyvirtd.conf.domain.filesystem import Filesystem
from pyvirtd.conf.domain.hostdev import Hostdev
from pyvirtd.conf.domain.input import Input
from pyvirtd.conf.domain.interface import Interface
from pyvirtd.conf.domain.postparse.chardev import number_ports, pair_consoles
from pyvirtd.conf.domain.postparse.controllers import add_controllers, number_controllers
from pyvirtd.conf.domain.postparse.disk import NARROW, complete_disk, complete_hostdev
from pyvirtd.conf.domain.postparse.order import order_devices
from pyvirtd.conf.domain.postparse.video import add_video, choose_primary, complete_video
from pyvirtd.conf.domain.rng import Rng
from pyvirtd.conf.domain.smartcard import SmartCard
from pyvirtd.conf.domain.video import Video, VideoModel
from pyvirtd.conf.domain.vsock import Vsock
from pyvirtd.conf.xml import Element

if TYPE_CHECKING:
    from pyvirtd.conf.domain.devices import Devices
    from pyvirtd.conf.domain.domain import DomainDef

MAC_PREFIX = "52:54:00"
_X86 = frozenset(("x86_64", "i686"))
_COMPLETED = (Chardev, Input, Disk, Interface, Video, Hostdev, Filesystem, Rng, Vsock, SmartCard)


def arrange_devices(domain: DomainDef) -> None:
    """Before the driver's own defaults: lists in libvirt's order, and every controller with an index."""
    order_devices(domain.devices)
    number_controllers(domain.devices)


def complete_devices(domain: DomainDef, *, scsi_units: int = NARROW, mac_prefix: str = MAC_PREFIX) -> None:
    """Fill in what each device leaves out. Errors: see the devices' own functions."""
    for device in domain.devices.all():
        if isinstance(device, _COMPLETED):
            complete_device(domain, device, scsi_units=scsi_units, mac_prefix=mac_prefix)


def complete_device(
    domain: DomainDef, device: Element, *, scsi_units: int = NARROW, mac_prefix: str = MAC_PREFIX
) -> None:
    """Fill in one device, which need not be among the domain's yet (one that is being attached)."""
    devices = domain.devices
    match device:
        case Disk():
            complete_disk(devices, device, scsi_units)
        case Hostdev():
            complete_hostdev(devices, device, scsi_units)
        case Interface():
            if device.mac is None:
                device.mac = new_mac(mac_prefix)
        case Input():
            complete_input(device, domain.os.type or "hvm", domain.os.arch)
        case Filesystem():
            passed = device.source is not None and device.source.socket is not None
            if device.accessmode in (None, "default") and not passed:
                device.accessmode = "passthrough"
        case Chardev():
            _complete_chardev(devices, device)
        case Video():
            complete_video(device)
        case Rng():
            if device.backend.model == "random" and device.backend.path is None:
                device.backend.path = "/dev/random"
        case Vsock():
            if device.auto is None:
                device.auto = not device.cid
        case SmartCard():
            if device.address is None:
                device.address = CcidAddress(slot=_next_slot(devices))
        case _:
            pass  # and its class isn't in _COMPLETED


def add_implied(domain: DomainDef, *, video_model: VideoModel | None = None) -> None:
    """What devices imply: a card for a screen, consoles beside serial ports, controllers for addresses.

    `video_model`: of the card that a screen gets; None leaves it to the driver.
    Errors: ConfigUnsupported for a second console that wants to be a serial port.
    """
    devices = domain.devices
    add_video(devices, video_model)
    if domain.os.type == "hvm":
        pair_consoles(devices)
    for console in devices.consoles:
        if console.target_type in (None, "none"):
            console.target_type = "serial"
    add_controllers(devices)
    for video in devices.videos:
        if video.model is not None:
            complete_video(video)
    choose_primary(devices)


def complete_input(device: Input, os_type: str, arch: str | None) -> None:
    """The bus that an input device of its type is on."""
    if device.bus not in (None, "none"):
        return
    match device.type:
        case "evdev":
            device.bus = None
        case "passthrough":
            device.bus = "virtio"
        case _ if os_type in ("xen", "xenpvh"):
            device.bus = "xen"
        case "mouse" | "keyboard" if os_type == "hvm" and (arch is None or arch in _X86):
            device.bus = "ps2"
        case _:
            device.bus = "usb"


def _complete_chardev(devices: Devices, device: Chardev) -> None:
    for ports in (devices.serials, devices.parallels, devices.consoles):
        if device in ports:
            number_ports(ports)


def _next_slot(devices: Devices) -> int:
    slots = [card.address.slot for card in devices.smartcards if isinstance(card.address, CcidAddress)]
    return max(slots, default=-1) + 1


def new_mac(prefix: str = MAC_PREFIX) -> str:
    """A MAC address nobody has, with luck: the prefix and three random bytes."""
    return ":".join((prefix, *(f"{byte:02x}" for byte in secrets.token_bytes(3))))
