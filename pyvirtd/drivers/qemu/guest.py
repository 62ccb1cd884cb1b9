"""What a guest's agent does and tells: clock, file systems, users, vCPUs, power management.

Each call waits for the agent alone, within the agent's own deadline, and holds nothing that other calls need. What an
agent answers is the guest's word: everything that does not have the shape it should is refused, lists have bounds.
Source for commands and fields: qemu-ga-ref(7).
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, Final

from pyvirtd.core.domain import Domain
from pyvirtd.core.lifecycle import State
from pyvirtd.core.modifies import modifies, queries
from pyvirtd.drivers.qemu.lifecycle import agent_of
from pyvirtd.drivers.qemu.noun import Noun, machine_of
from pyvirtd.errors import (
    AgentCommandFailed,
    InvalidArg,
    NoHostname,
    OperationInvalid,
    OperationUnsupported,
)
from pyvirtd.host.procfile import format_cpulist, parse_cpulist
from pyvirtd.protocol.calls import supports
from pyvirtd.protocol.constants.domain import (
    DomainAuthorizedSSHKeysSetFlags,
    DomainGetHostnameFlags,
    DomainSetTimeFlags,
    DomainSetUserPasswordFlags,
)
from pyvirtd.protocol.remote.domain_guest import DomainFsinfo, DomainGetTime
from pyvirtd.protocol.remote.limits import (
    DOMAIN_AUTHORIZED_SSH_KEYS_MAX,
    DOMAIN_FSINFO_DISKS_MAX,
    DOMAIN_FSINFO_MAX,
)
from pyvirtd.protocol.types import TypedParams

_NS: Final = 1_000_000_000
_MOST_VCPUS: Final = 4096
_SUSPEND: Final = ("guest-suspend-ram", "guest-suspend-disk", "guest-suspend-hybrid")
"""By VIR_NODE_SUSPEND_TARGET_*."""


class GuestCalls(Noun):
    """See the module."""

    # Clock

    @queries
    async def domain_get_time(self, dom: Domain, flags: int) -> DomainGetTime:
        now = await ask_agent(dom, "guest-get-time")
        if not isinstance(now, int):
            raise strange(dom, "guest-get-time", "a number of nanoseconds")
        seconds, nanoseconds = divmod(now, _NS)
        return DomainGetTime(seconds, nanoseconds)

    @supports(DomainSetTimeFlags.SYNC)
    @queries
    async def domain_set_time(self, dom: Domain, seconds: int, nseconds: int, flags: int) -> None:
        sync = bool(flags & DomainSetTimeFlags.SYNC)
        if nseconds >= _NS:
            raise InvalidArg(f"{nseconds} nanoseconds are more than a second")
        if not sync and not 0 <= seconds < (1 << 63) // _NS:
            raise InvalidArg(f"a guest's clock cannot be {seconds} s after 1970")
        # Without a time, the guest takes over what its hardware clock says.
        await ask_agent(dom, "guest-set-time", None if sync else {"time": seconds * _NS + nseconds})
        if definition_is_x86(dom):
            # Ticks of the emulated clock that piled up while the guest stood still would make it run ahead now.
            await machine_of(dom).run("rtc-reset-reinjection")

    # Names and addresses

    @supports(DomainGetHostnameFlags.AGENT | DomainGetHostnameFlags.LEASE)
    @queries
    async def domain_get_hostname(self, dom: Domain, flags: int) -> str:
        if flags == DomainGetHostnameFlags.LEASE | DomainGetHostnameFlags.AGENT:
            raise InvalidArg("a host name is the agent's or a DHCP lease's, not both")
        if flags & DomainGetHostnameFlags.LEASE:
            machine_of(dom)
            raise NoHostname(f"{dom}: no DHCP server of this daemon knows a host name of it")
        reply = await ask_agent(dom, "guest-get-host-name")
        name = reply.get("host-name") if isinstance(reply, dict) else None
        if not isinstance(name, str):
            raise strange(dom, "guest-get-host-name", "a host name")
        return name

    # File systems

    @queries
    async def domain_get_fsinfo(self, dom: Domain, flags: int) -> list[DomainFsinfo]:
        reply = await ask_agent(dom, "guest-get-fsinfo")
        found = []
        for entry in entries(dom, "guest-get-fsinfo", reply, DOMAIN_FSINFO_MAX):
            mountpoint, name, kind = (entry.get(key) for key in ("mountpoint", "name", "type"))
            if not isinstance(mountpoint, str) or not isinstance(name, str) or not isinstance(kind, str):
                raise strange(dom, "guest-get-fsinfo", "a mount point, a name and a type")
            disks = entry.get("disk")
            targets = [t for disk in disks if (t := disk_of(dom, disk))] if isinstance(disks, list) else []
            found.append(DomainFsinfo(mountpoint, name, kind, targets[:DOMAIN_FSINFO_DISKS_MAX]))
        return found

    @queries
    async def domain_fsfreeze(self, dom: Domain, mountpoints: list[str], flags: int) -> int:
        name = "guest-fsfreeze-freeze-list" if mountpoints else "guest-fsfreeze-freeze"
        return _count(dom, name, await ask_agent(dom, name, {"mountpoints": mountpoints} if mountpoints else None))

    @queries
    async def domain_fsthaw(self, dom: Domain, mountpoints: list[str], flags: int) -> int:
        # The agent thaws all or nothing, whatever mount points the client names.
        return _count(dom, "guest-fsfreeze-thaw", await ask_agent(dom, "guest-fsfreeze-thaw"))

    @queries
    async def domain_fstrim(self, dom: Domain, mount_point: str | None, minimum: int, flags: int) -> None:
        if mount_point:
            raise OperationUnsupported("the guest agent trims all file systems, not single ones")
        await ask_agent(dom, "guest-fstrim", {"minimum": minimum})

    # Users

    @supports(DomainSetUserPasswordFlags.ENCRYPTED)
    @queries
    async def domain_set_user_password(self, dom: Domain, user: str | None, password: str | None, flags: int) -> None:
        if not user or password is None:
            raise InvalidArg("a password needs a user and the password")
        secret = base64.b64encode(password.encode("utf-8", "surrogateescape")).decode()
        crypted = bool(flags & DomainSetUserPasswordFlags.ENCRYPTED)
        await ask_agent(dom, "guest-set-user-password", {"username": user, "password": secret, "crypted": crypted})

    @queries
    async def domain_authorized_ssh_keys_get(self, dom: Domain, user: str, flags: int) -> list[str]:
        reply = await ask_agent(dom, "guest-ssh-get-authorized-keys", {"username": user})
        keys = reply.get("keys") if isinstance(reply, dict) else None
        if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
            raise strange(dom, "guest-ssh-get-authorized-keys", "a list of keys")
        if len(keys) > DOMAIN_AUTHORIZED_SSH_KEYS_MAX:
            raise strange(dom, "guest-ssh-get-authorized-keys", f"{DOMAIN_AUTHORIZED_SSH_KEYS_MAX} keys at most")
        return keys

    @supports(DomainAuthorizedSSHKeysSetFlags.APPEND | DomainAuthorizedSSHKeysSetFlags.REMOVE)
    @queries
    async def domain_authorized_ssh_keys_set(self, dom: Domain, user: str, keys: list[str], flags: int) -> None:
        append = bool(flags & DomainAuthorizedSSHKeysSetFlags.APPEND)
        if flags & DomainAuthorizedSSHKeysSetFlags.REMOVE:
            if append:
                raise InvalidArg("keys are appended or removed, not both")
            await ask_agent(dom, "guest-ssh-remove-authorized-keys", {"username": user, "keys": keys})
            return
        if append and not keys:
            raise InvalidArg("there is no key to append")
        await ask_agent(
            dom, "guest-ssh-add-authorized-keys", {"username": user, "keys": keys, "reset": not append}
        )

    # vCPUs as the guest sees them

    @queries
    async def domain_get_guest_vcpus(self, dom: Domain, flags: int) -> TypedParams:
        reply = entries(dom, "guest-get-vcpus", await ask_agent(dom, "guest-get-vcpus"), _MOST_VCPUS)
        vcpus, online, offlinable = set(), set(), set()
        for entry in reply:
            number = entry.get("logical-id")
            if not isinstance(number, int) or not 0 <= number < _MOST_VCPUS:
                raise strange(dom, "guest-get-vcpus", "numbers of vCPUs")
            vcpus.add(number)
            if entry.get("online") is True:
                online.add(number)
            if entry.get("can-offline") is True:
                offlinable.add(number)
        return {name: format_cpulist(numbers) for name, numbers in
                (("vcpus", vcpus), ("online", online), ("offlinable", offlinable))}  # fmt: skip

    @queries
    async def domain_set_guest_vcpus(self, dom: Domain, cpumap: str, state: int, flags: int) -> None:
        if state not in (0, 1):
            raise InvalidArg(f"a vCPU is switched on (1) or off (0), not {state}")
        try:
            wanted = parse_cpulist(cpumap, _MOST_VCPUS)
        except ValueError:
            wanted = []
        if not wanted:
            raise InvalidArg(f"vCPUs are listed like 0-3,8, not as {cpumap!r}")
        known = entries(dom, "guest-get-vcpus", await ask_agent(dom, "guest-get-vcpus"), _MOST_VCPUS)
        there = {entry.get("logical-id"): entry for entry in known}
        for number in wanted:
            if number not in there:
                raise InvalidArg(f"{dom}: its guest has no vCPU {number}")
            if not state and there[number].get("can-offline") is False:
                raise InvalidArg(f"{dom}: its guest cannot do without vCPU {number}")
        change = [{"logical-id": number, "online": bool(state)} for number in wanted]
        await ask_agent(dom, "guest-set-vcpus", {"vcpus": change})

    # Power

    @queries
    async def domain_pm_suspend_for_duration(self, dom: Domain, target: int, duration: int, flags: int) -> None:
        machine = machine_of(dom)
        if duration:
            raise OperationUnsupported("a guest that suspends does not wake by itself: the duration has to be 0")
        if target >= len(_SUSPEND):
            raise InvalidArg(f"there is no kind of suspension {target}")
        pm = dom.current.pm
        to_disk, to_memory = (pm.suspend_to_disk, pm.suspend_to_mem) if pm is not None else (None, None)
        if target in (0, 2) and to_memory is False:
            raise OperationUnsupported(f"{dom}: suspend to memory is switched off in its definition")
        if target in (1, 2) and to_disk is False:
            raise OperationUnsupported(f"{dom}: suspend to disk is switched off in its definition")
        await agent_of(dom, machine).run(_SUSPEND[target], may_vanish=True)

    @modifies
    async def domain_pm_wakeup(self, dom: Domain, flags: int) -> None:
        machine = machine_of(dom)
        if dom.state is not State.PMSUSPENDED:
            raise OperationInvalid(f"{dom} is not suspended by its guest's power management")
        await machine.run("system_wakeup")


async def ask_agent(dom: Domain, command: str, arguments: Mapping[str, Any] | None = None) -> Any:
    """Run a command of the guest's agent; what it answers, unchecked."""
    return await agent_of(dom, machine_of(dom)).run(command, arguments)


