"""`<forward>`: how a virtual network reaches the world."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pyvirtd.conf.domain.address import PciBus, PciDomain, PciFunction, PciSlot
from pyvirtd.conf.inet import IpAddress
from pyvirtd.conf.xml import Dump, Element, at, child, children, must
from pyvirtd.conf.xml.fields import told
from pyvirtd.conf.xml.types import Codec, UInt, YesNo, integer
from pyvirtd.errors import ConfigUnsupported, ErrorDomain, XMLDetail

ForwardMode = Literal["none", "nat", "route", "open", "bridge", "private", "vepa", "passthrough", "hostdev"]
# Only "yes" is yes; libvirt never refused anything else.
Lenient = Annotated[bool, Codec(lambda text: text == "yes", lambda on: "yes" if on else "no", words=("no", "yes"))]
PortNumber = Annotated[int, integer(0, 65535)]


class ForwardInterface(Element, tag="interface"):
    """A host interface that guests' traffic goes through; `connections` counts the guests on it."""

    ERRORS = ErrorDomain.NETWORK
    dev: str = must("@dev")
    connections: UInt | None = at("@connections", live=True, keep=told)


class ForwardAddress(Element, tag="address"):
    """A host PCI device that is handed to a guest."""

    ERRORS = ErrorDomain.NETWORK
    type: Literal["pci"] = must("@type", bad=ConfigUnsupported)
    domain: PciDomain = at("@domain", 0)
    bus: PciBus = at("@bus", 0)
    slot: PciSlot = at("@slot", 0)
    function: PciFunction = at("@function", 0)
    connections: UInt | None = at("@connections", live=True, keep=told)

    def __str__(self) -> str:
        return f"{self.domain:04x}:{self.bus:02x}:{self.slot:02x}.{self.function:x}"


class PhysicalFunction(Element, tag="pf"):
    """The SR-IOV card whose virtual functions are the pool."""

    ERRORS = ErrorDomain.NETWORK
    dev: str = must("@dev")
    connections: UInt | None = at("@connections", live=True, keep=told)


class Nat(Element, tag="nat"):
    """Which addresses and ports translated traffic goes out from."""

    ERRORS = ErrorDomain.NETWORK
    ipv6: YesNo | None = at("@ipv6", keep=told)
    address_start: IpAddress | None = at("address/@start")
    address_end: IpAddress | None = at("address/@end")
    port_start: PortNumber | None = at("port/@start", bad=XMLDetail)
    port_end: PortNumber | None = at("port/@end", bad=XMLDetail)


def _listed(forward: Any, flags: int) -> bool:
    """Interfaces that were found behind a physical function are the running network's."""
    return not (forward.functions and flags & Dump.INACTIVE)


class Forward(Element, tag="forward"):
    """The mode and the devices. The dev attribute is the first interface by another name."""

    ERRORS = ErrorDomain.NETWORK
    dev: str | None = at("@dev", when=lambda forward, _: not forward.functions)
    mode: ForwardMode = at("@mode", "nat", bad=ConfigUnsupported)
    managed: Lenient | None = at("@managed")
    driver: Literal["kvm", "vfio", "xen"] | None = at("driver/@name", bad=ConfigUnsupported)
    nat: Nat | None = child(empty=False)
    functions: list[PhysicalFunction] = children()
    interfaces: list[ForwardInterface] = children(when=_listed)
    addresses: list[ForwardAddress] = children(when=_listed)

    def parsed(self, flags: int) -> None:
        """The two ways of naming an interface become one; two that differ are kept for validation to refuse."""
        if self.dev is not None and not self.interfaces and not self.functions:
            self.interfaces.append(ForwardInterface(dev=self.dev))
        elif self.dev is None and self.interfaces:
            self.dev = self.interfaces[0].dev

    def printed(self, flags: int) -> bool:
        """An isolated network says so by having none."""
        return self.mode != "none"
