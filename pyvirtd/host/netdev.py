"""Network interfaces of guests: taps, macvtaps, bridges, link state, MTU, counters.

Taps are made and joined to a bridge through ioctls (netdevice(7), tuntap.rst), which take microseconds each;
macvtap needs netlink, which is pyroute2's to speak.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import socket
import stat
import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

from pyvirtd.errors import InvalidArg, OperationFailed
from pyvirtd.host.procfile import read_int, read_text, read_word

TUNSETIFF: Final = 0x400454CA
TUNSETPERSIST: Final = 0x400454CB
TUNSETOFFLOAD: Final = 0x400454D0
SIOCGIFFLAGS: Final = 0x8913
SIOCSIFFLAGS: Final = 0x8914
SIOCSIFMTU: Final = 0x8922
SIOCSIFHWADDR: Final = 0x8924
SIOCBRADDIF: Final = 0x89A2
SIOCBRDELIF: Final = 0x89A3
IFF_UP: Final = 0x1
IFF_TAP: Final = 0x2
IFF_MULTI_QUEUE: Final = 0x100
IFF_NO_PI: Final = 0x1000
IFF_VNET_HDR: Final = 0x4000
ARPHRD_ETHER: Final = 1
MAX_QUEUES: Final = 256
MACVTAP_MODES: Final = ("vepa", "private", "bridge", "passthru")

_NAME: Final = re.compile(r"(?!\.\.?$)[^\s/:%\x00-\x1f]{1,15}")


class Tap(NamedTuple):
    """A tap or macvtap: its name, and a descriptor for each queue, which the caller owns."""

    name: str
    fds: tuple[int, ...]


class InterfaceStats(NamedTuple):
    """Counters in the order of virDomainInterfaceStats, as seen by the host's end of a link."""

    rx_bytes: int
    rx_packets: int
    rx_errs: int
    rx_drop: int
    tx_bytes: int
    tx_packets: int
    tx_errs: int
    tx_drop: int

    def swapped(self) -> InterfaceStats:
        """As the other end sees it: what the host received from a tap is what the guest sent."""
        return InterfaceStats(*self[4:], *self[:4])


def check_name(name: str) -> str:
    """The name, if it can be an interface's. InvalidArg otherwise."""
    if not _NAME.fullmatch(name):
        raise InvalidArg(f"{name!r} cannot be an interface's name: at most 15 characters, no blanks, slashes or colons")
    return name


def exists(name: str) -> bool:
    """Whether there is an interface of that name."""
    return bool(_NAME.fullmatch(name)) and os.path.exists(f"/sys/class/net/{name}")


def is_bridge(name: str) -> bool:
    """Whether there is a (Linux) bridge of that name."""
    return exists(name) and os.path.isdir(f"/sys/class/net/{name}/bridge")


def create_tap(name: str = "vnet%d", *, queues: int = 1, vnet_hdr: bool = True, persist: bool = False) -> Tap:
    """Make a tap; "%d" in the name is the kernel's to fill in. It vanishes with its last descriptor unless it is
    told to persist. OperationFailed when it can't be made; nothing is left open then.
    """
    if not 1 <= queues <= MAX_QUEUES:
        raise InvalidArg(f"a tap has 1 to {MAX_QUEUES} queues, not {queues}")
    check_name(name.replace("%d", "0"))
    flags = IFF_TAP | IFF_NO_PI | (IFF_VNET_HDR if vnet_hdr else 0) | (IFF_MULTI_QUEUE if queues > 1 else 0)
    fds: list[int] = []
    try:
        for _ in range(queues):
            fds.append(os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK))
            reply = fcntl.ioctl(fds[-1], TUNSETIFF, struct.pack("16sH22x", name.encode(), flags))
            name = reply[:16].split(b"\0")[0].decode()
        if persist:
            fcntl.ioctl(fds[0], TUNSETPERSIST, 1)
    except OSError as e:
        for fd in fds:
            os.close(fd)
        raise OperationFailed(f"cannot make the tap interface {name}: {e.strerror}") from e
    return Tap(name, tuple(fds))


