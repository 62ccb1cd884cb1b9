"""Attaching, detaching and updating devices: in the definition, in the running guest, or both."""

from __future__ import annotations

import os
from typing import Any

from pyvirtd.conf.domain.chardev import Channel
from pyvirtd.conf.domain.controller import Controller
from pyvirtd.conf.domain.devices import LIST_OF, parse_device
from pyvirtd.conf.domain.disk import Disk
from pyvirtd.conf.domain.domain import DomainDef
from pyvirtd.conf.domain.graphics import Spice, Vnc
from pyvirtd.conf.domain.interface import Interface
from pyvirtd.conf.xml import Element
from pyvirtd.core.calls.change import change_live, impact, keep, tried
from pyvirtd.core.domain import Domain
from pyvirtd.core.modifies import modifies
from pyvirtd.drivers.qemu import hotplug
from pyvirtd.drivers.qemu.block import apply_tunes
from pyvirtd.drivers.qemu.capabilities import QemuCapabilities
from pyvirtd.drivers.qemu.command.disk import chain
from pyvirtd.drivers.qemu.launch import learn_chardevs, password_expiry
from pyvirtd.drivers.qemu.machine import Machine
from pyvirtd.drivers.qemu.noun import Noun, machine_of
from pyvirtd.drivers.qemu.ownership import why_unreachable
from pyvirtd.drivers.qemu.pipeline import capabilities_of, named
from pyvirtd.drivers.qemu.postparse import post_parse
from pyvirtd.drivers.qemu.postparse.aliases import disk_index
from pyvirtd.drivers.qemu.prepare import give_places
from pyvirtd.drivers.qemu.validate import validate
from pyvirtd.errors import (
    DeviceMissing,
    HostSystemError,
    InvalidArg,
    OperationFailed,
    OperationInvalid,
    OperationUnsupported,
)
from pyvirtd.protocol.calls import supports
from pyvirtd.protocol.constants.domain import DomainDeviceModifyFlags as Flags
from pyvirtd.protocol.remote.events import DomainEventDeviceAdded
from pyvirtd.store.atomic import in_background

_BOTH = Flags.LIVE | Flags.CONFIG


