"""domain_get_guest_info: users, operating system, time zone, host name, file systems, disks, interfaces in one answer.

What the client names has to be there; asked for everything, what this guest's agent cannot tell is left out.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from pyvirtd.core.domain import Domain
from pyvirtd.core.modifies import queries
from pyvirtd.drivers.qemu.guest import ask_agent, disk_of, entries, strange
from pyvirtd.drivers.qemu.interface import interfaces_told
from pyvirtd.drivers.qemu.noun import Noun
from pyvirtd.errors import AgentCommandFailed, InvalidArg
from pyvirtd.protocol.constants.domain import DomainGuestInfoTypes as Type
from pyvirtd.protocol.constants.domain_fields import DomainGuestInfoField as Field
from pyvirtd.protocol.remote.limits import DOMAIN_FSINFO_DISKS_MAX, DOMAIN_FSINFO_MAX, DOMAIN_GUEST_INFO_PARAMS_MAX
from pyvirtd.protocol.types import Int, TypedParams, UInt, ULLong

_OS: Final = (
    ("id", Field.OS_ID), ("name", Field.OS_NAME), ("pretty-name", Field.OS_PRETTY_NAME), ("version", Field.OS_VERSION),
    ("version-id", Field.OS_VERSION_ID), ("machine", Field.OS_MACHINE), ("variant", Field.OS_VARIANT),
    ("variant-id", Field.OS_VARIANT_ID), ("kernel-release", Field.OS_KERNEL_RELEASE),
    ("kernel-version", Field.OS_KERNEL_VERSION),
)  # fmt: skip
_LISTED: Final = 512
_KNOWN: Final = (
    Type.USERS | Type.OS | Type.TIMEZONE | Type.HOSTNAME | Type.FILESYSTEM | Type.DISKS | Type.INTERFACES
)  # fmt: skip


class GuestInfoCalls(Noun):
    """See the module."""

    @queries
    async def domain_get_guest_info(self, dom: Domain, types: int, flags: int) -> TypedParams:
        if types & ~_KNOWN:
            raise InvalidArg(f"there is no guest information of the types {types & ~_KNOWN:#x} here")
        out: TypedParams = {}
        for kind, tell in _TELLERS:
            if types & kind or not types:
                try:
                    await tell(dom, out)
                except AgentCommandFailed:
                    if types:
                        raise
        if len(out) > DOMAIN_GUEST_INFO_PARAMS_MAX:
            raise strange(dom, "guest-info", f"at most {DOMAIN_GUEST_INFO_PARAMS_MAX} facts")
        return out


async def _users(dom: Domain, out: TypedParams) -> None:
    users = entries(dom, "guest-get-users", await ask_agent(dom, "guest-get-users"), _LISTED)
    out[Field.USER_COUNT] = UInt(len(users))
    for number, user in enumerate(users):
        head, since = f"{Field.USER_PREFIX}{number}", user.get("login-time")
        if not isinstance(user.get("user"), str) or not isinstance(since, int | float) or not 0 <= since < 1 << 50:
            raise strange(dom, "guest-get-users", "names and times of users")
        out[head + Field.USER_SUFFIX_NAME] = user["user"]
        if isinstance(user.get("domain"), str):
            out[head + Field.USER_SUFFIX_DOMAIN] = user["domain"]
        out[head + Field.USER_SUFFIX_LOGIN_TIME] = ULLong(int(since * 1000))


async def _system(dom: Domain, out: TypedParams) -> None:
    told = _object(dom, "guest-get-osinfo", await ask_agent(dom, "guest-get-osinfo"))
    for key, field in _OS:
        if isinstance(told.get(key), str):
            out[field] = told[key]


async def _timezone(dom: Domain, out: TypedParams) -> None:
    told = _object(dom, "guest-get-timezone", await ask_agent(dom, "guest-get-timezone"))
    if isinstance(told.get("zone"), str):
        out[Field.TIMEZONE_NAME] = told["zone"]
    offset = told.get("offset")
    if not isinstance(offset, int) or abs(offset) > 86400:
        raise strange(dom, "guest-get-timezone", "an offset in seconds")
    out[Field.TIMEZONE_OFFSET] = Int(offset)


async def _hostname(dom: Domain, out: TypedParams) -> None:
    name = _object(dom, "guest-get-host-name", await ask_agent(dom, "guest-get-host-name")).get("host-name")
    if not isinstance(name, str):
        raise strange(dom, "guest-get-host-name", "a host name")
    out[Field.HOSTNAME_HOSTNAME] = name


async def _filesystems(dom: Domain, out: TypedParams) -> None:
    told = entries(dom, "guest-get-fsinfo", await ask_agent(dom, "guest-get-fsinfo"), DOMAIN_FSINFO_MAX)
    if told:
        out[Field.FS_COUNT] = UInt(len(told))
    for number, entry in enumerate(told):
        head = f"{Field.FS_PREFIX}{number}"
        for key, suffix in (
            ("name", Field.FS_SUFFIX_NAME),
            ("mountpoint", Field.FS_SUFFIX_MOUNTPOINT),
            ("type", Field.FS_SUFFIX_FSTYPE),
        ):
            if not isinstance(entry.get(key), str):
                raise strange(dom, "guest-get-fsinfo", f"file systems with a {key}")
            out[head + suffix] = entry[key]
        for key, suffix in (
            ("total-bytes", Field.FS_SUFFIX_TOTAL_BYTES), ("used-bytes", Field.FS_SUFFIX_USED_BYTES),
        ):  # fmt: skip
            if isinstance(entry.get(key), int) and 0 <= entry[key] < 1 << 64:
                out[head + suffix] = ULLong(entry[key])
        disks = entries(dom, "guest-get-fsinfo", entry.get("disk") or [], DOMAIN_FSINFO_DISKS_MAX)
        out[head + Field.FS_SUFFIX_DISK_COUNT] = UInt(len(disks))
        for place, disk in enumerate(disks):
            disk_head = f"{head}{Field.FS_SUFFIX_DISK_PREFIX}{place}"
            if alias := disk_of(dom, disk):
                out[disk_head + Field.FS_SUFFIX_DISK_SUFFIX_ALIAS] = alias
            for key, suffix in (
                ("serial", Field.FS_SUFFIX_DISK_SUFFIX_SERIAL), ("dev", Field.FS_SUFFIX_DISK_SUFFIX_DEVICE),
            ):  # fmt: skip
                if isinstance(disk.get(key), str):
                    out[disk_head + suffix] = disk[key]


async def _disks(dom: Domain, out: TypedParams) -> None:
    told = entries(dom, "guest-get-disks", await ask_agent(dom, "guest-get-disks"), _LISTED)
    out[Field.DISK_COUNT] = UInt(len(told))
    for number, entry in enumerate(told):
        head = f"{Field.DISK_PREFIX}{number}"
        if not isinstance(entry.get("name"), str):
            raise strange(dom, "guest-get-disks", "disks with names")
        out[head + Field.DISK_SUFFIX_NAME] = entry["name"]
        out[head + Field.DISK_SUFFIX_PARTITION] = entry.get("partition") is True
        below = [name for name in entry.get("dependencies") or [] if isinstance(name, str)]
        if below:
            out[head + Field.DISK_SUFFIX_DEPENDENCY_COUNT] = UInt(len(below))
            for place, name in enumerate(below[:_LISTED]):
                prefix = f"{head}{Field.DISK_SUFFIX_DEPENDENCY_PREFIX}{place}"
                out[prefix + Field.DISK_SUFFIX_DEPENDENCY_SUFFIX_NAME] = name
        address = entry.get("address")
        if isinstance(address, dict):
            if isinstance(address.get("serial"), str):
                out[head + Field.DISK_SUFFIX_SERIAL] = address["serial"]
            if alias := disk_of(dom, address):
                out[head + Field.DISK_SUFFIX_ALIAS] = alias
        if isinstance(entry.get("alias"), str):
            out[head + Field.DISK_SUFFIX_GUEST_ALIAS] = entry["alias"]


async def _interfaces(dom: Domain, out: TypedParams) -> None:
    told = interfaces_told(dom, await ask_agent(dom, "guest-network-get-interfaces"))
    out[Field.IF_COUNT] = UInt(len(told))
    for number, interface in enumerate(told):
        head = f"{Field.IF_PREFIX}{number}"
        out[head + Field.IF_SUFFIX_NAME] = interface.name
        if interface.hwaddr is not None:
            out[head + Field.IF_SUFFIX_HWADDR] = interface.hwaddr
        out[head + Field.IF_SUFFIX_ADDR_COUNT] = UInt(len(interface.addrs))
        for place, address in enumerate(interface.addrs):
            prefix = f"{head}{Field.IF_SUFFIX_ADDR_PREFIX}{place}"
            out[prefix + Field.IF_SUFFIX_ADDR_SUFFIX_TYPE] = "ipv6" if address.type else "ipv4"
            out[prefix + Field.IF_SUFFIX_ADDR_SUFFIX_ADDR] = address.addr
            out[prefix + Field.IF_SUFFIX_ADDR_SUFFIX_PREFIX] = UInt(address.prefix)


_TELLERS: Final[tuple[tuple[int, Callable[[Domain, TypedParams], Awaitable[None]]], ...]] = (
    (Type.USERS, _users), (Type.OS, _system), (Type.TIMEZONE, _timezone), (Type.HOSTNAME, _hostname),
    (Type.FILESYSTEM, _filesystems), (Type.DISKS, _disks), (Type.INTERFACES, _interfaces),
)  # fmt: skip


def _object(dom: Domain, command: str, reply: Any) -> dict[str, Any]:
    if not isinstance(reply, dict):
        raise strange(dom, command, "an object")
    return reply