def delete_tap(name: str) -> None:
    """Make a persistent tap vanish. An absent one is fine."""
    if not exists(name):
        return
    flags = read_word(f"/sys/class/net/{name}/tun_flags") or "0"
    multi = int(flags, 16) & IFF_MULTI_QUEUE
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI | multi))
        fcntl.ioctl(fd, TUNSETPERSIST, 0)
    except OSError as e:
        raise OperationFailed(f"cannot remove the tap interface {name}: {e.strerror}") from e
    finally:
        os.close(fd)


def tap_mac(guest: str) -> str:
    """The address of the host's end of a guest's tap: the guest's own with the first octet fe, so that a bridge
    never takes it for its own address (it takes the lowest of its ports)."""
    return "fe" + guest.lower()[2:]


def set_mac(name: str, mac: str) -> None:
    """Give an interface its Ethernet address."""
    octets = bytes.fromhex(mac.replace(":", ""))
    _request(name, SIOCSIFHWADDR, struct.pack("=H6s", ARPHRD_ETHER, octets), f"set the address {mac}")


def mac(name: str) -> str | None:
    """The interface's Ethernet address."""
    return read_word(f"/sys/class/net/{check_name(name)}/address")


def set_mtu(name: str, mtu: int) -> None:
    """Set the largest packet, in bytes."""
    _request(name, SIOCSIFMTU, struct.pack("=i", mtu), f"set the MTU to {mtu}")


def mtu(name: str) -> int | None:
    """The largest packet in bytes; None when there is no such interface."""
    return read_int(f"/sys/class/net/{check_name(name)}/mtu")


def set_up(name: str, up: bool = True) -> None:
    """Bring a link up or down."""
    reply = _request(name, SIOCGIFFLAGS, b"", "read the state")
    flags = struct.unpack_from("=H", reply, 16)[0]
    wanted = flags | IFF_UP if up else flags & ~IFF_UP
    if wanted != flags:
        _request(name, SIOCSIFFLAGS, struct.pack("=H", wanted), f"bring it {'up' if up else 'down'}")


def is_up(name: str) -> bool:
    """Whether a link is set to be up (a carrier may be missing all the same)."""
    return bool(int(read_word(f"/sys/class/net/{check_name(name)}/flags") or "0", 16) & IFF_UP)


def join_bridge(bridge: str, name: str) -> None:
    """Make an interface a port of a bridge; it leaves the one it was in. OperationFailed when that can't be."""
    if not is_bridge(bridge):
        raise OperationFailed(f"there is no bridge {bridge} on this host to put {name} in")
    current = bridge_of(name)
    if current == bridge:
        return
    if current is not None:
        leave_bridge(current, name)
    _request(bridge, SIOCBRADDIF, struct.pack("=i", _index(name)), f"put {name} in it")


def leave_bridge(bridge: str, name: str) -> None:
    """Take a port out of a bridge."""
    _request(bridge, SIOCBRDELIF, struct.pack("=i", _index(name)), f"take {name} out of it")


def bridge_of(name: str) -> str | None:
    """The bridge that an interface is a port of."""
    try:
        return os.path.basename(os.readlink(f"/sys/class/net/{check_name(name)}/brport/bridge"))
    except OSError:
        return None


def set_port_isolated(name: str, isolated: bool) -> None:
    """Keep a bridge port from talking to other isolated ones."""
    path = f"/sys/class/net/{check_name(name)}/brport/isolated"
    try:
        with open(path, "w") as f:
            f.write("1" if isolated else "0")
    except OSError as e:
        raise OperationFailed(f"cannot set isolation of bridge port {name}: {e.strerror}") from e


