"""Changes of devices in a running guest: media, links, passwords of displays, sizes of memory that can be resized."""

from __future__ import annotations

from typing import Any

from pyvirtd.conf.domain.disk import Disk
from pyvirtd.conf.domain.domain import DomainDef
from pyvirtd.conf.domain.graphics import Graphics, Spice, Vnc
from pyvirtd.conf.domain.interface import Interface
from pyvirtd.conf.domain.memory_device import MemoryDevice
from pyvirtd.conf.xml import Element
from pyvirtd.core.calls.change import change_live
from pyvirtd.core.devices.match import find
from pyvirtd.core.domain import Domain
from pyvirtd.drivers.qemu.capabilities import QemuCapabilities
from pyvirtd.drivers.qemu.hotplug.media import change_medium
from pyvirtd.drivers.qemu.launch import password_expiry
from pyvirtd.drivers.qemu.noun import machine_of
from pyvirtd.drivers.qemu.runtime import Runtime
from pyvirtd.errors import InvalidArg, OperationUnsupported

_CARD: tuple[str, ...] = ("type", "model", "boot_order", "rom_bar", "rom_file", "mtu", "script")
_DISK: tuple[str, ...] = ("bus", "device", "serial", "wwn", "readonly", "shareable", "transient", "vendor", "product")


async def update(
    runtime: Runtime, dom: Domain, wanted: Element, caps: QemuCapabilities, *, force: bool, made_up_mac: bool
) -> None:
    """Make the guest's device what `wanted` says; the caller holds the job.

    Raises DeviceMissing, InvalidArg, OperationUnsupported for what cannot change while the guest runs.
    """
    match wanted:
        case Disk():
            await _disk(runtime, dom, wanted, caps, force)
        case Interface():
            await _interface(runtime, dom, wanted, made_up_mac)
        case Vnc() | Spice():
            await _display(runtime, dom, wanted)
        case MemoryDevice():
            await _memory(runtime, dom, wanted)
        case _:
            raise OperationUnsupported(f"{dom}: a {wanted.TAG} cannot be changed while the guest runs")


async def _disk(runtime: Runtime, dom: Domain, wanted: Disk, caps: QemuCapabilities, force: bool) -> None:
    found = next((disk for disk in dom.current.devices.disks if disk.target == wanted.target), None)
    if found is None:
        raise InvalidArg(f"{dom} has no disk '{wanted.target}'")
    _same_but(dom, found, wanted, _DISK)
    if same_image(found, wanted):
        return
    if found.device not in ("cdrom", "floppy"):
        raise OperationUnsupported(f"{dom}: only the media of cdrom and floppy drives can be changed")
    await change_medium(runtime, dom, found, wanted, caps, force=force)


def same_image(found: Disk, wanted: Disk) -> bool:
    """Whether both have the same medium."""
    if found.empty or wanted.empty:
        return found.empty == wanted.empty
    same_format = found.format == wanted.format
    return found.type == wanted.type and found.source == wanted.source and same_format


async def _interface(runtime: Runtime, dom: Domain, wanted: Interface, made_up_mac: bool) -> None:
    found = find(dom.current, wanted, made_up_mac=made_up_mac)
    _same_but(dom, found, wanted, _CARD)
    if found.type != "user" and wanted.source is not None and _source(found) != _source(wanted):
        raise OperationUnsupported(f"{dom}: where a card is connected to cannot be changed while the guest runs")
    if (found.link or "up") != (wanted.link or "up"):
        await machine_of(dom).run("set_link", name=str(found.alias), up=wanted.link != "down")

    def change(live: DomainDef) -> None:
        for card in live.devices.interfaces:
            if card.alias == found.alias:
                card.link = wanted.link

    await change_live(runtime, dom, change)


def _source(card: Interface) -> tuple[str | None, ...]:
    source = card.source
    return (source.network, source.bridge, source.dev) if source is not None else ()


def _same_but(dom: Domain, found: Any, wanted: Any, names: tuple[str, ...]) -> None:
    """Refuse changes of what is fixed while the guest runs."""
    for name in names:
        have, want = getattr(found, name), getattr(wanted, name)
        if want is not None and have != want:
            raise OperationUnsupported(f"{dom} runs: {name} of a {wanted.TAG} cannot change from {have} to {want}")


async def _display(runtime: Runtime, dom: Domain, wanted: Vnc | Spice) -> None:
    found = next((shown for shown in dom.current.devices.graphics if type(shown) is type(wanted)), None)
    if not isinstance(found, Vnc | Spice):
        raise InvalidArg(f"{dom} has no {wanted.type} display")
    if not (wanted.autoport or found.autoport) and wanted.port not in (None, -1, found.port):
        raise OperationUnsupported(f"{dom}: the port of a display cannot be changed while the guest runs")
    password, until = wanted.passwd, wanted.passwd_valid_to
    machine = machine_of(dom)
    if password is not None:
        viewers = str(wanted.connected or "keep")
        await machine.run("set_password", protocol=wanted.type, password=password, connected=viewers)
        await machine.run("expire_password", protocol=wanted.type, time=password_expiry(password, until))

    def change(live: DomainDef) -> None:
        for shown in live.devices.graphics:
            if isinstance(shown, Graphics) and type(shown) is type(wanted) and isinstance(shown, Vnc | Spice):
                shown.passwd, shown.passwd_valid_to = password, until

    await change_live(runtime, dom, change)


async def _memory(runtime: Runtime, dom: Domain, wanted: MemoryDevice) -> None:
    modules = [m for m in dom.current.devices.memories if m.model == wanted.model]
    if wanted.address is not None:
        modules = [module for module in modules if module.address == wanted.address]
    if wanted.model != "virtio-mem" or len(modules) != 1:
        raise OperationUnsupported(f"{dom}: only one virtio-mem, named by its address, can change while the guest runs")
    found, size = modules[0], wanted.target.requested or 0
    _same_but(dom, found.target, wanted.target, ("size", "node", "block"))
    path = f"/machine/peripheral/{found.alias}"
    await machine_of(dom).run("qom-set", path=path, property="requested-size", value=size << 10)

    def change(live: DomainDef) -> None:
        for module in live.devices.memories:
            if module.alias == found.alias:
                module.target.requested = size

    await change_live(runtime, dom, change)
