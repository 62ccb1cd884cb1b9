"""<networkport>: a guest's interface on a network. Source: formatnetworkport.html."""

from __future__ import annotations

from typing import Literal

from pyvirtd.conf.domain.address import PciBus, PciDomain, PciFunction, PciSlot
from pyvirtd.conf.domain.interface import Bandwidth, VirtualPort, Vlan
from pyvirtd.conf.xml import Dump, Element, at, child, format, kind, must, parse
from pyvirtd.conf.xml.fields import told
from pyvirtd.conf.xml.types import Mac, UInt, Uuid, YesNo
from pyvirtd.errors import ErrorDomain


class PortBandwidth(Bandwidth, tag="bandwidth"):
    """Traffic shaping, with the number of its class, which a port's document always tells."""

    class_id: UInt | None = at("@classID", keep=told)


class Plug(Element, tag="plug", family=True):
    """What the interface is plugged into."""

    ERRORS = ErrorDomain.NETWORK
    type: Literal["network", "bridge", "direct", "hostdev-pci"] = kind("@type", required=True)


class NetworkPlug(Plug, variant="network"):
    """The network's own bridge."""

    bridge: str = must("@bridge")
    mac_table_manager: Literal["default", "kernel", "libvirt"] | None = at("@macTableManager", omit="default")


class BridgePlug(Plug, variant="bridge"):
    """A bridge of the host."""

    bridge: str = must("@bridge")
    mac_table_manager: Literal["default", "kernel", "libvirt"] | None = at("@macTableManager", omit="default")


class DirectPlug(Plug, variant="direct"):
    """A macvtap on an interface of the host."""

    dev: str = must("@dev")
    mode: Literal["vepa", "private", "bridge", "passthrough"] = must("@mode")


class PlugAddress(Element, tag="address"):
    """A PCI device of the host."""

    domain: PciDomain = at("@domain", 0)
    bus: PciBus = at("@bus", 0)
    slot: PciSlot = at("@slot", 0)
    function: PciFunction = at("@function", 0)


class HostdevPlug(Plug, variant="hostdev-pci"):
    """A PCI device of the host, handed over."""

    managed: YesNo | None = at("@managed")
    driver: Literal["kvm", "vfio", "xen"] | None = at("driver/@name")
    address: PlugAddress | None = child()


class PortOwner(Element, tag="owner"):
    """The guest."""

    ERRORS = ErrorDomain.NETWORK
    name: str = must("name")
    uuid: Uuid = must("uuid")


class NetworkPortDef(Element, tag="networkport"):
    """A port of a network."""

    ERRORS = ErrorDomain.NETWORK
    uuid: Uuid | None = at("uuid")
    owner: PortOwner | None = child()
    group: str | None = at("group")
    mac: Mac = must("mac/@address")
    virtualport: VirtualPort | None = child()
    bandwidth: PortBandwidth | None = child(empty=False)
    vlan: Vlan | None = child()
    isolated: YesNo | None = at("port/@isolated")
    trust_guest: YesNo | None = at("rxfilters/@trustGuest")
    plug: Plug | None = child(Plug)


def parse_network_port(xml: str | bytes) -> NetworkPortDef:
    """A <networkport> document."""
    return parse(NetworkPortDef, xml, Dump.INACTIVE, what="network port XML")


def format_network_port(port: NetworkPortDef) -> str:
    """The document as libvirt prints it."""
    return format(port, Dump.INACTIVE)
