"""What QEMU says unasked, as changes of state and libvirt's events.

Each handler is synchronous: state and events change in the order in which QEMU reported them. What needs the monitor
or the disk is spawned. Fields are QEMU's (qemu-qmp-ref); anything that does not have the type it should is ignored,
since the guest has a say in when and how often these come.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from pyvirtd.core import tasks
from pyvirtd.core.lifecycle import State
from pyvirtd.errors import VirtError
from pyvirtd.protocol.remote.events import (
    DomainEventBalloonChange,
    DomainEventDeviceRemovalFailed,
    DomainEventGraphics,
    DomainEventGraphicsAddress,
    DomainEventGraphicsIdentity,
    DomainEventIoError,
    DomainEventIoErrorReason,
    DomainEventLifecycle,
    DomainEventMemoryDeviceSizeChange,
    DomainEventMemoryFailure,
    DomainEventPmsuspend,
    DomainEventPmsuspendDisk,
    DomainEventPmwakeup,
    DomainEventReboot,
    DomainEventRtcChange,
    DomainEventTrayChange,
    DomainEventWatchdog,
)

if TYPE_CHECKING:
    from pyvirtd.drivers.qemu.machine import Machine

log = logging.getLogger(__name__)

Data = Mapping[str, Any]
Handler = Callable[["Machine", Data], None]

_HANDLERS: Final[dict[str, Handler]] = {}
_PERIPHERAL = re.compile(r"/machine/peripheral/([^/]+)")


def handle(machine: Machine, name: str, data: Data, stamp: tuple[int, int]) -> None:
    """One event of QEMU: the handler here, then whoever listens on the machine, then clients of the raw monitor."""
    handler = _HANDLERS.get(name)
    if handler is not None:
        handler(machine, data)
    for listener in tuple(machine.listeners.get(name, ())):
        listener(data)
    machine.runtime.raw_event(machine.domain, name, data, stamp)


def _on(*names: str) -> Callable[[Handler], Handler]:
    def register(handler: Handler) -> Handler:
        for name in names:
            _HANDLERS[name] = handler
        return handler

    return register


def peripheral(path: object) -> str:
    """The device's alias in a QOM path; "" when it has none."""
    found = _PERIPHERAL.match(path) if isinstance(path, str) else None
    return found[1] if found else ""


# Running and not


@_on("STOP")
def _stop(machine: Machine, data: Data) -> None:
    reason, machine.pause_as = machine.pause_as, None
    if machine.domain.state is State.RUNNING:
        machine.runtime.move(machine, reason or "suspend-elsewhere")


@_on("RESUME")
def _resume(machine: Machine, data: Data) -> None:
    reason, machine.resume_as = machine.resume_as, None
    if machine.domain.state in (State.PAUSED, State.CRASHED):
        machine.runtime.move(machine, reason or "resume")


@_on("SHUTDOWN")
def _shutdown(machine: Machine, data: Data) -> None:
    domain = machine.domain
    if domain.state is State.SHUTDOWN:
        return
    if data.get("reason") == "guest-reset":
        # on_reboot says that a reset ends the guest; QEMU turned it into a shutdown for us.
        machine.ending = machine.ending or "stopped"
    if machine.ending is None and (machine.fake_reboot or domain.current.on_poweroff == "restart"):
        tasks.spawn(_reboot(machine), name=f"reboot of {machine}")
        return
    by_guest = data.get("guest")
    step = "any-shutdown" if not isinstance(by_guest, bool) else "guest-shutdown" if by_guest else "host-shutdown"
    machine.runtime.move(machine, step)
    tasks.spawn(machine.end_process(), name=f"shutdown of {machine}")


async def _reboot(machine: Machine) -> None:
    """What a client asked for as a reboot and the guest did as a shutdown: reset it and let it run again."""
    try:
        async with machine.domain.job.hold("the guest's reboot"):
            machine.fake_reboot = False
            await machine.run("system_reset")
            machine.resume_as = "resume"
            await machine.run("cont")
            if machine.domain.state is State.PAUSED:
                machine.runtime.move(machine, "resume")
    except VirtError as error:
        log.warning("%s: cannot reboot it, ending it: %s", machine, error.message)
        await machine.end_process()


