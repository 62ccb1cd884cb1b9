"""Post-parse of devices, as far as they depend on each other and not on a hypervisor.

What a device can settle by itself it has settled in its own `parsed`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Final, TypeVar

from pyvirtd.conf.domain.address import CcidAddress, DriveAddress
from pyvirtd.conf.domain.chardev import Channel, Console, Parallel, Serial
from pyvirtd.conf.domain.controller import Controller
from pyvirtd.conf.domain.disk import Disk, DiskBus
from pyvirtd.conf.domain.domain import DomainDef
from pyvirtd.conf.domain.video import Video, VideoModel
from pyvirtd.errors import ConfigUnsupported, ErrorDomain, InternalError

BUS_OF_NAME: Final[dict[str, DiskBus]] = {
    "xvd": "xen", "ubd": "uml", "hd": "ide", "sd": "scsi", "vd": "virtio", "fd": "fdc",
}  # fmt: skip
SPICE_CHANNEL: Final = "com.redhat.spice.0"
Placed = TypeVar("Placed")


def disk_index(target: str | None) -> int:
    """The number in a target name: "sda" 0, "vdz" 25, "hdaa" 26; -1 for a name of another kind."""
    name = target or ""
    for prefix in (*BUS_OF_NAME, "mmcblk", "nvme"):
        if name.startswith(prefix):
            letters = name[len(prefix) :].rstrip("0123456789")
            if not letters.isascii() or not letters.islower() or not 0 < len(letters) < 8:
                return -1
            number = 0
            for letter in letters:
                number = number * 26 + ord(letter) - ord("a") + 1
            return number - 1
    return -1


def insert(items: list[Placed], new: Placed, kind: Callable[[Placed], object], rank: Callable[[Placed], int]) -> None:
    """Put `new` behind the last of its kind whose rank is not above its own; a new kind goes to the end."""
    place = None
    for index in range(len(items) - 1, -1, -1):
        if kind(items[index]) != kind(new):
            continue
        if rank(items[index]) > rank(new):
            place = index
        elif place is None:
            place = index + 1
    items.insert(len(items) if place is None else place, new)


def insert_disk(disks: list[Disk], disk: Disk) -> None:
    """A disk's place in the list: by bus, then by target."""
    insert(disks, disk, lambda d: d.bus, lambda d: disk_index(d.target))


