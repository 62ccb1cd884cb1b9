"""Where disks, controllers and video cards stand in their lists: libvirt inserts them by bus, name and index."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyvirtd.conf.domain.controller import Controller
    from pyvirtd.conf.domain.devices import Devices
    from pyvirtd.conf.domain.disk import Disk

_NAME = re.compile(r"(?:ioemu:)?(?:fd|hd|vd|sd|xvd|ubd|nvme)([a-z]+)([0-9]*)", re.ASCII)
_MAX_LETTERS = 6


def disk_index(name: str | None) -> int:
    """ "vda" 0, "vdb" 1, … "vdaa" 26; a partition's number behind it is passed over. -1: no such name."""
    match = _NAME.fullmatch(name or "")
    if match is None or len(match[1]) > _MAX_LETTERS:
        return -1
    index = 0
    for letter in match[1]:
        index = index * 26 + ord(letter) - ord("a") + 1
    return index - 1


def order_devices(devices: Devices) -> None:
    """Put the lists into the order that libvirt keeps them in. Stable where nothing has to move."""
    disks, controllers = devices.disks, devices.controllers
    devices.disks, devices.controllers = [], []
    for disk in disks:
        insert_disk(devices.disks, disk)
    for controller in controllers:
        insert_controller(devices.controllers, controller)
    devices.videos.sort(key=lambda video: not video.primary)


def insert_disk(disks: list[Disk], new: Disk) -> None:
    """Before the first of its bus with a higher name, else behind the last of its bus, else at the end."""
    place = None
    index = disk_index(new.target)
    for position in range(len(disks) - 1, -1, -1):
        other = disks[position]
        if other.bus != new.bus:
            continue
        if disk_index(other.target) > index:
            place = position
        elif place is None:
            place = position + 1
    disks.insert(len(disks) if place is None else place, new)


def insert_controller(controllers: list[Controller], new: Controller) -> None:
    """By type and index; one without index behind the last of its type; a USB master before its companions."""
    place = None
    for position in range(len(controllers) - 1, -1, -1):
        other = controllers[position]
        if other.type != new.type:
            continue
        if new.index is None:
            place = position + 1
            break
        companion = other.index == new.index and other.master_startport is not None
        if (other.index or 0) > new.index or (companion and new.master_startport is None):
            place = position
        elif place is None:
            place = position + 1
    controllers.insert(len(controllers) if place is None else place, new)
