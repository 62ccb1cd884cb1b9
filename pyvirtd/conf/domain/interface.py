"""`<interface>`: network cards. Source: formatdomain.html, "Network interfaces".

`source` is the host's side of all interface types; `ips` and `routes` here are the guest's, those in `source` the
host's.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pyvirtd.conf.domain.device import RomDevice
from pyvirtd.conf.domain.source import Reconnect
from pyvirtd.conf.domain.virtio import VirtioDriver
from pyvirtd.conf.xml import Dump, Element, at, child, children, inline, must
from pyvirtd.conf.xml.types import Mac, OnOff, Positive, UInt, Uuid, YesNo, integer
from pyvirtd.errors import ConfigUnsupported

InterfaceType = Literal[
    "user", "ethernet", "vhostuser", "server", "client", "mcast", "udp", "network", "bridge", "internal", "direct",
    "hostdev", "vdpa", "null", "vds",
]  # fmt: skip
Byte = Annotated[int, integer(0, 255, base=0)]


class Ip(Element, tag="ip"):
    """An IP address."""

    address: str = must("@address")
    family: Literal["ipv4", "ipv6"] | None = at("@family")
    prefix: UInt | None = at("@prefix")
    peer: str | None = at("@peer")

    def parsed(self, flags: int) -> None:
        """The family follows from the address."""
        if self.family is None:
            self.family = "ipv6" if ":" in self.address else "ipv4"


class Route(Element, tag="route"):
    """A route: where to, through which gateway."""

    family: Literal["ipv4", "ipv6"] | None = at("@family")
    address: str | None = at("@address")
    netmask: str | None = at("@netmask")
    prefix: UInt | None = at("@prefix")
    gateway: str | None = at("@gateway")
    metric: Positive | None = at("@metric")


class HostNic(Element, tag="address"):
    """The host's network card that is handed to the guest."""

    type: Literal["pci", "usb"] | None = at("@type")
    domain: Annotated[int, integer(0, 0xFFFF, base=0, show="0x04x")] | None = at("@domain")
    bus: Annotated[int, integer(0, 0xFF, base=0, show="0x02x")] | None = at("@bus")
    slot: Annotated[int, integer(0, 0x1F, base=0, show="0x02x")] | None = at("@slot")
    function: Annotated[int, integer(0, 7, base=0, show="0xx")] | None = at("@function")
    device: UInt | None = at("@device")


def _portid_told(source: Any, flags: int) -> bool:
    """The port of a network is the running guest's; that of a distributed switch belongs to the definition."""
    return source.switchid is not None or not flags & Dump.INACTIVE


class InterfaceSource(Element, tag="source"):
    """The host's side; which attributes count follows from the interface's type."""

    network: str | None = at("@network")
    portgroup: str | None = at("@portgroup")
    switchid: Uuid | None = at("@switchid")
    portid: str | None = at("@portid", when=_portid_told)
    type: Literal["unix"] | None = at("@type")
    bridge: str | None = at("@bridge")
    mac_table_manager: Literal["default", "kernel", "libvirt"] | None = at("@macTableManager", live=True)
    address: str | None = at("@address")
    port: UInt | None = at("@port")
    dev: str | None = at("@dev")
    path: str | None = at("@path")
    mode: Literal["vepa", "bridge", "private", "passthrough", "server", "client"] | None = at("@mode")
    name: str | None = at("@name")
    portgroupid: str | None = at("@portgroupid")
    connectionid: UInt | None = at("@connectionid")
    missing: YesNo | None = at("@missing", live=True)
    reconnect: Reconnect | None = child()
    local_address: str | None = at("local/@address")
    local_port: UInt | None = at("local/@port")
    host: HostNic | None = child()
    ips: list[Ip] = children()
    routes: list[Route] = children()


_SOURCE: dict[str, tuple[str, ...]] = {
    "network": ("network", "portgroup", "portid"),
    "bridge": ("bridge", "mac_table_manager", "network", "portgroup", "portid"),
    "direct": ("dev", "mode", "network", "portgroup", "portid"),
    "hostdev": ("host", "missing", "network", "portgroup", "portid"),
    "user": ("dev",),
    "ethernet": ("dev",),
    "vdpa": ("dev",),
    "internal": ("name",),
    "server": ("address", "port"),
    "client": ("address", "port"),
    "mcast": ("address", "port"),
    "udp": ("address", "port", "local_address", "local_port"),
    "vhostuser": ("type", "path", "mode", "reconnect"),
    "vds": ("switchid", "portid", "portgroupid", "connectionid"),
    "null": (),
}
_TYPED = frozenset(name for names in _SOURCE.values() for name in names)


