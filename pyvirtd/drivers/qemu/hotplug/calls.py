"""Attaching, detaching and updating devices: in the definition, in the running guest, or in both alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from pyvirtd.conf.domain.devices import parse_device
from pyvirtd.conf.domain.disk import Disk
from pyvirtd.conf.domain.domain import DomainDef
from pyvirtd.conf.domain.interface import Interface
from pyvirtd.conf.domain.postparse.devices import new_mac
from pyvirtd.conf.xml import Element
from pyvirtd.core.calls.change import impact, keep, tried
from pyvirtd.core.devices import config
from pyvirtd.core.devices.match import by_alias, find
from pyvirtd.core.domain import Domain
from pyvirtd.core.modifies import modifies
from pyvirtd.drivers.qemu.capabilities import QemuCapabilities
from pyvirtd.drivers.qemu.hotplug.device import read_device
from pyvirtd.drivers.qemu.hotplug.judge import judge_device
from pyvirtd.drivers.qemu.hotplug.media import change_medium
from pyvirtd.drivers.qemu.hotplug.plug import plug
from pyvirtd.drivers.qemu.hotplug.unplug import unplug
from pyvirtd.drivers.qemu.hotplug.update import update
from pyvirtd.drivers.qemu.noun import Noun
from pyvirtd.drivers.qemu.pipeline import capabilities_of
from pyvirtd.drivers.qemu.postparse import post_parse
from pyvirtd.protocol.calls import supports
from pyvirtd.protocol.constants.domain import DomainDeviceModifyFlags as Flags

_BOTH: Final = Flags.LIVE | Flags.CONFIG


class DeviceCalls(Noun):
    """See the module."""

    @supports(_BOTH)
    @modifies
    async def domain_attach_device_flags(self, dom: Domain, xml: str, flags: int) -> None:
        live, config_too = impact(dom, flags)
        caps = await capabilities_of(self.runtime, dom.current)
        mac = _mac_for(xml)
        kept = self._tried(dom, lambda d: _attach(d, xml, mac, caps), caps) if config_too else None
        if live:
            device = _read(xml, mac, dom.current, caps)
            drive = _drive(dom.current, device)
            if drive is not None and isinstance(device, Disk):
                await change_medium(self.runtime, dom, drive, device, caps, force=False)
            else:
                judge_device(dom.current, device, caps)
                await plug(self.runtime, dom, device, caps)
        if kept is not None:
            await keep(self.runtime, dom, kept)

    @supports(_BOTH)
    @modifies
    async def domain_detach_device_flags(self, dom: Domain, xml: str, flags: int) -> None:
        live, config_too = impact(dom, flags)
        caps = await capabilities_of(self.runtime, dom.current)
        made_up = _mac_for(xml) is not None

        def change(definition: DomainDef) -> None:
            config.detach(definition, read_device(xml, definition, caps), made_up_mac=made_up)

        kept = self._tried(dom, change, caps) if config_too else None
        if live:
            wanted = read_device(xml, dom.current, caps, live=True)
            await unplug(self.runtime, dom, find(dom.current, wanted, made_up_mac=made_up))
        if kept is not None:
            await keep(self.runtime, dom, kept)

    @supports(_BOTH)
    @modifies
    async def domain_detach_device_alias(self, dom: Domain, alias: str, flags: int) -> None:
        live, config_too = impact(dom, flags)
        caps = await capabilities_of(self.runtime, dom.current)

        def change(definition: DomainDef) -> None:
            config.take_out(definition, by_alias(definition, alias))

        kept = self._tried(dom, change, caps) if config_too else None
        if live:
            await unplug(self.runtime, dom, by_alias(dom.current, alias))
        if kept is not None:
            await keep(self.runtime, dom, kept)

    @supports(_BOTH | Flags.FORCE)
    @modifies
    async def domain_update_device_flags(self, dom: Domain, xml: str, flags: int) -> None:
        live, config_too = impact(dom, flags & ~Flags.FORCE)
        caps = await capabilities_of(self.runtime, dom.current)
        made_up = _mac_for(xml) is not None

        def change(definition: DomainDef) -> None:
            device = read_device(xml, definition, caps)
            judge_device(definition, device, caps)
            config.update(definition, device, made_up_mac=made_up)

        kept = self._tried(dom, change, caps) if config_too else None
        if live:
            wanted = read_device(xml, dom.current, caps)
            force = bool(flags & Flags.FORCE)
            await update(self.runtime, dom, wanted, caps, force=force, made_up_mac=made_up)
        if kept is not None:
            await keep(self.runtime, dom, kept)

    def _tried(self, dom: Domain, change: Callable[[DomainDef], None], caps: QemuCapabilities) -> DomainDef:
        """The persistent definition with the change in it, complete again."""

        def complete(definition: DomainDef) -> None:
            change(definition)
            post_parse(definition, caps, nvram_dir=str(self.runtime.nvram_dir))

        return tried(dom, complete)


def _attach(definition: DomainDef, xml: str, mac: str | None, caps: QemuCapabilities) -> None:
    device = _read(xml, mac, definition, caps)
    judge_device(definition, device, caps)
    config.attach(definition, device)


def _read(xml: str, mac: str | None, definition: DomainDef, caps: QemuCapabilities) -> Element:
    """The device; a card without address gets the same one in the definition and in the guest."""
    device = read_device(xml, definition, caps)
    if isinstance(device, Interface) and mac is not None:
        device.mac = mac
    return device


def _mac_for(xml: str) -> str | None:
    """A made up address, when the document is a network card's that has none."""
    device = parse_device(xml)
    return new_mac() if isinstance(device, Interface) and device.mac is None else None


def _drive(definition: DomainDef, device: Element) -> Disk | None:
    """The drive that a medium goes into: attaching to a CD-ROM or floppy drive that is there means that."""
    if not isinstance(device, Disk) or device.device not in ("cdrom", "floppy"):
        return None
    return next((d for d in definition.devices.disks if d.target == device.target and d.bus == device.bus), None)
