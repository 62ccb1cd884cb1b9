"""A definition as the other side of a migration gets it: without what older versions would add themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyvirtd.conf.domain import postparse as common
from pyvirtd.conf.xml import Dump, format

if TYPE_CHECKING:
    from pyvirtd.conf.domain.audio import Audio
    from pyvirtd.conf.domain.domain import DomainDef


def print_definition(definition: DomainDef, flags: int) -> str:
    """The definition's XML under `Dump` flags."""
    return format(for_migration(definition) if flags & Dump.MIGRATABLE else definition, flags)


def for_migration(definition: DomainDef) -> DomainDef:
    """A copy without the controllers, keyboard and audio backend that every guest of its machine type has."""
    copy = definition.copy()
    common.arrange_devices(copy)
    devices = copy.devices
    usb = [c for c in devices.controllers if c.type == "usb"]
    pci = [c for c in devices.controllers if c.type == "pci"]
    implied = []
    if len(usb) == 1 and usb[0].index == 0 and usb[0].model == "piix3-uhci":
        implied.append(usb[0])
    if len(pci) == 1 and pci[0].index == 0 and pci[0].model == "pci-root":
        implied.append(pci[0])
    devices.controllers = [c for c in devices.controllers if not any(c is gone for gone in implied)]
    devices.inputs = [i for i in devices.inputs if not (i.type == "keyboard" and i.bus == "ps2")]
    if len(devices.audios) == 1 and is_default(devices.audios[0]):
        devices.audios = []
    return copy


def is_default(audio: Audio) -> bool:
    """An audio backend without a single setting."""
    plain = type(audio)(id=audio.id, type=audio.type)
    return audio.id == 1 and audio.type in ("none", "spice") and audio == plain
