"""What a rule matches: one class a protocol, its attributes in libvirt's order. Source: formatnwfilter.html."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pyvirtd.conf.nwfilter.values import (
    Byte,
    Comment,
    Dscp,
    EtherType,
    Ip4,
    Ip6,
    IpProtocol,
    IpSet,
    IpSetFlags,
    MacAddress,
    MacMask,
    Mask4,
    Mask6,
    Opcode,
    Short,
    States,
    TcpFlags,
    Truth,
    VlanId,
    Word,
)  # fmt: skip
from pyvirtd.conf.xml import Element, at
from pyvirtd.conf.xml.fields import told
from pyvirtd.conf.xml.types import Codec
from pyvirtd.errors import ErrorDomain, InternalError

Negated = Annotated[bool, Codec(lambda text: text == "no", lambda _: "no", right="yes or no", words=("yes", "no"))]
LATE, PORTS, OWN, TAIL = range(1, 5)  # behind addresses, in this order


def value(name: str, **marks: Any) -> Any:
    """An attribute; what is wrong with its value is an internal error, as libvirt has it."""
    return at("@" + name, bad=InternalError, **marks)


class Protocol(Element, family=True):
    """Any protocol. `negated`: the rule is for what does not match."""

    ERRORS = ErrorDomain.NWFILTER
    # What is negated or not together with another attribute, whatever it says itself.
    FOLLOWS: ClassVar[dict[str, str]] = {}
    negated: Negated = at("@match", False, keep=told)

    @property
    def given(self) -> dict[str, str]:
        """The attributes that it has."""
        return {
            name: told for name in type(self).FIELDS if name != "negated" and (told := getattr(self, name)) is not None
        }


class Commented(Protocol):
    """A protocol whose rules can carry a comment."""

    comment: Comment | None = value("comment", tail=TAIL)


class Ethernet(Commented):
    """Ethernet addresses of both ends."""

    FOLLOWS: ClassVar[dict[str, str]] = {
        "srcmacmask": "srcmacaddr",
        "dstmacmask": "dstmacaddr",
    }
    srcmacaddr: MacAddress | None = value("srcmacaddr")
    srcmacmask: MacMask | None = value("srcmacmask")
    dstmacaddr: MacAddress | None = value("dstmacaddr")
    dstmacmask: MacMask | None = value("dstmacmask")


class MacProtocol(Ethernet, tag="mac", variant="mac"):
    """Ethernet."""

    protocolid: EtherType | None = value("protocolid")


class VlanProtocol(Ethernet, tag="vlan", variant="vlan"):
    """802.1Q tags."""

    vlanid: VlanId | None = value("vlanid")
    encap_protocol: EtherType | None = value("encap-protocol")


class StpProtocol(Commented, tag="stp", variant="stp"):
    """Spanning tree messages."""

    FOLLOWS: ClassVar[dict[str, str]] = {
        "srcmacmask": "srcmacaddr",
        "root_address_mask": "root_address",
        "sender_address_mask": "sender_address",
        "root_priority_hi": "root_priority",
        "root_cost_hi": "root_cost",
        "sender_priority_hi": "sender_priority",
        "port_hi": "port",
        "age_hi": "age",
        "max_age_hi": "max_age",
        "hello_time_hi": "hello_time",
        "forward_delay_hi": "forward_delay",
    }
    srcmacaddr: MacAddress | None = value("srcmacaddr")
    srcmacmask: MacMask | None = value("srcmacmask")
    type: Byte | None = value("type")
    flags: Byte | None = value("flags")
    root_priority: Short | None = value("root-priority")
    root_priority_hi: Short | None = value("root-priority-hi")
    root_address: MacAddress | None = value("root-address")
    root_address_mask: MacMask | None = value("root-address-mask")
    root_cost: Word | None = value("root-cost")
    root_cost_hi: Word | None = value("root-cost-hi")
    sender_priority: Short | None = value("sender-priority")
    sender_priority_hi: Short | None = value("sender-priority-hi")
    sender_address: MacAddress | None = value("sender-address")
    sender_address_mask: MacMask | None = value("sender-address-mask")
    port: Short | None = value("port")
    port_hi: Short | None = value("port-hi")
    age: Short | None = value("age")
    age_hi: Short | None = value("age-hi")
    max_age: Short | None = value("max-age")
    max_age_hi: Short | None = value("max-age-hi")
    hello_time: Short | None = value("hello-time")
    hello_time_hi: Short | None = value("hello-time-hi")
    forward_delay: Short | None = value("forward-delay")
    forward_delay_hi: Short | None = value("forward-delay-hi")


class ArpFields(Ethernet):
    """What ARP and RARP messages hold."""

    FOLLOWS: ClassVar[dict[str, str]] = {
        "srcmacmask": "srcmacaddr",
        "dstmacmask": "dstmacaddr",
        "arpsrcipmask": "arpsrcipaddr",
        "arpdstipmask": "arpdstipaddr",
    }
    hwtype: Short | None = value("hwtype")
    protocoltype: Short | None = value("protocoltype")
    opcode: Opcode | None = value("opcode")
    arpsrcmacaddr: MacAddress | None = value("arpsrcmacaddr")
    arpdstmacaddr: MacAddress | None = value("arpdstmacaddr")
    arpsrcipaddr: Ip4 | None = value("arpsrcipaddr")
    arpsrcipmask: Mask4 | None = value("arpsrcipmask")
    arpdstipaddr: Ip4 | None = value("arpdstipaddr")
    arpdstipmask: Mask4 | None = value("arpdstipmask")
    gratuitous: Truth | None = value("gratuitous")


class ArpProtocol(ArpFields, tag="arp", variant="arp"):
    """Address resolution."""


class RarpProtocol(ArpFields, tag="rarp", variant="rarp"):
    """Reverse address resolution."""


class IpProtocolRule(Ethernet, tag="ip", variant="ip"):
    """IPv4 as Ethernet carries it."""

    FOLLOWS: ClassVar[dict[str, str]] = {
        "srcmacmask": "srcmacaddr",
        "dstmacmask": "dstmacaddr",
        "srcipmask": "srcipaddr",
        "dstipmask": "dstipaddr",
    }
    srcipaddr: Ip4 | None = value("srcipaddr")
    srcipmask: Mask4 | None = value("srcipmask")
    dstipaddr: Ip4 | None = value("dstipaddr")
    dstipmask: Mask4 | None = value("dstipmask")
    protocol: IpProtocol | None = value("protocol")
    srcportstart: Short | None = value("srcportstart")
    srcportend: Short | None = value("srcportend")
    dstportstart: Short | None = value("dstportstart")
    dstportend: Short | None = value("dstportend")
    dscp: Dscp | None = value("dscp")


class Ipv6ProtocolRule(Ethernet, tag="ipv6", variant="ipv6"):
    """IPv6 as Ethernet carries it."""

    FOLLOWS: ClassVar[dict[str, str]] = {
        "srcmacmask": "srcmacaddr",
        "dstmacmask": "dstmacaddr",
        "srcipmask": "srcipaddr",
        "dstipmask": "dstipaddr",
    }
    srcipaddr: Ip6 | None = value("srcipaddr")
    srcipmask: Mask6 | None = value("srcipmask")
    dstipaddr: Ip6 | None = value("dstipaddr")
    dstipmask: Mask6 | None = value("dstipmask")
    protocol: IpProtocol | None = value("protocol")
    srcportstart: Short | None = value("srcportstart")
    srcportend: Short | None = value("srcportend")
    dstportstart: Short | None = value("dstportstart")
    dstportend: Short | None = value("dstportend")
    type: Byte | None = value("type")
    typeend: Byte | None = value("typeend")
    code: Byte | None = value("code")
    codeend: Byte | None = value("codeend")


class Layer3(Commented):
    """A packet's connection."""

    dscp: Dscp | None = value("dscp", tail=LATE)
    connlimit_above: Short | None = value("connlimit-above", tail=LATE)
    state: States | None = value("state", tail=LATE)