@_on("RESET")
def _reset(machine: Machine, data: Data) -> None:
    machine.agent_reset()
    machine.runtime.emit(DomainEventReboot(machine.domain.ref))


@_on("GUEST_PANICKED")
def _panicked(machine: Machine, data: Data) -> None:
    action = str(machine.domain.current.on_crash or "destroy")
    machine.log.note(f"panic {dict(data.get('info') or {})!r:.500}")
    machine.runtime.move(machine, "panic")
    if action == "restart":
        tasks.spawn(_reboot(machine), name=f"restart of {machine} after its crash")
    elif action != "preserve":
        machine.ending = machine.ending or "crashed"
        tasks.spawn(machine.end_process(), name=f"end of {machine} after its crash")


@_on("GUEST_CRASHLOADED")
def _crashloaded(machine: Machine, data: Data) -> None:
    machine.runtime.emit(DomainEventLifecycle(machine.domain.ref, 8, 1))


@_on("SUSPEND")
def _suspend(machine: Machine, data: Data) -> None:
    if machine.domain.state is State.RUNNING:
        machine.runtime.move(machine, "pm-suspend")
    machine.runtime.emit(DomainEventPmsuspend(machine.domain.ref, 0))


@_on("SUSPEND_DISK")
def _suspend_disk(machine: Machine, data: Data) -> None:
    if machine.domain.state is State.RUNNING:
        machine.runtime.move(machine, "pm-suspend-disk")
    machine.runtime.emit(DomainEventPmsuspendDisk(machine.domain.ref, 0))


@_on("WAKEUP")
def _wakeup(machine: Machine, data: Data) -> None:
    if machine.domain.state is State.PMSUSPENDED:
        machine.runtime.move(machine, "pm-wakeup")
    machine.runtime.emit(DomainEventPmwakeup(machine.domain.ref, 0))


_WATCHDOG: Final = {"none": 0, "pause": 1, "reset": 2, "poweroff": 3, "shutdown": 4, "debug": 5, "inject-nmi": 6}


@_on("WATCHDOG")
def _watchdog(machine: Machine, data: Data) -> None:
    action = data.get("action")
    number = _WATCHDOG.get(action, 0) if isinstance(action, str) else 0
    machine.runtime.emit(DomainEventWatchdog(machine.domain.ref, number))
    if action == "pause" and machine.domain.state is State.RUNNING:
        machine.runtime.move(machine, "watchdog-pause")


# Devices


_IO_ACTION: Final = {"ignore": 0, "stop": 1, "report": 2}


@_on("BLOCK_IO_ERROR")
def _io_error(machine: Machine, data: Data) -> None:
    alias = peripheral(data.get("qom-path")) or str(data.get("device") or "").removeprefix("drive-")
    action = _IO_ACTION.get(str(data.get("action")), 0)
    reason = "enospc" if data.get("nospace") is True else ""
    disk = machine.device("disks", alias)
    source = getattr(disk, "source", None)
    path = str(getattr(source, "file", None) or getattr(source, "dev", None) or "")
    ref = machine.domain.ref
    machine.runtime.emit(DomainEventIoError(ref, path, alias, action))
    machine.runtime.emit(DomainEventIoErrorReason(ref, path, alias, action, reason))
    if action == 1:
        machine.io_errors[alias] = reason or str(data.get("reason") or "")[:200]
        machine.pause_as = "io-error"


@_on("DEVICE_TRAY_MOVED")
def _tray(machine: Machine, data: Data) -> None:
    alias = str(data.get("id") or "") or str(data.get("device") or "").removeprefix("drive-")
    opened = data.get("tray-open") is True
    disk = machine.device("disks", alias)
    if disk is not None:
        disk.tray = "open" if opened else "closed"
        machine.live_changed()
    machine.runtime.emit(DomainEventTrayChange(machine.domain.ref, alias, 0 if opened else 1))


