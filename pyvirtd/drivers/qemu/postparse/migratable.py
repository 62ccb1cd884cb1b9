"""Dumps of a definition for others: for the other side of a migration, and of a running guest for its next start."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyvirtd.conf.domain import postparse as common
from pyvirtd.conf.domain.graphics import Spice, Vnc
from pyvirtd.conf.xml import Dump, format
from pyvirtd.drivers.qemu.postparse.paths import drop_generated_paths

if TYPE_CHECKING:
    from pyvirtd.conf.domain.audio import Audio
    from pyvirtd.conf.domain.disk import Disk
    from pyvirtd.conf.domain.domain import DomainDef
    from pyvirtd.conf.domain.source import BackingStore


def print_definition(definition: DomainDef, flags: int) -> str:
    """The definition's XML under `Dump` flags. What migrates is a definition with its secrets, not a running guest."""
    if flags & Dump.MIGRATABLE:
        return format(for_migration(definition), flags | Dump.SECURE | Dump.INACTIVE)
    if flags & Dump.INACTIVE and definition.id is not None:
        return format(without_run(definition.copy()), flags)
    return format(definition, flags)


def without_run(copy: DomainDef) -> DomainDef:
    """Take out of a live definition what belongs to this run alone: ports, sockets, labels, the spelled-out CPU."""
    if copy.original_cpu is not None:
        copy.cpu, copy.original_cpu = copy.original_cpu, None
    copy.seclabels = [label for label in copy.seclabels if not label.implicit]
    drop_generated_paths(copy)
    for graphics in copy.devices.graphics:
        if isinstance(graphics, Vnc) and graphics.autoport:
            graphics.port = -1
        elif isinstance(graphics, Spice) and graphics.autoport:
            graphics.port = graphics.tls_port = None
        listens = getattr(graphics, "listens", [])
        for listen in listens:
            if listen.from_config:
                listen.address = None
        if listens and isinstance(graphics, Vnc | Spice):
            graphics.listen = listens[0].address
    for disk in copy.devices.disks:
        if disk.empty and disk.driver is not None and disk.driver.type is None:
            disk.driver.type = "raw"
        layer: Disk | BackingStore = disk
        while layer.backing is not None:
            if layer.backing.detected:
                layer.backing = None
            else:
                layer = layer.backing
    return copy


def for_migration(definition: DomainDef) -> DomainDef:
    """A copy without the controllers, keyboard and audio backend that every guest of its machine type has."""
    copy = definition.copy()
    if copy.id is not None:
        without_run(copy)
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
