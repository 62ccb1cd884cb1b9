"""Plugging a device into a running guest, by the builders that write its command line: all of it, or nothing."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from typing import Any, Final

from pyvirtd.conf.domain.chardev import Channel, Chardev, ChardevSource, Console, Serial
from pyvirtd.conf.domain.controller import Controller
from pyvirtd.conf.domain.disk import Disk
from pyvirtd.conf.domain.domain import DomainDef
from pyvirtd.conf.domain.hostdev import Hostdev
from pyvirtd.conf.domain.input import Input
from pyvirtd.conf.domain.interface import Interface
from pyvirtd.conf.domain.lease import Lease
from pyvirtd.conf.domain.memory_device import MemoryDevice
from pyvirtd.conf.domain.redirdev import RedirDev
from pyvirtd.conf.domain.rng import Rng
from pyvirtd.conf.domain.shmem import Shmem
from pyvirtd.conf.domain.watchdog import Watchdog
from pyvirtd.conf.xml import Element
from pyvirtd.core.calls.change import change_live
from pyvirtd.core.devices.config import check_free, place
from pyvirtd.core.domain import Domain
from pyvirtd.drivers.qemu.block import apply_tunes
from pyvirtd.drivers.qemu.capabilities import QemuCapabilities
from pyvirtd.drivers.qemu.command import LaunchContext, small
from pyvirtd.drivers.qemu.command.builder import Builder
from pyvirtd.drivers.qemu.command.controller import controller_props
from pyvirtd.drivers.qemu.command.disk import add_disks, chain
from pyvirtd.drivers.qemu.command.hostdev import add_hostdevs, add_redirdevs
from pyvirtd.drivers.qemu.command.interface import add_interfaces
from pyvirtd.drivers.qemu.command.memory import add_memory_devices
from pyvirtd.drivers.qemu.command.serial import add_channels, add_consoles, add_serials
from pyvirtd.drivers.qemu.hotplug.device import alone
from pyvirtd.drivers.qemu.hotplug.nodes import number_new
from pyvirtd.drivers.qemu.hotplug.run import run_all
from pyvirtd.drivers.qemu.hotplug.words import commands
from pyvirtd.drivers.qemu.machine import Machine
from pyvirtd.drivers.qemu.noun import machine_of
from pyvirtd.drivers.qemu.ownership import why_unreachable
from pyvirtd.drivers.qemu.plugs import plug_in
from pyvirtd.drivers.qemu.postparse import assign_aliases
from pyvirtd.drivers.qemu.postparse.addresses import assign_memory_slots, assign_virtio_serial
from pyvirtd.drivers.qemu.postparse.controllers import add_needed_controllers, settle_controller_models
from pyvirtd.drivers.qemu.postparse.pci_assign import PciAssigner
from pyvirtd.drivers.qemu.postparse.usb_assign import assign_usb
from pyvirtd.drivers.qemu.runtime import Runtime
from pyvirtd.errors import HostSystemError, InternalError, OperationFailed, OperationUnsupported
from pyvirtd.protocol.remote.events import DomainEventDeviceAdded
from pyvirtd.store.atomic import in_background

_BUILDERS: Final[tuple[tuple[type[Element], Callable[[Builder], None]], ...]] = (
    (Disk, add_disks), (Interface, add_interfaces), (Rng, small.add_rngs), (Input, small.add_inputs),
    (MemoryDevice, add_memory_devices), (Hostdev, add_hostdevs), (RedirDev, add_redirdevs), (Shmem, small.add_shmems),
    (Watchdog, small.add_watchdogs), (Channel, add_channels), (Console, add_consoles), (Serial, add_serials),
)  # fmt: skip
_FIRST_FDSET: Final = 1 << 20
"""Sets of descriptors of plugged devices are numbered from here; those of the command line from 0."""
_FDSETS: Final = 64
_HOT_BUSES: Final = ("virtio", "scsi", "usb")
_HOT_SERIAL: Final = ("usb-serial", "pci-serial")
_HOT_INPUT: Final = ("usb", "virtio", None)


async def plug(runtime: Runtime, dom: Domain, device: Element, caps: QemuCapabilities) -> None:
    """Plug a completed, judged device in; the caller holds the job. On disk and told to the clients when it returns.

    Raises OperationUnsupported for what cannot be plugged, what `check_free` raises, and QEMU's own refusals.
    """
    machine = machine_of(dom)
    live = dom.current.copy()
    check_free(live, device)
    check_pluggable(device)
    known = {id(controller) for controller in live.devices.controllers}
    place(live, device)
    if not isinstance(device, Lease):
        assign_place(live, device, caps)
    assign_aliases(live)
    new = [c for c in live.devices.controllers if id(c) not in known and c is not device]
    async with contextlib.AsyncExitStack() as undo:
        await lend(runtime, machine, device, undo)
        builder = builder_for(runtime, machine, live, device, caps)
        if isinstance(device, Disk):
            await number_new(machine, builder, device)
        with contextlib.ExitStack() as closing:
            if isinstance(device, Interface):
                await plug_in(builder.definition, builder.context, machine.run_dir, closing)
            write(builder, device, new)
            answers = await run_all(machine, commands(builder.argv), undo)
        learn_terminal(device, answers)
        if isinstance(device, Disk):
            await apply_tunes(machine, [device])
        if isinstance(device, Interface) and device.link == "down":
            await machine.run("set_link", name=str(device.alias), up=False)
        undo.pop_all()
    await change_live(runtime, dom, lambda current: _join(current, device, new))
    runtime.emit(DomainEventDeviceAdded(dom.ref, str(getattr(device, "alias", None) or "")))


def check_pluggable(device: Element) -> None:
    """Raises OperationUnsupported for devices that no running guest can get."""
    why = None
    match device:
        case Disk() if device.device in ("cdrom", "floppy"):
            why = f"there is no drive '{device.target}', and drives for {device.device}s cannot be plugged in"
        case Disk() if device.bus not in _HOT_BUSES:
            why = f"disks on the {device.bus} bus cannot be plugged in; {', '.join(_HOT_BUSES)} can"
        case Controller() if device.type != "scsi":
            why = f"{device.type} controllers cannot be plugged in"
        case Serial() if device.target_type not in _HOT_SERIAL:
            why = f"ports of type {device.target_type} cannot be plugged in; {', '.join(_HOT_SERIAL)} can"
        case Input() if device.bus not in _HOT_INPUT:
            why = f"input devices on the {device.bus} bus cannot be plugged in"
        case Interface() if device.type == "hostdev":
            why = "cards of the host cannot be plugged in as interfaces; as <hostdev> they can"
        case Controller() | Lease() | Channel() | Console():
            pass
        case _ if not any(isinstance(device, kind) for kind, _ in _BUILDERS):
            why = f"a {device.TAG} cannot be plugged into a running guest"
    if why is not None:
        raise OperationUnsupported(why)


def assign_place(live: DomainDef, device: Element, caps: QemuCapabilities) -> None:
    """Its place on a bus that the guest has. Only SCSI controllers are added for it: others cannot be plugged."""
    before = len(live.devices.controllers)
    add_needed_controllers(live)
    settle_controller_models(live, caps)
    assign_virtio_serial(live)
    if any(c.type != "scsi" for c in live.devices.controllers[before:]):
        raise OperationUnsupported(f"the guest has no controller that the {device.TAG} could be plugged into")
    assign_memory_slots(live)
    assigner = PciAssigner(live, caps)
    if any(c.type == "pci" for c in live.devices.controllers):
        topology = assigner.topology()
        assigner.chipset(topology)
        buses = len(topology.buses)
        assigner.give_out(topology, assigner.set_address)
        if len(topology.buses) > buses:
            raise InternalError("the guest has no free PCI slot that devices can be plugged into")
    hubs = len(live.devices.hubs)
    assign_usb(live)
    if len(live.devices.hubs) > hubs:
        raise InternalError("the guest has no free USB port")


def builder_for(
    runtime: Runtime, machine: Machine, live: DomainDef, device: Element, caps: QemuCapabilities
) -> Builder:
    """A builder of words for this device alone, in its place among the others."""
    run_name = machine.run_dir.name
    context = LaunchContext(
        domain_id=machine.domain.id, run_dir=str(machine.run_dir),
        channel_dir=str(runtime.channel_dir / run_name), ram_dir=str(runtime.ram_dir / run_name),
        fd_groups=runtime.fd_groups(machine.domain),
    )  # fmt: skip
    only = alone(live, device) if not isinstance(device, Controller) else live
    builder = Builder(only, caps, context)
    builder.fdsets = machine.facts["fdsets"] = machine.facts.get("fdsets", _FIRST_FDSET) + _FDSETS
    order = getattr(device, "boot_order", None)
    if order:
        builder.boot_order[id(device)] = order
    return builder


def write(builder: Builder, device: Element, controllers: list[Controller]) -> None:
    """The words for a device and for the controllers that come with it."""
    for controller in (*controllers, *((device,) if isinstance(device, Controller) else ())):
        props = controller_props(builder, controller)
        if props is not None:
            builder.device(props)
    if isinstance(device, Channel):
        give_socket(builder, device)
    for kind, add in _BUILDERS:
        if isinstance(device, kind):
            add(builder)


def give_socket(builder: Builder, channel: Channel) -> None:
    """A unix socket without a path is made in the guest's own directory."""
    backend = channel.backend
    if backend.type == "unix" and not (backend.source and backend.source.path):
        path = os.path.join(builder.context.channel_dir, channel.name or channel.alias or "channel")
        source = backend.source or ChardevSource()
        source.mode, source.path = source.mode or "bind", path
        backend.sources = [source]