class DeviceCalls(Noun):
    """See the module."""

    @supports(_BOTH)
    @modifies
    async def domain_attach_device_flags(self, dom: Domain, xml: str, flags: int) -> None:
        live, config = impact(dom, flags)
        parse_device(xml)
        caps = await capabilities_of(self.runtime, dom.current)
        kept = tried(dom, lambda definition: _add(definition, parse_device(xml), caps)) if config else None
        if live:
            await self._plug(dom, machine_of(dom), parse_device(xml), caps)
        if kept is not None:
            await keep(self.runtime, dom, kept)

    async def _plug(self, dom: Domain, machine: Machine, device: Element, caps: QemuCapabilities) -> None:
        tried_live = dom.current.copy()
        before = list(tried_live.devices.controllers)
        _add(tried_live, device, caps)
        new = [c for c in tried_live.devices.controllers if c is not device and not any(c is old for old in before)]
        if any(controller.type == "pci" for controller in new):
            raise OperationFailed(f"{dom} has no free PCI slot that a device could be plugged into")
        named(tried_live)
        if isinstance(device, Channel):
            give_places(self.runtime, machine, tried_live)
        if isinstance(device, Disk):
            await self._lend(machine, device)
        first = await hotplug.next_node(machine) if isinstance(device, Disk) else 1
        only = tried_live.copy()
        own = next(d for d in only.devices.all() if getattr(d, "alias", None) == getattr(device, "alias", None))
        if not isinstance(own, Controller):
            # Only the new device is built, and only its images get numbers: the others have had theirs for long.
            setattr(only.devices, _list(own), [own])
        words: list[hotplug.Command] = []
        for implied in new:
            words += hotplug.words_of(hotplug.builder_for(only, caps, machine), implied)
        words += hotplug.words_of(hotplug.builder_for(only, caps, machine, first), own)
        await hotplug.run_all(machine, words)
        if isinstance(device, Disk):
            await apply_tunes(machine, [device])
        chardevs = await machine.run("query-chardev") if isinstance(device, Channel) else None

        def change(live: DomainDef) -> None:
            live.devices.controllers += new
            _insert(live, device)
            if chardevs is not None:
                learn_chardevs(live, chardevs)

        await change_live(self.runtime, dom, change)
        for added in (*new, device):
            self.runtime.emit(DomainEventDeviceAdded(dom.ref, str(getattr(added, "alias", ""))))

    async def _lend(self, machine: Machine, disk: Disk) -> None:
        """Make sure that QEMU can open a disk's local images."""
        paths = [path for _, source, _ in chain(disk) if (path := source.file or source.dev) and not source.fdgroup]
        await in_background(_openable, machine, paths)
        self.runtime.ownership.take(paths, machine.lent, machine.run_dir)

    @supports(_BOTH)
    @modifies
    async def domain_detach_device_flags(self, dom: Domain, xml: str, flags: int) -> None:
        live, config = impact(dom, flags)
        given = parse_device(xml)
        kept = tried(dom, lambda definition: _remove(definition, find(definition, given))) if config else None
        if live:
            await self._unplug(dom, find(dom.current, given))
        if kept is not None:
            await keep(self.runtime, dom, kept)

    @supports(_BOTH)
    @modifies
    async def domain_detach_device_alias(self, dom: Domain, alias: str, flags: int) -> None:
        live, config = impact(dom, flags)
        kept = tried(dom, lambda definition: _remove(definition, by_alias(definition, alias))) if config else None
        if live:
            await self._unplug(dom, by_alias(dom.current, alias))
        if kept is not None:
            await keep(self.runtime, dom, kept)

    async def _unplug(self, dom: Domain, device: Element) -> None:
        machine = machine_of(dom)
        if isinstance(device, Disk) and (device.bus in ("ide", "sata", "fdc") or device.device in ("cdrom", "floppy")):
            raise OperationUnsupported(f"{dom}: a {device.device} on the {device.bus} bus cannot be unplugged")
        if isinstance(device, Controller):
            raise OperationUnsupported(f"{dom}: controllers cannot be unplugged from a running guest here")
        if not getattr(device, "alias", None):
            raise OperationFailed(f"{dom}: that device has no name in QEMU")
        # As with libvirt, a guest that takes its time is no error: an event tells when the device has gone.
        await hotplug.unplug(dom, machine, device)
        await machine.saved()

    @supports(_BOTH | Flags.FORCE)
    @modifies
    async def domain_update_device_flags(self, dom: Domain, xml: str, flags: int) -> None:
        live, config = impact(dom, flags & ~Flags.FORCE)
        parse_device(xml)
        caps = await capabilities_of(self.runtime, dom.current)
        kept = tried(dom, lambda definition: _replace(definition, parse_device(xml), caps)) if config else None
        if live:
            given = parse_device(xml)
            if isinstance(given, Disk):
                await self._change_medium(dom, given, caps, force=bool(flags & Flags.FORCE))
            elif isinstance(given, Interface):
                await self._change_link(dom, given)
            elif isinstance(given, Vnc | Spice):
                await self._change_password(dom, given)
            else:
                raise OperationUnsupported(f"a <{type(given).TAG}> of a running guest cannot be changed here")
        if kept is not None:
            await keep(self.runtime, dom, kept)

    async def _change_link(self, dom: Domain, given: Interface) -> None:
        machine, found = machine_of(dom), find(dom.current, given)
        alias = str(getattr(found, "alias", None) or "")
        await machine.run("set_link", name=alias, up=given.link != "down")

        def change(live: DomainDef) -> None:
            for interface in live.devices.interfaces:
                if interface.alias == alias:
                    interface.link = given.link

        await change_live(self.runtime, dom, change)

    async def _change_password(self, dom: Domain, given: Vnc | Spice) -> None:
        """A display's password and how long it is good for; the rest of a display cannot change."""
        machine = machine_of(dom)
        if given.passwd is None:
            raise OperationUnsupported(f"{dom}: only the password of a running guest's display can be changed")
        if not any(display.type == given.type for display in dom.current.devices.graphics):
            raise DeviceMissing(f"{dom} has no display of type {given.type}")
        viewers = str(given.connected or "keep")
        await machine.run("set_password", protocol=given.type, password=given.passwd, connected=viewers)
        expiry = password_expiry(given.passwd, given.passwd_valid_to)
        await machine.run("expire_password", protocol=given.type, time=expiry)

        def change(live: DomainDef) -> None:
            for display in live.devices.graphics:
                if isinstance(display, Vnc | Spice) and display.type == given.type:
                    display.passwd, display.passwd_valid_to = given.passwd, given.passwd_valid_to

        await change_live(self.runtime, dom, change)

    async def _change_medium(self, dom: Domain, given: Disk, caps: QemuCapabilities, *, force: bool) -> None:
        machine, found = machine_of(dom), find(dom.current, given)
        assert isinstance(found, Disk)
        if found.device not in ("cdrom", "floppy"):
            raise OperationUnsupported(f"{dom}: only drives of removable media can change what is in them")
        drive = found.copy()
        drive.type, drive.source, drive.backing = given.type, given.source, given.backing
        if given.driver is not None and given.driver.type is not None and drive.driver is not None:
            drive.driver.type = given.driver.type
        alone = dom.current.copy()
        alone.devices.disks = [drive]
        validate(alone, caps)
        new: list[hotplug.Command] = []
        if not drive.empty:
            await self._lend(machine, drive)
            new = hotplug.medium_words(
                hotplug.builder_for(alone, caps, machine, await hotplug.next_node(machine)), drive
            )
        alias = str(found.alias)
        old = await hotplug.nodes_of(machine, alias)
        await hotplug.run_all(machine, new)
        try:
            if found.device == "cdrom":
                await machine.run("blockdev-open-tray", id=alias, force=force)
            if not found.empty:
                await machine.run("blockdev-remove-medium", id=alias)
            if new:
                await machine.run("blockdev-insert-medium", {"id": alias, "node-name": new[-1][1]["node-name"]})
            if found.device == "cdrom":
                await machine.run("blockdev-close-tray", id=alias)
        except BaseException:
            await hotplug.undo(machine, new)
            raise
        await hotplug.drop_nodes(machine, old)

        def change(live: DomainDef) -> None:
            live.devices.disks = [drive if disk.alias == alias else disk for disk in live.devices.disks]

        await change_live(self.runtime, dom, change)


