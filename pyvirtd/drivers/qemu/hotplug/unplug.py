"""Taking a device out of a running guest: the guest is asked, and when it has let go, what is behind it follows.

QEMU says DEVICE_DELETED when the guest is done, which may be at once, after a while or never. Whoever asked waits
`WAIT` seconds; a guest that takes longer is no error, and the rest is done whenever it comes.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from pyvirtd.conf.domain.address import DriveAddress
from pyvirtd.conf.domain.chardev import Channel, Chardev, Console
from pyvirtd.conf.domain.controller import Controller
from pyvirtd.conf.domain.disk import Disk
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
from pyvirtd.core import tasks
from pyvirtd.core.calls.change import change_live
from pyvirtd.core.devices.config import take_out
from pyvirtd.core.domain import Domain
from pyvirtd.drivers.qemu.hotplug.nodes import nodes_of, nodes_on
from pyvirtd.drivers.qemu.hotplug.plug import images_of
from pyvirtd.drivers.qemu.hotplug.run import drop
from pyvirtd.drivers.qemu.monitor import Refused
from pyvirtd.drivers.qemu.noun import machine_of
from pyvirtd.errors import OperationFailed, OperationUnsupported, VirtError
from pyvirtd.protocol.remote.events import DomainEventDeviceRemoved

if TYPE_CHECKING:
    from pyvirtd.drivers.qemu.machine import Machine
    from pyvirtd.drivers.qemu.runtime import Runtime

log = logging.getLogger(__name__)

WAIT: Final = 5.0
_HOT: Final = (
    Disk, Interface, Hostdev, Channel, Console, Chardev, RedirDev, Rng, MemoryDevice, Shmem, Input, Watchdog, Lease,
    Controller,
)  # fmt: skip
_REFUSALS: Final = ("DEVICE_UNPLUG_GUEST_ERROR", "MEM_UNPLUG_ERROR")
_COLD_BUSES: Final = ("ide", "sata", "fdc", "sd")

Backends = list[tuple[str, dict[str, Any]]]
"""Commands with their arguments."""


class Removal:
    """One device on its way out. `backends` is what goes when the device is gone, in that order."""

    def __init__(
        self, runtime: Runtime, domain: Domain, machine: Machine, device: Any, backends: Backends
    ) -> None:
        self.runtime, self.domain, self.machine = runtime, domain, machine
        self.device, self.alias, self.backends = device, str(device.alias or ""), backends
        self.waiting = True
        """Somebody who holds the job waits for `gone`."""
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def ask(self) -> bool:
        """Ask the guest; whether it let go in time. Raises OperationFailed when it refuses, and QEMU's refusals."""
        pending: dict[str, Removal] = self.machine.facts.setdefault("removals", {})
        pending[self.alias] = self
        stops = [self.machine.listen(event, self._refused) for event in _REFUSALS]
        try:
            await self._delete()
            done, _ = await asyncio.wait([self.gone], timeout=WAIT)
            if done:
                self.gone.result()
                await self.finish()
            return bool(done)
        except BaseException:
            pending.pop(self.alias, None)
            raise
        finally:
            self.waiting = False
            for stop in stops:
                stop()

    async def _delete(self) -> None:
        try:
            await self.machine.run("device_del", id=self.alias)
        except Refused as error:
            if error.kind != "DeviceNotFound":
                raise
            self.deleted()  # the guest let go of it while nobody looked

    def _refused(self, data: Mapping[str, Any]) -> None:
        if data.get("device") == self.alias and not self.gone.done():
            self.gone.set_exception(OperationFailed(f"{self.domain}: the guest refused to let go of {self.alias}"))

    def deleted(self) -> None:
        """QEMU said that the device is gone."""
        if not self.gone.done():
            self.gone.set_result(None)
            if not self.waiting:
                tasks.spawn(self._finish_late(), name=f"removal of {self.alias} of {self.domain}")

    async def _finish_late(self) -> None:
        try:
            async with self.domain.job.hold(f"the removal of {self.alias}"):
                if self.domain.machine is self.machine:
                    await self.finish()
        except VirtError as error:
            log.warning("%s: %s is gone, but not all that was behind it: %s", self.domain, self.alias, error.message)

    async def finish(self) -> None:
        """What follows when the device is gone. The caller holds the job."""
        self.machine.facts.get("removals", {}).pop(self.alias, None)
        await drop(self.machine, self.backends)
        paths = list(images_of(self.device))
        self.runtime.ownership.give_back_some(paths, self.machine.lent, self.machine.run_dir)
        await forget(self.runtime, self.domain, self.device)


def deleted(machine: Machine, alias: str) -> None:
    """QEMU said that a device is gone: somebody asked for that, or the guest let go of it by itself."""
    removal: Removal | None = machine.facts.get("removals", {}).get(alias)
    if removal is not None:
        removal.deleted()
        return
    live = machine.domain.live
    device = next((d for d in live.devices.all() if getattr(d, "alias", None) == alias), None) if live else None
    if device is not None:
        tasks.spawn(_follow(machine, device), name=f"removal of {alias} of {machine}")


async def _follow(machine: Machine, device: Any) -> None:
    """What follows the removal of a device that nobody of this daemon's asked for."""
    try:
        async with machine.domain.job.hold(f"the removal of {device.alias}"):
            if machine.domain.machine is machine:
                await settle(machine, device)
    except VirtError as error:
        log.warning("%s: %s is gone, but not all that was behind it: %s", machine, device.alias, error.message)