def stats(name: str) -> InterfaceStats:
    """The interface's counters. InvalidArg when there is none of that name."""
    base = f"/sys/class/net/{check_name(name)}/statistics"
    fields = ("bytes", "packets", "errors", "dropped")
    try:
        return InterfaceStats(
            *(int(read_text(f"{base}/{way}_{field}", 64)) for way in ("rx", "tx") for field in fields)
        )
    except (OSError, ValueError) as e:
        raise InvalidArg(f"there is no network interface {name} on this host") from e


async def create_macvtap(name: str, lower: str, mac: str, mode: str, *, queues: int = 1, vnet_hdr: bool = True) -> Tap:
    """Make a macvtap on the interface `lower`, brought up, and open its queues. OperationFailed, nothing left."""
    if mode not in MACVTAP_MODES:
        raise InvalidArg(f"{mode!r} is no macvtap mode; there are {', '.join(MACVTAP_MODES)}")
    if not exists(check_name(lower)):
        raise OperationFailed(f"there is no interface {lower} on this host to put a macvtap on")
    from pyroute2 import AsyncIPRoute, NetlinkError  # type: ignore[import-untyped]  # 0.2 s of imports that few guests need

    async with AsyncIPRoute() as netlink:
        try:
            await netlink.link(
                "add",
                ifname=check_name(name),
                kind="macvtap",
                link=_index(lower),
                macvtap_mode=mode,
                address=mac,
                state="down",
            )
        except NetlinkError as e:
            raise OperationFailed(f"cannot make the macvtap {name} on {lower}: {os.strerror(e.code)}") from e
    try:
        set_up(name)
        return Tap(name, _open_macvtap(name, queues, vnet_hdr))
    except BaseException:
        await delete_link(name)
        raise


async def delete_link(name: str) -> None:
    """Remove an interface (macvtap, ...). An absent one is fine."""
    if not exists(name):
        return
    from pyroute2 import AsyncIPRoute, NetlinkError

    async with AsyncIPRoute() as netlink:
        try:
            await netlink.link("del", index=_index(name))
        except NetlinkError as e:
            if e.code != errno.ENODEV:
                raise OperationFailed(f"cannot remove the interface {name}: {os.strerror(e.code)}") from e


def _open_macvtap(name: str, queues: int, vnet_hdr: bool) -> tuple[int, ...]:
    flags = IFF_TAP | IFF_NO_PI | (IFF_VNET_HDR if vnet_hdr else 0) | (IFF_MULTI_QUEUE if queues > 1 else 0)
    fds: list[int] = []
    try:
        with _tap_node(name) as path:
            for _ in range(queues):
                fds.append(os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK))
                fcntl.ioctl(fds[-1], TUNSETIFF, struct.pack("16sH22x", name.encode(), flags))
    except OSError as e:
        for fd in fds:
            os.close(fd)
        raise OperationFailed(f"cannot open the macvtap {name}: {e.strerror}") from e
    return tuple(fds)


@contextlib.contextmanager
def _tap_node(name: str) -> Iterator[str]:
    """The device node of a macvtap; made for the moment where no udev makes it (containers)."""
    index = _index(name)
    path = f"/dev/tap{index}"
    numbers = read_word(f"/sys/class/net/{name}/tap{index}/dev")
    if os.path.exists(path) or numbers is None:
        yield path
        return
    major, _, minor = numbers.partition(":")
    os.mknod(path, 0o600 | stat.S_IFCHR, os.makedev(int(major), int(minor)))
    try:
        yield path
    finally:
        os.unlink(path)


def _index(name: str) -> int:
    index = read_int(f"/sys/class/net/{check_name(name)}/ifindex")
    if index is None:
        raise OperationFailed(f"there is no network interface {name} on this host")
    return index


def _request(name: str, request: int, payload: bytes, what: str) -> bytes:
    """One ioctl with a struct ifreq: 16 bytes of name, 24 of union."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        try:
            return fcntl.ioctl(s.fileno(), request, struct.pack("16s24s", check_name(name).encode(), payload))
        except OSError as e:
            raise OperationFailed(f"network interface {name}: cannot {what}: {e.strerror}") from e
