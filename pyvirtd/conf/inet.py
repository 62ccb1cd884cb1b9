"""IP addresses as documents write them: read in any spelling, kept and printed in the shortest one."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pyvirtd.conf.xml.types import Codec

Family = Literal["ipv4", "ipv6"]
BITS: Final[dict[Family, int]] = {"ipv4": 32, "ipv6": 128}
_LONGEST = 64


def canonical(text: str) -> str:
    """ "2001:DB8:0:0::1" -> "2001:db8::1". ValueError for what is no IPv4 or IPv6 address."""
    import ipaddress  # 4 ms at import, and most definitions have no address

    if len(text) > _LONGEST or "%" in text:
        raise ValueError
    address = ipaddress.ip_address(text)
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return f"::ffff:{address.ipv4_mapped}"
    if isinstance(address, ipaddress.IPv6Address) and 1 << 16 <= int(address) < 1 << 32:
        return f"::{ipaddress.IPv4Address(int(address))}"  # as inet_ntop spells these
    return str(address)


def family_of(address: str) -> Family:
    """Which family a canonical address is of."""
    return "ipv6" if ":" in address else "ipv4"


def packed(address: str) -> int:
    """A canonical address as a number."""
    import ipaddress

    return int(ipaddress.ip_address(address))


def prefix_of(netmask: str) -> int:
    """ "255.255.255.0" -> 24. ValueError for a mask with holes."""
    number, bits = packed(netmask), BITS[family_of(netmask)]
    hosts = number ^ ((1 << bits) - 1)
    if hosts & (hosts + 1):
        raise ValueError
    return bits - hosts.bit_length()


def within(address: str, network: str, prefix: int) -> bool:
    """Whether an address is in the network/prefix."""
    if family_of(address) != family_of(network):
        return False
    hosts = BITS[family_of(network)] - prefix
    return packed(address) >> hosts == packed(network) >> hosts


IpAddress = Annotated[
    str, Codec(canonical, right="an IP address like 192.168.122.1 or fd00::1", pattern="[0-9a-fA-F:.]+")
]