def _list(device: Element) -> str:
    return LIST_OF[type(device)] if type(device) in LIST_OF else next(
        name for kind, name in LIST_OF.items() if isinstance(device, kind)
    )


def _insert(definition: DomainDef, device: Element) -> None:
    """Put a device into its list: a disk beside those of its bus, in the order of targets; others at the end."""
    listed = getattr(definition.devices, _list(device))
    place = None
    if isinstance(device, Disk):
        for index in range(len(listed) - 1, -1, -1):
            if listed[index].bus == device.bus:
                if disk_index(device.target or "") < disk_index(listed[index].target or ""):
                    place = index
                elif place is None:
                    place = index + 1
    listed.insert(len(listed) if place is None else place, device)


def _add(definition: DomainDef, device: Element, caps: QemuCapabilities) -> None:
    """Put a device into a definition, with everything filled in and judged."""
    if isinstance(device, Disk) and any(disk.target == device.target for disk in definition.devices.disks):
        raise OperationFailed(f"there is a disk '{device.target}' already")
    if isinstance(device, Interface) and device.mac:
        if any(str(other.mac).lower() == str(device.mac).lower() for other in definition.devices.interfaces):
            raise OperationInvalid(f"there is an interface with the MAC address {device.mac} already")
    _insert(definition, device)
    post_parse(definition, caps)
    validate(definition, caps)


def _remove(definition: DomainDef, device: Element) -> None:
    listed = getattr(definition.devices, _list(device))
    listed[:] = [other for other in listed if other is not device]


def _replace(definition: DomainDef, given: Element, caps: QemuCapabilities) -> None:
    """Put a device in the place of the one that it is a new version of."""
    old: Any = find(definition, given)
    new: Any = given
    listed = getattr(definition.devices, _list(given))
    for field in ("address", "alias"):
        if hasattr(old, field) and getattr(new, field) is None:
            setattr(new, field, getattr(old, field))
    listed[:] = [new if other is old else other for other in listed]
    post_parse(definition, caps)
    validate(definition, caps)


def find(definition: DomainDef, given: Element) -> Element:
    """The device that a client means: a disk by target, an interface by MAC address, others by what they are.

    Raises DeviceMissing for none, OperationFailed for several.
    """
    listed: list[Any] = getattr(definition.devices, _list(given))
    wanted: Any = given
    if isinstance(given, Disk):
        found = [disk for disk in listed if disk.target == given.target]
    elif isinstance(given, Interface):
        found = [i for i in listed if not given.mac or str(i.mac).lower() == str(given.mac).lower()]
        if wanted.address is not None:
            found = [interface for interface in found if interface.address == wanted.address]
    elif isinstance(given, Channel):
        found = [c for c in listed if (c.target_type, c.name) == (given.target_type, given.name)]
    elif isinstance(given, Controller):
        found = [c for c in listed if c.type == given.type and c.index == given.index]
    elif isinstance(given, Vnc | Spice):
        found = [display for display in listed if display.type == given.type]
    else:
        found = [other for other in listed if _same(other, wanted)]
    if not found:
        raise DeviceMissing(f"domain '{definition.name}' has no such <{type(given).TAG}>")
    if len(found) > 1:
        raise OperationFailed(f"domain '{definition.name}' has {len(found)} such <{type(given).TAG}>: say which")
    return found[0]  # type: ignore[no-any-return]


def _same(have: Any, wanted: Any) -> bool:
    """Whether a device is what a client wrote, as far as it wrote anything."""
    if wanted.address is not None and have.address != wanted.address:
        return False
    if wanted.alias is not None and have.alias != wanted.alias:
        return False
    left, right = have.copy(), wanted.copy()
    left.address = right.address = left.alias = right.alias = None
    return bool(left == right)


def by_alias(definition: DomainDef, alias: str) -> Element:
    """The device of that alias. Raises DeviceMissing."""
    if not alias:
        raise InvalidArg("the alias is empty")
    for device in definition.devices.all():
        if getattr(device, "alias", None) == alias:
            return device
    raise DeviceMissing(f"domain '{definition.name}' has no device with the alias '{alias}'")


def _openable(machine: Machine, paths: list[str]) -> None:
    for path in paths:
        try:
            os.close(os.open(path, os.O_PATH | os.O_CLOEXEC))
        except OSError as error:
            raise HostSystemError(f"{machine}: cannot use {path}: {why_unreachable(path, error)}") from error
