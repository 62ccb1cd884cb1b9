"""What reaches into a guest: screen, keys, agent. There is no guest, so it is always well and does what it is told."""

from __future__ import annotations

import time
import zlib
from typing import Final

from pyvirtd.core.domain import Domain
from pyvirtd.core.lifecycle import State
from pyvirtd.core.modifies import modifies, queries
from pyvirtd.core.stream import Stream
from pyvirtd.drivers.test.noun import Noun
from pyvirtd.errors import ArgumentUnsupported, InvalidArg, OperationInvalid
from pyvirtd.protocol.calls import supports
from pyvirtd.protocol.constants.domain import DomainGetHostnameFlags
from pyvirtd.protocol.constants.domain import DomainInterfaceAddressesSource as Source
from pyvirtd.protocol.remote.domain_guest import DomainFsinfo, DomainGetTime, DomainInterface, DomainIpAddr

_DISKS: Final = (("/", "vda1"), ("/boot", "vda2"))
_CLOCK: Final = 627319920
"""Seconds after 1970 that a guest's clock shows until it is set."""
_CODESETS, _MOST_KEY = 9, 0xFFFF
_SIZE: Final = (640, 480)
_KILL, _TERM = 9, 15
_ENCRYPTED: Final = 1  # VIR_DOMAIN_PASSWORD_ENCRYPTED


class GuestCalls(Noun):
    """See the module."""

    @modifies
    async def domain_send_key(self, dom: Domain, codeset: int, holdtime: int, keycodes: list[int], flags: int) -> None:
        dom.require_active()
        if codeset >= _CODESETS:
            raise InvalidArg(f"there is no set {codeset} of key codes; there are 0 to {_CODESETS - 1}")
        for code in keycodes:
            if code > _MOST_KEY:
                raise InvalidArg(f"there is no key {code}")

    @modifies
    async def domain_inject_nmi(self, dom: Domain, flags: int) -> None:
        dom.require_active()

    @modifies
    async def domain_send_process_signal(self, dom: Domain, pid_value: int, signum: int, flags: int) -> None:
        dom.require_active()
        if pid_value != 1 or signum not in (_KILL, _TERM):
            raise ArgumentUnsupported(f"{dom} has one process, 1, which knows signals {_KILL} and {_TERM}")
        self.runtime.end(dom, "stopped")

    @queries
    def domain_get_messages(self, dom: Domain, flags: int) -> list[str]:
        return []

    @modifies
    async def domain_screenshot(self, dom: Domain, screen: int, flags: int, stream: Stream) -> str | None:
        dom.require_active()
        if screen:
            raise InvalidArg(f"{dom} has one screen, number 0; {screen} is none of it")

        async def send(stream: Stream) -> None:
            await stream.write(picture())

        stream.serve(send)
        return "image/png"

    @supports(DomainGetHostnameFlags.LEASE | DomainGetHostnameFlags.AGENT)
    @queries
    def domain_get_hostname(self, dom: Domain, flags: int) -> str:
        _answers(dom)
        return f"{dom.name}host"

    @queries
    def domain_get_time(self, dom: Domain, flags: int) -> DomainGetTime:
        _answers(dom)
        return DomainGetTime(self.runtime.clocks.get(dom.uuid, _CLOCK), 0)

    @supports(1)  # VIR_DOMAIN_TIME_SYNC
    @modifies
    async def domain_set_time(self, dom: Domain, seconds: int, nseconds: int, flags: int) -> None:
        _answers(dom)
        self.runtime.clocks[dom.uuid] = int(time.time()) if flags else seconds

    @queries
    def domain_get_fsinfo(self, dom: Domain, flags: int) -> list[DomainFsinfo]:
        _answers(dom)
        return [DomainFsinfo(mount, name, "ext4", [name[:-1]]) for mount, name in _file_systems(dom)]

    @modifies
    async def domain_fsfreeze(self, dom: Domain, mountpoints: list[str], flags: int) -> int:
        _answers(dom)
        frozen = self.runtime.frozen.setdefault(dom.uuid, set())
        new = _chosen(dom, mountpoints) - frozen
        frozen |= new
        return len(new)

    @modifies
    async def domain_fsthaw(self, dom: Domain, mountpoints: list[str], flags: int) -> int:
        _answers(dom)
        frozen = self.runtime.frozen.setdefault(dom.uuid, set())
        gone = _chosen(dom, mountpoints) & frozen
        frozen -= gone
        return len(gone)

    @modifies
    async def domain_fstrim(self, dom: Domain, mount_point: str | None, minimum: int, flags: int) -> None:
        _answers(dom)
        _chosen(dom, [mount_point] if mount_point else [])

    @supports(_ENCRYPTED)
    @modifies
    async def domain_set_user_password(
        self, dom: Domain, user: str | None, password: str | None, flags: int
    ) -> None:
        _answers(dom)
        if not user or password is None:
            raise InvalidArg("a password is set with the name of its user")

    @queries
    def domain_interface_addresses(self, dom: Domain, source: int, flags: int) -> list[DomainInterface]:
        dom.require_active()
        if source not in (Source.LEASE, Source.AGENT, Source.ARP):
            raise InvalidArg(f"addresses come from leases (0), an agent (1) or ARP (2), not from {source}")
        found = []
        for number, interface in enumerate(dom.current.devices.interfaces):
            name = f"eth{number}" if source == Source.AGENT else interface.target or ""
            address = DomainIpAddr(0, f"192.168.122.{3 + number % 250}", 24)
            found.append(DomainInterface(name, interface.mac, [address]))
        return found


def _answers(dom: Domain) -> None:
    """Raises OperationInvalid where a guest's agent could not answer."""
    dom.require_active()
    if dom.state is not State.RUNNING:
        raise OperationInvalid(f"{dom} is {dom.state.name.lower()}: its guest agent cannot answer")


def _file_systems(dom: Domain) -> list[tuple[str, str]]:
    """Mount points and partitions: of the first disk, if there is one."""
    disks = dom.current.devices.disks
    return [(mount, f"{disks[0].target}{name[-1]}") for mount, name in _DISKS] if disks else []


def _chosen(dom: Domain, mountpoints: list[str]) -> set[str]:
    known = {mount for mount, _ in _DISKS}
    for mount in mountpoints:
        if mount not in known:
            raise InvalidArg(f"nothing is mounted on '{mount}' in {dom}")
    return set(mountpoints) or known


def picture() -> bytes:
    """A dark screen. Source: PNG, W3C recommendation: 8 bits of grey, no filter."""
    width, height = _SIZE
    head = width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\0\0\0\0"
    rows = zlib.compress((b"\0" + b"\x20" * width) * height)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", rows) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")
