"""How values are written in network filters. Each may be a variable instead: $NAME, $NAME[@1], $NAME[2].

They stay text, in the spelling that libvirt prints: a filter is compared and stored, and only the driver that turns
it into a firewall needs numbers.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Final

from pyvirtd.conf.inet import BITS, canonical, family_of, prefix_of
from pyvirtd.conf.xml.types import Codec, escape

_VARIABLE = re.compile(r"\$([A-Za-z0-9_]+)(?:\[\s*(@?)\s*([0-9]{1,9})\s*\])?")
_NUMBER = re.compile("0[xX][0-9a-fA-F]{1,8}|[0-9]{1,10}")
_MAX = 256


def _variable(text: str) -> str:
    """$NAME, $NAME[2] or $NAME[@1]; the first iterator is the one that a bare name has."""
    match = _VARIABLE.fullmatch(text)
    if match is None:
        raise ValueError
    name, at, number = match.groups()
    if number is None or (at and int(number) == 0):
        return f"${name}"
    return f"${name}[{at}{int(number)}]"


def _value(parse: Callable[[str], str], right: str) -> Codec:
    def either(text: str) -> str:
        if len(text) > _MAX:
            raise ValueError
        if text.startswith("$"):
            return _variable(text.rstrip())
        return parse(text)

    return Codec(either, escape, right=right + ", or a variable like $NAME")


def _number(high: int) -> Callable[[str], str]:
    """Decimal or 0x…, and printed as it was given."""

    def parse(text: str) -> str:
        if _NUMBER.fullmatch(text) is None:
            raise ValueError
        base = 16 if text[:2] in ("0x", "0X") else 10
        value = int(text, base)
        if value > high:
            raise ValueError
        return f"0x{value:x}" if base == 16 else str(value)

    return parse


def _named(names: dict[str, int], low: int, high: int) -> Callable[[str], str]:
    """A name in any case, or a number, which is printed as its name where it has one."""
    by_name = {name.lower(): name for name in names}
    by_number = {number: name for name, number in names.items()}
    number = _number(high)

    def parse(text: str) -> str:
        name = by_name.get(text.lower())
        if name is not None:
            return name
        shown = number(text)
        value = int(shown, 0)
        if value in by_number:
            return by_number[value]
        if value < low:
            raise ValueError
        return shown

    return parse


def _mac(text: str) -> str:
    if re.fullmatch("[0-9a-fA-F]{1,2}(:[0-9a-fA-F]{1,2}){5}", text) is None:
        raise ValueError
    return ":".join(part.rjust(2, "0") for part in text.lower().split(":"))


def _mac_mask(text: str) -> str:
    mask = _mac(text)
    zeros = int(mask.replace(":", ""), 16) ^ (1 << 48) - 1
    if zeros & (zeros + 1):
        raise ValueError
    return mask


def _address(family: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        address = canonical(text)
        if family_of(address) != family:
            raise ValueError
        return address

    return parse


def _mask(family: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text.isascii() and text.isdigit():
            bits = int(text)
            if len(text) > 3 or bits > BITS["ipv6" if family == "ipv6" else "ipv4"]:
                raise ValueError
            return str(bits)
        return str(prefix_of(_address(family)(text)))

    return parse


def _bool(text: str) -> str:
    if text.lower() in ("1", "yes", "true"):
        return "true"
    return "false"  # libvirt never refused anything else


def _words(order: tuple[str, ...]) -> Callable[[str], str]:
    """A set of words, printed in their own order."""

    def parse(text: str) -> str:
        given = [part.strip().upper() for part in text.split(",")]
        if any(word not in order for word in given):
            raise ValueError
        return ",".join(word for word in order if word in given)

    return parse


_TCP = ("FIN", "SYN", "RST", "PSH", "ACK", "URG")


def _tcp_set(text: str) -> str:
    given = [part.strip().upper() for part in text.split(",")]
    if "ALL" in given:
        return "ALL"
    if any(word not in (*_TCP, "NONE", "") for word in given):
        raise ValueError
    return ",".join(word for word in _TCP if word in given) or "NONE"


def _tcp_flags(text: str) -> str:
    mask, slash, flags = text.partition("/")
    if not slash:
        raise ValueError
    return f"{_tcp_set(mask)}/{_tcp_set(flags)}"


def _ipset(text: str) -> str:
    if not 0 < len(text) <= 31:
        raise ValueError
    return text


def _ipset_flags(text: str) -> str:
    parts = text.lower().split(",")
    if not 0 < len(parts) <= 6 or any(part not in ("src", "dst") for part in parts):
        raise ValueError
    return ",".join(parts)


_ETHER: Final = {"arp": 0x806, "rarp": 0x8035, "ipv4": 0x800, "ipv6": 0x86DD, "vlan": 0x8100}
_PROTOCOLS: Final = {
    "tcp": 6, "udp": 17, "udplite": 136, "esp": 50, "ah": 51, "icmp": 1, "igmp": 2, "sctp": 132, "icmpv6": 58,
}  # fmt: skip
_OPCODES: Final = {
    "Request": 1, "Reply": 2, "Request_Reverse": 3, "Reply_Reverse": 4, "DRARP_Request": 5, "DRARP_Reply": 6,
    "DRARP_Error": 7, "InARP_Request": 8, "ARP_NAK": 9,
}  # fmt: skip

Comment = Annotated[str, Codec(lambda text: text[:_MAX], escape, right="text")]
MacAddress = Annotated[str, _value(_mac, "six bytes like 52:54:00:12:34:56")]
MacMask = Annotated[str, _value(_mac_mask, "a mask like ff:ff:ff:00:00:00")]
EtherType = Annotated[str, _value(_named(_ETHER, 0x600, 0xFFFF), "arp, rarp, ipv4, ipv6, vlan or 0x600 to 0xffff")]
VlanId = Annotated[str, _value(_number(4095), "0 to 4095")]
Byte = Annotated[str, _value(_number(0xFF), "0 to 255")]
Short = Annotated[str, _value(_number(0xFFFF), "0 to 65535")]
Word = Annotated[str, _value(_number(0xFFFFFFFF), "0 to 0xffffffff")]
Dscp = Annotated[str, _value(_number(63), "0 to 63")]
Opcode = Annotated[str, _value(_named(_OPCODES, 0, 0xFFFF), "an ARP operation such as Request, or 0 to 65535")]
IpProtocol = Annotated[str, _value(_named(_PROTOCOLS, 0, 0xFF), "a protocol such as tcp, or 0 to 255")]
Ip4 = Annotated[str, _value(_address("ipv4"), "an IPv4 address")]
Ip6 = Annotated[str, _value(_address("ipv6"), "an IPv6 address")]
Mask4 = Annotated[str, _value(_mask("ipv4"), "0 to 32 or a netmask")]
Mask6 = Annotated[str, _value(_mask("ipv6"), "0 to 128 or a netmask")]
Truth = Annotated[str, _value(_bool, "true or false")]
States = Annotated[
    str,
    _value(_words(("NEW", "ESTABLISHED", "RELATED", "INVALID", "NONE")), "NEW, ESTABLISHED, RELATED, INVALID or NONE"),
]
TcpFlags = Annotated[str, _value(_tcp_flags, "mask/flags like SYN,ACK/SYN")]
IpSet = Annotated[str, _value(_ipset, "a set's name of up to 31 letters")]
IpSetFlags = Annotated[str, _value(_ipset_flags, "up to six of src and dst")]