def images_of(device: Element) -> Iterator[str]:
    """Local files that QEMU opens by their path for a device."""
    if isinstance(device, Disk):
        for _, source, _ in chain(device):
            path = source.file or source.dev
            if path and not (source.fdgroup or source.protocol):
                yield path


async def lend(runtime: Runtime, machine: Machine, device: Element, undo: contextlib.AsyncExitStack) -> None:
    """Check the device's files and make them the guest's user's. Raises HostSystemError, OperationFailed."""
    paths, before = list(images_of(device)), len(machine.lent)
    await in_background(_openable, machine, paths)
    undo.callback(
        lambda: runtime.ownership.give_back_some(machine.lent[before:], machine.lent, machine.run_dir)
    )
    runtime.ownership.take(paths, machine.lent, machine.run_dir)


def _openable(machine: Machine, paths: list[str]) -> None:
    for path in paths:
        try:
            os.close(os.open(path, os.O_PATH | os.O_CLOEXEC))
        except OSError as error:
            raise HostSystemError(f"{machine}: cannot use {path}: {why_unreachable(path, error)}") from error


def learn_terminal(device: Element, answers: list[Any]) -> None:
    """The terminal that QEMU opened for a device, which only it knows."""
    if not isinstance(device, Chardev) or device.backend.type != "pty":
        return
    path = next((answer["pty"] for answer in answers if isinstance(answer, dict) and "pty" in answer), None)
    if not isinstance(path, str):
        raise OperationFailed(f"QEMU did not say which terminal it opened for {device.alias}")
    if not device.backend.sources:
        device.backend.sources = [ChardevSource()]
    device.backend.sources[0].path = path


def _join(current: DomainDef, device: Element, controllers: list[Controller]) -> None:
    for controller in controllers:
        place(current, controller)
    if isinstance(device, Channel) and device.target_type == "virtio":
        device.state = "disconnected"
    place(current, device)
    if isinstance(device, MemoryDevice) and current.memory is not None:
        current.memory += device.target.size