class VlanTag(Element, tag="tag"):
    """A VLAN id."""

    id: Annotated[int, integer(0, 4095, base=0)] = must("@id")
    native_mode: Literal["tagged", "untagged"] | None = at("@nativeMode")


class Vlan(Element, tag="vlan"):
    """VLAN tags of the port."""

    trunk: YesNo | None = at("@trunk", omit=False)
    tags: list[VlanTag] = children()


class VirtualPort(Element, tag="virtualport"):
    """The switch port's profile."""

    type: Literal["802.1Qbg", "802.1Qbh", "openvswitch", "midonet"] | None = at("@type", bad=ConfigUnsupported)
    managerid: Byte | None = at("parameters/@managerid")
    typeid: Annotated[int, integer(0, 0xFFFFFF, base=0)] | None = at("parameters/@typeid")
    typeidversion: Byte | None = at("parameters/@typeidversion")
    instanceid: Uuid | None = at("parameters/@instanceid")
    interfaceid: Uuid | None = at("parameters/@interfaceid")
    profileid: str | None = at("parameters/@profileid")


class Inbound(Element, tag="inbound"):
    """Traffic into the guest, in KiB/s; burst in KiB."""

    average: UInt | None = at("@average")
    peak: UInt | None = at("@peak")
    floor: UInt | None = at("@floor")
    burst: UInt | None = at("@burst")


class Outbound(Element, tag="outbound"):
    """Traffic out of the guest, in KiB/s; burst in KiB."""

    average: UInt | None = at("@average")
    peak: UInt | None = at("@peak")
    burst: UInt | None = at("@burst")


class Bandwidth(Element, tag="bandwidth"):
    """Traffic shaping."""

    class_id: UInt | None = at("@classID", status=True)
    inbound: Inbound | None = child()
    outbound: Outbound | None = child()


class FilterParameter(Element, tag="parameter"):
    """A variable of a network filter."""

    name: str = must("@name")
    value: str = must("@value")


class FilterRef(Element, tag="filterref"):
    """The network filter of an interface; parameters print sorted by name."""

    filter: str = must("@filter")
    parameters: list[FilterParameter] = children()

    def parsed(self, flags: int) -> None:
        """Parameters are a mapping to lists: by name, then as written."""
        self.parameters.sort(key=lambda parameter: parameter.name)


class HostOffloads(Element, tag="host"):
    """What the host may offload."""

    csum: OnOff | None = at("@csum")
    gso: OnOff | None = at("@gso")
    tso4: OnOff | None = at("@tso4")
    tso6: OnOff | None = at("@tso6")
    ecn: OnOff | None = at("@ecn")
    ufo: OnOff | None = at("@ufo")
    mrg_rxbuf: OnOff | None = at("@mrg_rxbuf")


class GuestOffloads(Element, tag="guest"):
    """What the guest may offload."""

    csum: OnOff | None = at("@csum")
    tso4: OnOff | None = at("@tso4")
    tso6: OnOff | None = at("@tso6")
    ecn: OnOff | None = at("@ecn")
    ufo: OnOff | None = at("@ufo")


class InterfaceDriver(VirtioDriver):
    """How the card is emulated."""

    name: Literal["qemu", "vhost", "kvm", "vfio", "xen"] | None = at("@name")
    txmode: Literal["default", "iothread", "timer"] | None = at("@txmode", omit="default")
    ioeventfd: OnOff | None = at("@ioeventfd")
    event_idx: OnOff | None = at("@event_idx")
    queues: UInt | None = at("@queues", omit=0)
    rx_queue_size: UInt | None = at("@rx_queue_size", omit=0)
    tx_queue_size: UInt | None = at("@tx_queue_size", omit=0)
    rss: OnOff | None = at("@rss")
    rss_hash_report: OnOff | None = at("@rss_hash_report")
    host: HostOffloads | None = child(empty=False)
    guest: GuestOffloads | None = child(empty=False)


class PassthroughDriver(Element):
    """The driver of a host device that is handed to the guest: stands before <source>."""

    name: str | None = at("driver/@name")  # checked by InterfaceDriver, which reads it too