def strange(dom: Domain, command: str, wanted: str) -> AgentCommandFailed:
    """The error for an answer without the shape it should have."""
    return AgentCommandFailed(f"{dom}: its guest agent's answer to '{command}' is not {wanted}")


def entries(dom: Domain, command: str, reply: Any, most: int) -> list[dict[str, Any]]:
    """A list of objects out of an answer, `most` of them at most."""
    if not isinstance(reply, list) or not all(isinstance(entry, dict) for entry in reply):
        raise strange(dom, command, "a list of objects")
    if len(reply) > most:
        raise strange(dom, command, f"a list of at most {most}")
    return reply


def disk_of(dom: Domain, told: Any) -> str | None:
    """The target of the disk that the agent tells by its controller and its place on that controller's bus."""
    if not isinstance(told, dict):
        return None
    where = told.get("pci-controller")
    place = tuple(where.get(key) for key in ("domain", "bus", "slot", "function")) if isinstance(where, dict) else ()
    unit = tuple(told.get(key) for key in ("bus", "target", "unit"))
    kind = told.get("bus-type")
    for disk in dom.current.devices.disks:
        address: Any = disk.address
        if kind == "virtio" and disk.bus == "virtio":
            if address is not None and pci_place(address) == place:
                return disk.target
        elif kind == disk.bus and address is not None and address.type == "drive":
            own = (address.bus or 0, address.target or 0, address.unit or 0)
            if own == unit and (controller_place(dom, disk.bus, address.controller or 0) in (place, None)):
                return disk.target
    return None


def controller_place(dom: Domain, bus: str | None, index: int) -> tuple[Any, ...] | None:
    """Where on PCI a disk controller is; None when it says nowhere."""
    for controller in dom.current.devices.controllers:
        if controller.type == bus and controller.index == index and controller.address is not None:
            return pci_place(controller.address)
    return None


def pci_place(address: Any) -> tuple[Any, ...] | None:
    """Domain, bus, slot and function of a PCI address."""
    if address.type != "pci":
        return None
    return (address.domain or 0, address.bus or 0, address.slot or 0, address.function or 0)


def definition_is_x86(dom: Domain) -> bool:
    """Whether its clock is the PC's."""
    system = dom.current.os
    return system is not None and system.arch in ("x86_64", "i686")


def _count(dom: Domain, command: str, reply: Any) -> int:
    if not isinstance(reply, int) or not 0 <= reply < 1 << 31:
        raise strange(dom, command, "a number of file systems")
    return reply

