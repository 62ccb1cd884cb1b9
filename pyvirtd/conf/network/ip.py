"""`<ip>` and `<route>` of a network, with the addresses that its DHCP server gives out."""

from __future__ import annotations

from typing import Literal

from pyvirtd.conf.inet import BITS, Family, IpAddress, family_of, prefix_of
from pyvirtd.conf.xml import Element, at, child, children, must
from pyvirtd.conf.xml.fields import told
from pyvirtd.conf.xml.types import Mac, Positive, UInt, YesNo
from pyvirtd.errors import ErrorDomain


class Lease(Element, tag="lease"):
    """How long an address is given out for; 0 is for ever."""

    ERRORS = ErrorDomain.NETWORK
    expiry: UInt = must("@expiry")
    unit: Literal["seconds", "minutes", "hours"] | None = at(
        "@unit", "minutes", when=lambda lease, _: lease.expiry != 0
    )


class DhcpRange(Element, tag="range"):
    """Addresses to give out."""

    ERRORS = ErrorDomain.NETWORK
    start: IpAddress = must("@start")
    end: IpAddress = must("@end")
    lease: Lease | None = child()


class DhcpHost(Element, tag="host"):
    """An address that is kept for one guest: known by MAC (IPv4), client id (IPv6) or name."""

    ERRORS = ErrorDomain.NETWORK
    id: str | None = at("@id")
    mac: Mac | None = at("@mac")
    name: str | None = at("@name")
    ip: IpAddress | None = at("@ip")
    lease: Lease | None = child()


class Ip(Element, tag="ip"):
    """An address of the host on this network, its mask, and its DHCP and TFTP servers."""

    ERRORS = ErrorDomain.NETWORK
    family: Family | None = at("@family")
    address: IpAddress = must("@address")
    netmask: IpAddress | None = at("@netmask")
    prefix: UInt | None = at("@prefix", keep=told)
    local_ptr: YesNo | None = at("@localPtr")
    tftp_root: str | None = at("tftp/@root")
    ranges: list[DhcpRange] = children(under="dhcp")
    hosts: list[DhcpHost] = children(under="dhcp")
    boot_file: str | None = at("dhcp/bootp/@file")
    boot_server: str | None = at("dhcp/bootp/@server", when=lambda ip, _: ip.boot_file is not None)

    def hollow(self, flags: int) -> bool:
        """Always with its closing tag."""
        return True

    @property
    def length(self) -> int:
        """The prefix in bits: as written, the netmask's, or that of the address's class (IPv6: 64)."""
        return prefix_length(self.address, self.netmask, self.prefix)


class NetworkRoute(Element, tag="route"):
    """A route that the host gets while the network runs."""

    ERRORS = ErrorDomain.NETWORK
    family: Family | None = at("@family")
    address: IpAddress = must("@address")
    netmask: IpAddress | None = at("@netmask")
    prefix: UInt | None = at("@prefix")
    gateway: IpAddress = must("@gateway")
    metric: Positive | None = at("@metric")

    @property
    def length(self) -> int:
        """The prefix in bits, as of `Ip.length`; the default route's is 0."""
        if self.netmask is None and self.prefix is None and self.address in ("0.0.0.0", "::"):
            return 0
        return prefix_length(self.address, self.netmask, self.prefix)


def prefix_length(address: str, netmask: str | None, prefix: int | None) -> int:
    """Bits of the network part. Without either: 8, 16 or 24 by the class of an IPv4 address, 64 for IPv6."""
    if prefix:
        return min(prefix, BITS[family_of(address)])
    if netmask is not None:
        return prefix_of(netmask)
    if family_of(address) == "ipv6":
        return 64
    first = int(address.partition(".")[0])
    return 8 if first < 128 else 16 if first < 192 else 24