def drive_address(disk: Disk) -> DriveAddress | None:
    """Where a disk sits on its bus by its target name; None where the bus has other addresses."""
    index = disk_index(disk.target)
    if index < 0:
        raise InternalError(f"disk target {disk.target!r} has to be like hda, sda, fda to have a place on its bus",
                            domain=ErrorDomain.DOMAIN)  # fmt: skip
    match disk.bus:
        case "ide":
            return DriveAddress(controller=index // 4, bus=index % 4 // 2, unit=index % 2)
        case "scsi":  # unit 7 is the controller itself
            unit = index % 15
            return DriveAddress(controller=index // 15, unit=unit + (unit >= 7))
        case "sata":
            return DriveAddress(controller=index // 6, unit=index % 6)
        case "fdc":
            return DriveAddress(controller=index // 2, unit=index % 2)
    return None


def _disks(domain: DomainDef) -> None:
    disks: list[Disk] = []
    for disk in domain.devices.disks:
        if disk.bus is None:
            if disk.device == "floppy":
                disk.bus = "fdc"
            else:
                target = disk.target or ""
                disk.bus = next((bus for start, bus in BUS_OF_NAME.items() if target.startswith(start)), "ide")
        if disk.device in ("cdrom", "floppy") and disk.type == "network" and disk.empty:
            disk.type = "file"
        insert_disk(disks, disk)
    domain.devices.disks = disks


def assign_drives(domain: DomainDef) -> None:
    """Addresses of disks on IDE, SCSI, SATA and floppy controllers."""
    for disk in domain.devices.disks:
        if disk.address is None and disk.target and disk.bus in ("ide", "scsi", "sata", "fdc"):
            disk.address = drive_address(disk)


def _number_ports(ports: list[Serial] | list[Parallel]) -> None:
    highest = max((port.port for port in ports if port.port is not None), default=-1)
    for port in ports:
        if port.port is None:
            highest += 1
            port.port = highest


def _channels(channels: list[Channel]) -> None:
    for channel in channels:
        if channel.target_type == "virtio" and channel.name is None and channel.backend.type in (
            "spicevmc", "qemu-vdagent",
        ):  # fmt: skip
            channel.name = SPICE_CHANNEL


def _controllers(domain: DomainDef) -> None:
    """Sorted by index within their types; those without get the lowest free one of their type, companions of a USB
    controller its own."""
    master = 0
    listed = domain.devices.controllers
    for controller in listed:
        companion = controller.type == "usb" and controller.master_startport is not None
        if controller.index is None:
            used = {other.index for other in listed if other.type == controller.type}
            free = next(number for number in range(len(listed) + 1) if number not in used)
            controller.index = master if companion else free
        if controller.type == "usb" and not companion:
            master = controller.index
    controllers: list[Controller] = []
    for controller in domain.devices.controllers:
        insert(
            controllers, controller, lambda c: c.type,
            lambda c: 2 * (c.index or 0) + (c.master_startport is not None),
        )  # fmt: skip
    domain.devices.controllers = controllers


def _smartcards(domain: DomainDef) -> None:
    taken = {
        (card.address.controller, card.address.slot)
        for card in domain.devices.smartcards
        if isinstance(card.address, CcidAddress)
    }
    for card in domain.devices.smartcards:
        if card.address is None:
            slot = next(number for number in range(len(taken) + 1) if (0, number) not in taken)
            taken.add((0, slot))
            card.address = CcidAddress(controller=0, slot=slot)


def new_mac(prefix: bytes = b"\x52\x54\x00") -> str:
    """A random MAC address; QEMU's and KVM's begin with 52:54:00."""
    return (prefix + os.urandom(3)).hex(":")


def complete_devices(domain: DomainDef, *, mac_prefix: bytes = b"\x52\x54\x00") -> None:
    """Buses, order, port numbers and MAC addresses that devices leave open, in place."""
    devices = domain.devices
    _disks(domain)
    _controllers(domain)
    _number_ports(devices.serials)
    _number_ports(devices.parallels)
    for number, console in enumerate(devices.consoles):
        console.port = number
    _channels(devices.channels)
    _smartcards(domain)
    for interface in devices.interfaces:
        if interface.mac is None:
            interface.mac = new_mac(mac_prefix)


def link_console(domain: DomainDef) -> None:
    """The first console and the first serial port of a machine are one thing: each implies the other, and the
    console repeats the port."""
    if domain.os.type != "hvm":
        return
    consoles, serials = domain.devices.consoles, domain.devices.serials
    if not serials and consoles and consoles[0].target_type in (None, "serial"):
        first = consoles[0]
        serials.append(Serial(backend=first.backend.copy(), port=0, alias=first.alias, address=first.address))
    if not serials or serials[0].target_type == "isa-debug":
        return
    if not consoles or consoles[0].target_type not in (None, "serial"):
        consoles.insert(0, Console())
    serial, console = serials[0], consoles[0]
    console.target_type, console.port = "serial", serial.port
    console.backend = serial.backend.copy()
    console.alias = serial.alias
    console.address = serial.address.copy() if serial.address is not None else None


def _power_of_two(number: int) -> int:
    return 1 << (number - 1).bit_length() if number else 0


def complete_video(video: Video) -> None:
    """Memory sizes (KiB) and number of heads by model; QXL's are powers of two."""
    match video.model:
        case "vga" | "cirrus" | "vmvga" | "bochs":
            video.vram = video.vram or 16384
        case "xen":
            video.vram = video.vram or 4096
        case "qxl":
            video.ram = _power_of_two(video.ram or 65536)
            video.vram = _power_of_two(video.vram or 65536)
            video.vgamem = _power_of_two(video.vgamem or 16384)
            video.vram64 = _power_of_two(video.vram64 or 0) or None
    if video.model != "none":
        video.heads = video.heads or 1


def _videos(domain: DomainDef, model: VideoModel | None) -> None:
    """One card is primary, and stands first; a screen needs a card."""
    videos = domain.devices.videos
    if domain.devices.graphics and not videos:
        videos.append(Video(model=model))
    if not videos:
        return
    primary = [video for video in videos if video.primary]
    if len(primary) > 1:
        raise ConfigUnsupported("only one video device can be primary", domain=ErrorDomain.DOMAIN)
    first = primary[0] if primary else videos[0]
    first.primary = True if first.model != "none" else None
    videos.remove(first)
    videos.insert(0, first)
    for video in videos:
        video.model = video.model or model
        complete_video(video)


def add_implied(domain: DomainDef, *, video_model: VideoModel | None = None) -> None:
    """Devices that others imply: a serial port of a console, a card (`video_model`) of a screen; places of drives."""
    link_console(domain)
    _videos(domain, video_model)
    assign_drives(domain)