@_on("DEVICE_DELETED")
def _deleted(machine: Machine, data: Data) -> None:
    alias = data.get("device")
    if isinstance(alias, str) and alias:
        from pyvirtd.drivers.qemu.hotplug.unplug import deleted  # which needs machines, and they this module

        deleted(machine, alias)


@_on("DEVICE_UNPLUG_GUEST_ERROR", "MEM_UNPLUG_ERROR")
def _unplug_failed(machine: Machine, data: Data) -> None:
    alias = data.get("device")
    if isinstance(alias, str) and alias:
        machine.runtime.emit(DomainEventDeviceRemovalFailed(machine.domain.ref, alias))


@_on("VSERPORT_CHANGE")
def _port(machine: Machine, data: Data) -> None:
    alias, is_open = data.get("id"), data.get("open")
    if isinstance(alias, str) and isinstance(is_open, bool):
        machine.channel_changed(alias, is_open)


@_on("BALLOON_CHANGE")
def _balloon(machine: Machine, data: Data) -> None:
    actual = data.get("actual")
    if isinstance(actual, int) and 0 <= actual < 1 << 62:
        machine.balloon_is(actual >> 10)
        machine.runtime.emit(DomainEventBalloonChange(machine.domain.ref, actual >> 10))


@_on("MEMORY_DEVICE_SIZE_CHANGE")
def _memory_size(machine: Machine, data: Data) -> None:
    alias, size = data.get("id"), data.get("size")
    if isinstance(alias, str) and isinstance(size, int) and 0 <= size < 1 << 62:
        machine.runtime.emit(DomainEventMemoryDeviceSizeChange(machine.domain.ref, alias, size >> 10))


@_on("RTC_CHANGE")
def _rtc(machine: Machine, data: Data) -> None:
    offset = data.get("offset")
    if isinstance(offset, int) and -(1 << 62) < offset < 1 << 62:
        machine.runtime.emit(DomainEventRtcChange(machine.domain.ref, offset))


_RECIPIENT: Final = {"hypervisor": 0, "guest": 1}
_FAILURE: Final = {"ignore": 0, "inject": 1, "fatal": 2, "reset": 3}


@_on("MEMORY_FAILURE")
def _memory_failure(machine: Machine, data: Data) -> None:
    given = data.get("flags")
    flags: Data = given if isinstance(given, Mapping) else {}
    bits = (1 if flags.get("action-required") else 0) | (2 if flags.get("recursive") else 0)
    recipient, action = _RECIPIENT.get(str(data.get("recipient"))), _FAILURE.get(str(data.get("action")))
    if recipient is not None and action is not None:
        machine.runtime.emit(DomainEventMemoryFailure(machine.domain.ref, recipient, action, bits))


_PHASE: Final = {
    "VNC_CONNECTED": 0, "VNC_INITIALIZED": 1, "VNC_DISCONNECTED": 2,
    "SPICE_CONNECTED": 0, "SPICE_INITIALIZED": 1, "SPICE_DISCONNECTED": 2,
}  # fmt: skip
_FAMILY: Final = {"ipv4": 0, "ipv6": 1, "unix": 2}


def _graphics(name: str) -> Handler:
    def handler(machine: Machine, data: Data) -> None:
        server, client = data.get("server"), data.get("client")
        if not isinstance(server, Mapping) or not isinstance(client, Mapping):
            return
        subject = [
            DomainEventGraphicsIdentity(kind, str(client[key])[:1024])
            for key, kind in (("x509_dname", "x509dname"), ("sasl_username", "saslUsername"))
            if client.get(key)
        ]
        auth = str(server.get("auth") or "")
        machine.runtime.emit(
            DomainEventGraphics(machine.domain.ref, _PHASE[name], _address(server), _address(client), auth, subject)
        )

    return handler


def _address(end: Data) -> DomainEventGraphicsAddress:
    node = str(end.get("host") or "")[:1024]
    return DomainEventGraphicsAddress(_FAMILY.get(str(end.get("family")), 0), node, str(end.get("service") or "")[:64])


for _name in _PHASE:
    _HANDLERS[_name] = _graphics(_name)