class Layer3V4(Layer3):
    """An IPv4 packet."""

    FOLLOWS: ClassVar[dict[str, str]] = {
        "srcipmask": "srcipaddr",
        "dstipmask": "dstipaddr",
        "srcipto": "srcipfrom",
        "dstipto": "dstipfrom",
    }
    srcmacaddr: MacAddress | None = value("srcmacaddr")
    srcipaddr: Ip4 | None = value("srcipaddr")
    srcipmask: Mask4 | None = value("srcipmask")
    dstipaddr: Ip4 | None = value("dstipaddr")
    dstipmask: Mask4 | None = value("dstipmask")
    srcipfrom: Ip4 | None = value("srcipfrom")
    srcipto: Ip4 | None = value("srcipto")
    dstipfrom: Ip4 | None = value("dstipfrom")
    dstipto: Ip4 | None = value("dstipto")


class PortsV4(Layer3V4):
    """Ports of a protocol over IPv4."""

    FOLLOWS: ClassVar[dict[str, str]] = {
        "srcipmask": "srcipaddr",
        "dstipmask": "dstipaddr",
        "srcipto": "srcipfrom",
        "dstipto": "dstipfrom",
        "srcportend": "srcportstart",
        "dstportstart": "srcportstart",
        "dstportend": "srcportstart",
    }
    srcportstart: Short | None = value("srcportstart", tail=PORTS)
    srcportend: Short | None = value("srcportend", tail=PORTS)
    dstportstart: Short | None = value("dstportstart", tail=PORTS)
    dstportend: Short | None = value("dstportend", tail=PORTS)


