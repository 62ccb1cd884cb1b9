"""<network>: a virtual network. Source: formatnetwork.html."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pyvirtd.conf.domain.interface import Bandwidth, VirtualPort, Vlan
from pyvirtd.conf.network.dns import Dns
from pyvirtd.conf.network.forward import Forward, ForwardMode
from pyvirtd.conf.network.ip import Ip, NetworkRoute
from pyvirtd.conf.network.portgroup import PortGroup
from pyvirtd.conf.xml import Dump, Element, at, child, children, format, inline, must, namespace, parse, raw, texts
from pyvirtd.conf.xml.fields import told
from pyvirtd.conf.xml.types import Codec, Mac, UInt, ULong, Uuid, YesNo
from pyvirtd.errors import ErrorDomain, InternalError, NoName

# Only "off" is off; libvirt never refused anything else.
Stp = Annotated[bool, Codec(lambda text: text != "off", lambda on: "on" if on else "off", words=("off", "on"))]
OWN_BRIDGE: Final[tuple[ForwardMode, ...]] = ("none", "nat", "route", "open")


class DnsmasqNamespace(Element):
    """Lines for dnsmasq's configuration, as they are."""

    ns = namespace("dnsmasq")
    options: list[str] = texts("dnsmasq:options/dnsmasq:option/@value")


class Bridge(Element, tag="bridge"):
    """The bridge that guests are plugged into: libvirt's own, or one of the host's. `delay` in seconds."""

    ERRORS = ErrorDomain.NETWORK
    name: str | None = at("@name")
    zone: str | None = at("@zone")
    stp: Stp | None = at("@stp")
    delay: ULong | None = at("@delay")
    mac_table_manager: Literal["kernel", "libvirt"] | None = at("@macTableManager")


class NetworkDef(Element, tag="network"):
    """A network's definition. `connections` counts the guests' interfaces on the running network."""

    ERRORS = ErrorDomain.NETWORK
    dnsmasq: DnsmasqNamespace | None = inline(DnsmasqNamespace, optional=True, tail=1)
    connections: UInt | None = at("@connections", live=True, keep=told, tail=2)
    ipv6: YesNo | None = at("@ipv6", keep=told, tail=2)
    trust_guest_rx_filters: YesNo | None = at("@trustGuestRxFilters", tail=2)
    name: str = must("name", bad=NoName)
    uuid: Uuid | None = at("uuid", bad=InternalError)
    title: str | None = at("title")
    description: str | None = at("description")
    metadata: str | None = raw("metadata")
    forward: Forward | None = child()
    bridge: Bridge | None = child(empty=False)
    mtu: UInt | None = at("mtu/@size", keep=told)
    mac: Mac | None = at("mac/@address")
    domain: str | None = at("domain/@name")
    domain_local_only: YesNo | None = at("domain/@localOnly")
    domain_register: YesNo | None = at("domain/@register")
    dns: Dns | None = child(empty=False)
    vlan: Vlan | None = child()
    bandwidth: Bandwidth | None = child(empty=False)
    isolated_ports: YesNo | None = at("port/@isolated")
    ips: list[Ip] = children()
    routes: list[NetworkRoute] = children()
    virtualport: VirtualPort | None = child()
    portgroups: list[PortGroup] = children()

    @property
    def mode(self) -> ForwardMode:
        """The forward mode; "none" is an isolated network."""
        return "none" if self.forward is None else self.forward.mode

    @property
    def owns_bridge(self) -> bool:
        """Whether the bridge is made and removed with the network."""
        return self.mode in OWN_BRIDGE


def parse_network(xml: str | bytes, flags: int = Dump.INACTIVE, *, validate: bool = False) -> NetworkDef:
    """A <network> document as it stands. validate: hold it against the schema first (XMLInvalidSchema)."""
    if validate:
        from pyvirtd.conf.schema import check_schema  # compiling it is slow

        check_schema(NetworkDef, xml, what="network XML")
    return parse(NetworkDef, xml, flags, what="network XML")


def format_network(network: NetworkDef, flags: int = 0) -> str:
    """The document as libvirt prints it; `flags` are those of `Dump` (not VIR_NETWORK_XML_*)."""
    return format(network, flags)