class PortRange(Element, tag="range"):
    """Ports to forward."""

    start: UInt | None = at("@start")
    end: UInt | None = at("@end")
    to: UInt | None = at("@to")
    exclude: YesNo | None = at("@exclude")


class PortForward(Element, tag="portForward"):
    """Host ports that lead into the guest."""

    proto: Literal["tcp", "udp"] = must("@proto")
    address: str | None = at("@address")
    dev: str | None = at("@dev")
    ranges: list[PortRange] = children()


_MODELS = {
    name.lower(): name
    for name in (
        "netfront", "rtl8139", "virtio", "e1000", "e1000e", "igb", "virtio-transitional", "virtio-non-transitional",
        "usb-net", "spapr-vlan", "lan9118", "scm91c111", "vlance", "vmxnet", "vmxnet2", "vmxnet3", "Am79C970A",
        "Am79C973", "82540EM", "82545EM", "82543GC",
    )
}  # fmt: skip
_GENERATED = ("vnet", "macvtap", "macvlan")


def _target_kept(name: str, flags: int) -> bool:
    """Names that a driver made up are the running guest's."""
    return not (flags & Dump.INACTIVE and name.startswith(_GENERATED))


class Interface(RomDevice, tag="interface"):
    """A network card of the guest."""

    type: InterfaceType = must("@type")
    managed: YesNo | None = at("@managed")
    trust_guest_rx_filters: YesNo | None = at("@trustGuestRxFilters")
    mac: Mac | None = at("mac/@address")
    mac_type: Literal["generated", "static"] | None = at("mac/@type")
    mac_check: YesNo | None = at("mac/@check")
    passthrough: PassthroughDriver | None = inline(PassthroughDriver, optional=True)  # of type hostdev
    source: InterfaceSource | None = child(empty=False)
    vlan: Vlan | None = child()
    virtualport: VirtualPort | None = child()
    bandwidth: Bandwidth | None = child(empty=False)
    isolated: YesNo | None = at("port/@isolated")
    ips: list[Ip] = children()
    routes: list[Route] = children()
    port_forwards: list[PortForward] = children()
    script: str | None = at("script/@path")
    downscript: str | None = at("downscript/@path")
    backenddomain: str | None = at("backenddomain/@name")
    target: str | None = at("target/@dev", keep=_target_kept)
    target_managed: YesNo | None = at("target/@managed")
    guest_dev: str | None = at("guest/@dev")
    guest_actual: str | None = at("guest/@actual", live=True)
    model: str | None = at("model/@type")
    driver: InterfaceDriver | None = child(empty=False)
    backend_type: Literal["default", "passt"] | None = at("backend/@type", omit="default")
    backend_tap: str | None = at("backend/@tap")
    backend_vhost: str | None = at("backend/@vhost")
    backend_log_file: str | None = at("backend/@logFile")
    filterref: FilterRef | None = child()
    sndbuf: UInt | None = at("tune/sndbuf")
    teaming: Literal["persistent", "transient"] | None = at("teaming/@type")
    teaming_persistent: str | None = at("teaming/@persistent")
    link: Literal["up", "down"] | None = at("link/@state")
    mtu: UInt | None = at("mtu/@size", omit=0)
    coalesce_frames: UInt | None = at("coalesce/rx/frames/@max", omit=0)

    def parsed(self, flags: int) -> None:
        """The two drivers exclude each other."""
        if self.type == "hostdev":
            self.driver = None
            self.managed = self.managed or None
        else:
            self.passthrough = self.managed = None
        if self.type not in ("network", "ethernet", "bridge"):
            self.filterref = None
        if self.source is not None:
            self._settle_source(self.source, flags)
        if self.model is not None:
            self.model = _MODELS.get(self.model.lower(), self.model)

    def _settle_source(self, source: InterfaceSource, flags: int) -> None:
        """Forget what does not belong to a source of this type. What a network made of it is live only."""
        mine = _SOURCE[self.type]
        if flags & Dump.INACTIVE and self.type != "vds":
            mine = tuple(name for name in mine if name != "portid" and (name != "network" or self.type == "network"))
        for name in _TYPED:
            if name not in mine and not (self.type == "network" and not flags & Dump.INACTIVE):
                setattr(source, name, None)