class Layer3V6(Layer3):
    """An IPv6 packet."""

    FOLLOWS: ClassVar[dict[str, str]] = {
        "srcipmask": "srcipaddr",
        "dstipmask": "dstipaddr",
        "srcipto": "srcipfrom",
        "dstipto": "dstipfrom",
    }
    srcmacaddr: MacAddress | None = value("srcmacaddr")
    srcipaddr: Ip6 | None = value("srcipaddr")
    srcipmask: Mask6 | None = value("srcipmask")
    dstipaddr: Ip6 | None = value("dstipaddr")
    dstipmask: Mask6 | None = value("dstipmask")
    srcipfrom: Ip6 | None = value("srcipfrom")
    srcipto: Ip6 | None = value("srcipto")
    dstipfrom: Ip6 | None = value("dstipfrom")
    dstipto: Ip6 | None = value("dstipto")


class PortsV6(Layer3V6):
    """Ports of a protocol over IPv6."""

    FOLLOWS: ClassVar[dict[str, str]] = {
        "srcipmask": "srcipaddr",
        "dstipmask": "dstipaddr",
        "srcipto": "srcipfrom",
        "dstipto": "dstipfrom",
        "srcportend": "srcportstart",
        "dstportstart": "srcportstart",
        "dstportend": "srcportstart",
    }
    srcportstart: Short | None = value("srcportstart", tail=PORTS)
    srcportend: Short | None = value("srcportend", tail=PORTS)
    dstportstart: Short | None = value("dstportstart", tail=PORTS)
    dstportend: Short | None = value("dstportend", tail=PORTS)


class TcpProtocol(PortsV4, tag="tcp", variant="tcp"):
    """TCP over IPv4."""

    option: Byte | None = value("option", tail=OWN)
    flags: TcpFlags | None = value("flags", tail=OWN)


class UdpProtocol(PortsV4, tag="udp", variant="udp"):
    """UDP over IPv4."""


class SctpProtocol(PortsV4, tag="sctp", variant="sctp"):
    """SCTP over IPv4."""


class UdpliteProtocol(Layer3V4, tag="udplite", variant="udplite"):
    """UDPLITE over IPv4."""


class EspProtocol(Layer3V4, tag="esp", variant="esp"):
    """ESP over IPv4."""


class AhProtocol(Layer3V4, tag="ah", variant="ah"):
    """AH over IPv4."""


class AllProtocol(Layer3V4, tag="all", variant="all"):
    """Every packet over IPv4. Only here can sets of addresses be asked for."""

    ipset: IpSet | None = value("ipset", tail=LATE)
    ipsetflags: IpSetFlags | None = value("ipsetflags", tail=LATE)


class IcmpProtocol(Layer3V4, tag="icmp", variant="icmp"):
    """ICMP over IPv4."""

    type: Byte | None = value("type", tail=OWN)
    typeend: Byte | None = value("typeend", tail=OWN)
    code: Byte | None = value("code", tail=OWN)
    codeend: Byte | None = value("codeend", tail=OWN)


class TcpV6Protocol(PortsV6, tag="tcp-ipv6", variant="tcp-ipv6"):
    """TCP over IPv6."""

    option: Byte | None = value("option", tail=OWN)
    flags: TcpFlags | None = value("flags", tail=OWN)


class UdpV6Protocol(PortsV6, tag="udp-ipv6", variant="udp-ipv6"):
    """UDP over IPv6."""


class SctpV6Protocol(PortsV6, tag="sctp-ipv6", variant="sctp-ipv6"):
    """SCTP over IPv6."""


class UdpliteV6Protocol(Layer3V6, tag="udplite-ipv6", variant="udplite-ipv6"):
    """UDPLITE over IPv6."""


class EspV6Protocol(Layer3V6, tag="esp-ipv6", variant="esp-ipv6"):
    """ESP over IPv6."""


class AhV6Protocol(Layer3V6, tag="ah-ipv6", variant="ah-ipv6"):
    """AH over IPv6."""


class AllV6Protocol(Layer3V6, tag="all-ipv6", variant="all-ipv6"):
    """Every packet over IPv6. Only here can sets of addresses be asked for."""

    ipset: IpSet | None = value("ipset", tail=LATE)
    ipsetflags: IpSetFlags | None = value("ipsetflags", tail=LATE)


class IcmpV6Protocol(Layer3V6, tag="icmpv6", variant="icmpv6"):
    """ICMP over IPv6."""

    type: Byte | None = value("type", tail=OWN)
    typeend: Byte | None = value("typeend", tail=OWN)
    code: Byte | None = value("code", tail=OWN)
    codeend: Byte | None = value("codeend", tail=OWN)


class IgmpProtocol(Layer3V4, tag="igmp", variant="igmp"):
    """IGMP."""