async def settle(machine: Machine, device: Any) -> None:
    """A device of the live definition is gone from QEMU; the rest follows. The caller holds the job."""
    if isinstance(device, Disk):
        names = await nodes_on(machine, list(images_of(device)))
        backends: Backends = [("blockdev-del", {"node-name": name}) for name in names]
    else:
        backends = await backends_of(machine, device)
    await Removal(machine.runtime, machine.domain, machine, device, backends).finish()


async def follow_removals(machine: Machine) -> None:
    """Devices that went while no daemon looked, for a guest that was found again. The caller holds the job."""
    try:
        reply = await machine.run("qom-list", path="/machine/peripheral")
    except (Refused, OperationUnsupported) as error:
        log.warning("%s: which devices it has cannot be found out: %s", machine, error.message)
        return
    if not isinstance(reply, list) or machine.domain.live is None:
        return
    there = {entry.get("name") for entry in reply if isinstance(entry, dict)}
    for device in machine.domain.live.devices.all():
        alias = getattr(device, "alias", None)
        if alias and alias not in there and _leaves(device):
            log.info("%s: %s was unplugged meanwhile", machine, alias)
            await settle(machine, device)


def _leaves(device: Any) -> bool:
    """Whether QEMU lists it by its alias, and a guest may let go of it."""
    match device:
        case Disk():
            return device.bus in ("virtio", "scsi", "usb") and device.device in ("disk", "lun")
        case Interface():
            return device.type != "hostdev"
        case Channel() | Console():
            return device.target_type == "virtio"
        case Input():
            return device.bus in ("usb", "virtio")
        case Rng() | MemoryDevice() | Shmem() | RedirDev():
            return True
        case _:
            return False


async def forget(runtime: Runtime, domain: Domain, device: Any) -> None:
    """The live definition loses the device; clients are told once that is on disk."""
    key, value = ("alias", device.alias) if getattr(device, "alias", None) else ("key", getattr(device, "key", None))

    def change(live: Any) -> None:
        for other in live.devices.all():
            if type(other) is type(device) and getattr(other, key) == value:
                take_out(live, other)
                return

    await change_live(runtime, domain, change)
    runtime.emit(DomainEventDeviceRemoved(domain.ref, str(value or "")))


async def unplug(runtime: Runtime, domain: Domain, device: Any) -> None:
    """Take a device of the live definition out of the guest; the caller holds the job.

    Raises OperationUnsupported for what cannot be taken out, OperationFailed when the guest refuses.
    """
    machine = machine_of(domain)
    check_unpluggable(domain, device)
    backends = await backends_of(machine, device)
    removal = Removal(runtime, domain, machine, device, backends)
    if isinstance(device, Lease) or not _is_device(device):
        await removal.finish()
        return
    if not device.alias:
        raise OperationFailed(f"{domain}: that {device.TAG} has no name in QEMU")
    await removal.ask()


def _is_device(device: Element) -> bool:
    """Whether QEMU has it as a device, which the guest has a say in."""
    if isinstance(device, Channel):
        return device.target_type != "guestfwd"
    return not (isinstance(device, Input) and device.type == "evdev")


def check_unpluggable(domain: Domain, device: Any) -> None:
    """Raises OperationUnsupported, OperationFailed."""
    why = None
    match device:
        case Disk() if device.bus in _COLD_BUSES or device.device in ("cdrom", "floppy"):
            why = f"a {device.device} on the {device.bus} bus cannot be unplugged"
        case Controller() if device.type != "scsi":
            why = f"{device.type} controllers cannot be unplugged"
        case Controller():
            if any(_on_controller(other, device) for other in domain.current.devices.all()):
                raise OperationFailed(f"{domain}: devices are plugged into {device.alias}; unplug them first")
        case Input() if device.bus == "ps2":
            why = "ps2 devices are part of the board"
        case _ if not isinstance(device, _HOT):
            why = f"a {device.TAG} cannot be unplugged from a running guest"
    if why is not None:
        raise OperationUnsupported(f"{domain}: {why}")


def _on_controller(other: Any, controller: Controller) -> bool:
    address = getattr(other, "address", None)
    on_scsi = (isinstance(other, Disk) and other.bus == "scsi") or (isinstance(other, Hostdev) and other.type == "scsi")
    return on_scsi and isinstance(address, DriveAddress) and address.controller == controller.index


async def backends_of(machine: Machine, device: Any) -> Backends:
    """The commands that remove what is behind a device."""
    alias = str(getattr(device, "alias", None) or "")
    chardev = ("chardev-remove", {"id": f"char{alias}"})
    match device:
        case Disk():
            return [("blockdev-del", {"node-name": name}) for name in await nodes_of(machine, alias)]
        case Hostdev() if device.type == "scsi":
            return [("blockdev-del", {"node-name": name}) for name in await nodes_of(machine, alias)]
        case Interface():
            network = ("netdev_del", {"id": f"host{alias}"})
            return [network, chardev] if device.type == "vhostuser" else [network]
        case Channel(target_type="guestfwd"):
            return [("netdev_del", {"id": alias}), chardev]
        case Chardev() | RedirDev():
            return [chardev]
        case Rng():
            entropy = ("object-del", {"id": f"obj{alias}"})
            return [entropy, chardev] if device.backend.model == "egd" else [entropy]
        case MemoryDevice():
            return [("object-del", {"id": f"mem{alias}"})]
        case Shmem():
            return [("object-del", {"id": f"shmmem-{alias}"})] if device.model == "ivshmem-plain" else [chardev]
        case Input() if device.type == "evdev":
            return [("object-del", {"id": alias})]
        case _:
            return []
