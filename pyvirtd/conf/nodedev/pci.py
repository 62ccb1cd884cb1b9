"""PCI devices of the host. Source: formatnode.html."""

from __future__ import annotations

from typing import Annotated, Literal

from pyvirtd.conf.domain.address import PciBus, PciDomain, PciFunction, PciSlot
from pyvirtd.conf.nodedev.capability import Capability, MdevType
from pyvirtd.conf.xml import Element, at, child, children, kind, text
from pyvirtd.conf.xml.types import Int, UInt, integer
from pyvirtd.errors import ErrorDomain

PciClass = Annotated[int, integer(0, 0xFFFFFF, base=0, show="0x06x")]
PciId = Annotated[int, integer(0, 0xFFFF, base=0, show="0x04x")]


class NodeAddress(Element, tag="address"):
    """Where a function is."""

    domain: PciDomain = at("@domain", 0)
    bus: PciBus = at("@bus", 0)
    slot: PciSlot = at("@slot", 0)
    function: PciFunction = at("@function", 0)


class PciFeature(Element, tag="capability", family=True):
    """Something that not every PCI device can."""

    ERRORS = ErrorDomain.NODEDEV
    type: str = kind("@type", required=True)


class PhysicalFunction(PciFeature, variant="phys_function"):
    """It is a virtual function of this one."""

    address: NodeAddress | None = child()


class VirtualFunctions(PciFeature, variant="virt_functions"):
    """It has, or can have, virtual functions."""

    max_count: UInt | None = at("@maxCount", omit=0)
    addresses: list[NodeAddress] = children()


class PciBridge(PciFeature, variant="pci-bridge"):
    """It is a bridge."""


class CardBusBridge(PciFeature, variant="cardbus-bridge"):
    """It is a CardBus bridge."""


class PciMdevTypes(PciFeature, variant="mdev_types"):
    """It can be divided into mediated devices."""

    types: list[MdevType] = children()


class VpdField(Element, tag="vendor_field"):
    """A field of the vendor's own."""

    index: str | None = at("@index")
    value: str | None = text()


class VpdSystemField(Element, tag="system_field"):
    """A field of the system's own."""

    index: str | None = at("@index")
    value: str | None = text()


class VpdFields(Element, tag="fields"):
    """Vital product data that may only be read, or also written."""

    access: Literal["readonly", "readwrite"] | None = at("@access")
    change_level: str | None = at("change_level")
    manufacture_id: str | None = at("manufacture_id")
    part_number: str | None = at("part_number")
    serial_number: str | None = at("serial_number")
    asset_tag: str | None = at("asset_tag")
    vendor_fields: list[VpdField] = children()
    system_fields: list[VpdSystemField] = children()


class Vpd(PciFeature, variant="vpd"):
    """Vital product data."""

    name: str | None = at("name")
    fields: list[VpdFields] = children()


class IommuGroup(Element, tag="iommuGroup"):
    """What can only be handed over together."""

    number: UInt | None = at("@number")
    addresses: list[NodeAddress] = children()


class PcieLink(Element, tag="link"):
    """A link of PCI Express: what it can, or what it has. Speed in GT/s."""

    validity: Literal["cap", "sta"] | None = at("@validity")
    port: Int | None = at("@port")
    speed: Literal["2.5", "5", "8", "16", "32", "64"] | None = at("@speed")
    width: UInt | None = at("@width")


class PciExpress(Element, tag="pci-express"):
    """Its links."""

    links: list[PcieLink] = children()


_ORDER = ("phys_function", "virt_functions", "pci-bridge", "cardbus-bridge", "mdev_types", "vpd")


class PciCapability(Capability, variant="pci"):
    """A function of a PCI device. Without class it isn't printed."""

    pci_class: PciClass | None = at("class")
    domain: UInt | None = at("domain")
    bus: UInt | None = at("bus")
    slot: UInt | None = at("slot")
    function: UInt | None = at("function")
    product_id: PciId | None = at("product/@id")
    product: str | None = at("product")
    vendor_id: PciId | None = at("vendor/@id")
    vendor: str | None = at("vendor")
    features: list[PciFeature] = children(PciFeature)
    iommu_group: IommuGroup | None = child()
    numa_node: Int | None = at("numa/@node")
    express: PciExpress | None = child()

    def parsed(self, flags: int) -> None:
        """Features are in libvirt's order, whatever the document's."""
        self.features.sort(key=lambda feature: _ORDER.index(feature.type))
