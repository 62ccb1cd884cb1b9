"""<interface>: a network interface of the host, as it is configured."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pyvirtd.conf.xml import Dump, Element, at, child, children, flag, format, must, parse
from pyvirtd.conf.xml.fields import told
from pyvirtd.conf.xml.types import Codec, OnOff, UInt, YesNo
from pyvirtd.errors import ErrorDomain, XMLError

InterfaceType = Literal["ethernet", "bridge", "bond", "vlan"]
BondMode = Literal["balance-rr", "active-backup", "balance-xor", "broadcast", "802.3ad", "balance-tlb", "balance-alb"]
LinkState = Literal["unknown", "notpresent", "down", "lowerlayerdown", "testing", "dormant", "up"]


def _seconds(text: str) -> str:
    if len(text) > 20:
        raise ValueError
    float(text)
    return text


Seconds = Annotated[str, Codec(_seconds, right="seconds like 0.5", pattern=r"[0-9]+(\.[0-9]*)?")]


class InterfaceIp(Element, tag="ip"):
    """An address."""

    address: str = must("@address")
    prefix: UInt | None = at("@prefix", keep=told)


class InterfaceProtocol(Element, tag="protocol"):
    """How the interface gets its addresses of one family."""

    ERRORS = ErrorDomain.INTERFACE
    family: Literal["ipv4", "ipv6"] = must("@family")
    autoconf: bool = flag("autoconf")
    dhcp: bool = flag("dhcp")
    peer_dns: YesNo | None = at("dhcp/@peerdns")
    ips: list[InterfaceIp] = children()
    gateway: str | None = at("route/@gateway")

    def hollow(self, flags: int) -> bool:
        """Always with its closing tag."""
        return True


class HostInterface(Element, tag="interface"):
    """An interface. `members`: the interfaces of a bridge or bond; `vlan_parent`: below a VLAN."""

    ERRORS = ErrorDomain.INTERFACE
    type: InterfaceType = must("@type")
    name: str = must("@name")
    start: Literal["onboot", "none", "hotplug"] | None = at("start/@mode")
    mtu: UInt | None = at("mtu/@size", keep=told)
    protocols: list[InterfaceProtocol] = children()
    link_speed: UInt | None = at("link/@speed", keep=told)
    link_state: LinkState | None = at("link/@state")
    mac: str | None = at("mac/@address")
    bridge: Bridge | None = child()
    bond: Bond | None = child()
    vlan_tag: str | None = at("vlan/@tag")
    vlan_parent: str | None = at("vlan/interface/@name")

    def hollow(self, flags: int) -> bool:
        """Always with its closing tag."""
        return True

    def parsed(self, flags: int) -> None:
        """What is of another type is dropped."""
        if self.type != "bridge":
            self.bridge = None
        else:
            self.link_speed = self.link_state = None
        if self.type != "bond":
            self.bond = None
        if self.type != "vlan":
            self.vlan_tag = self.vlan_parent = None
        if self.type != "ethernet":
            self.mac = None


class Bridge(Element, tag="bridge"):
    """A bridge over its members. `delay` as it was written."""

    stp: OnOff | None = at("@stp")
    delay: Seconds | None = at("@delay")
    members: list[HostInterface] = children()

    def hollow(self, flags: int) -> bool:
        """Always with its closing tag."""
        return True


class Bond(Element, tag="bond"):
    """A bond over its members; one of two ways to watch their links. Times in milliseconds."""

    mode: BondMode | None = at("@mode")
    mii_frequency: UInt | None = at("miimon/@freq")
    mii_up_delay: UInt | None = at("miimon/@updelay", keep=told)
    mii_down_delay: UInt | None = at("miimon/@downdelay", keep=told)
    mii_carrier: Literal["ioctl", "netif"] | None = at("miimon/@carrier")
    arp_interval: UInt | None = at("arpmon/@interval")
    arp_target: str | None = at("arpmon/@target")
    arp_validate: Literal["none", "active", "backup", "all"] | None = at("arpmon/@validate")
    members: list[HostInterface] = children()

    def hollow(self, flags: int) -> bool:
        """Always with its closing tag."""
        return True


_MEMBERS: dict[str, tuple[str, ...]] = {"bridge": ("ethernet", "bond", "vlan"), "bond": ("ethernet",)}


def check_interface(interface: HostInterface) -> None:
    """Whether the parts fit: a start mode, the element of the type, members that there can be."""
    if interface.start is None:
        _refuse(interface, "needs <start mode=…/>")
    _check_body(interface)


def _check_body(interface: HostInterface) -> None:
    body: Any = {"bridge": interface.bridge, "bond": interface.bond}.get(interface.type)
    if interface.type in _MEMBERS:
        if body is None:
            _refuse(interface, f"is of type {interface.type} and needs <{interface.type}>")
        for member in body.members:
            if member.type not in _MEMBERS[interface.type]:
                _refuse(member, f"can't be a member: of type {member.type} in a {interface.type}")
            _check_body(member)
        if interface.type == "bond":
            _check_bond(interface, body)
    if interface.type == "vlan" and (interface.vlan_tag is None or interface.vlan_parent is None):
        _refuse(interface, "is a VLAN and needs <vlan tag=…> with the <interface> below")


def _check_bond(interface: HostInterface, bond: Bond) -> None:
    if not bond.members:
        _refuse(interface, "is a bond and needs interfaces in it")
    if bond.arp_interval is not None and bond.arp_target is None:
        _refuse(interface, "watches by ARP and needs a target")


def _refuse(interface: HostInterface, what: str) -> None:
    raise XMLError(f"line {interface.line}: interface {interface.name!r} {what}", domain=ErrorDomain.XML)


def parse_interface(xml: str | bytes, *, validate: bool = False) -> HostInterface:
    """An <interface> document as it stands. validate: hold it against the schema first (XMLInvalidSchema)."""
    if validate:
        from pyvirtd.conf.schema import check_schema  # compiling it is slow

        check_schema(HostInterface, xml, what="interface XML")
    return parse(HostInterface, xml, Dump.INACTIVE, what="interface XML")


def format_interface(interface: HostInterface) -> str:
    """The document as libvirt prints it."""
    return format(interface)
