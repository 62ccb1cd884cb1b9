"""<device>: a device of the host. Source: formatnode.html."""

from __future__ import annotations

from typing import Literal

from pyvirtd.conf.nodedev import channel, others, pci, scsi, storage, usb
from pyvirtd.conf.nodedev.capability import Capability
from pyvirtd.conf.nodedev.others import MdevCapability
from pyvirtd.conf.nodedev.scsi import FcHost, ScsiHostCapability
from pyvirtd.conf.xml import Dump, Element, at, children, format, parse, text
from pyvirtd.errors import ErrorDomain, XMLError

KINDS = (channel, others, pci, scsi, storage, usb)  # each makes capabilities known


class DevNode(Element, tag="devnode"):
    """A path of the device under /dev."""

    type: Literal["dev", "link"] | None = at("@type")
    path: str | None = text()


class NodeDeviceDef(Element, tag="device"):
    """A device. `path`: below /sys."""

    ERRORS = ErrorDomain.NODEDEV
    name: str = at("name", "new device")
    path: str | None = at("path")
    devnodes: list[DevNode] = children()
    parent: str | None = at("parent")
    parent_wwnn: str | None = at("parent/@wwnn")
    parent_wwpn: str | None = at("parent/@wwpn")
    parent_fabric_wwn: str | None = at("parent/@fabric_wwn")
    driver: str | None = at("driver/name")
    capabilities: list[Capability] = children(Capability)


def parse_node_device(xml: str | bytes, *, validate: bool = False) -> NodeDeviceDef:
    """A <device> document as it stands. validate: hold it against the schema first (XMLInvalidSchema)."""
    if validate:
        from pyvirtd.conf.schema import check_schema  # compiling it is slow

        check_schema(NodeDeviceDef, xml, what="node device XML")
    return parse(NodeDeviceDef, xml, Dump.INACTIVE, what="node device XML")


def complete_node_device(device: NodeDeviceDef) -> None:
    """A mediated device without IOMMU group is told to be in 0, as libvirt does."""
    for each in device.capabilities:
        if isinstance(each, MdevCapability) and each.iommu_group is None:
            each.iommu_group = 0


def check_node_device(device: NodeDeviceDef) -> None:
    """A device is something."""
    if not device.capabilities:
        raise XMLError(f"line {device.line}: device {device.name!r} needs a <capability>", domain=ErrorDomain.XML)


def check_created(device: NodeDeviceDef) -> None:
    """One that is to be made: only virtual SCSI hosts and mediated devices can, and these need a parent."""
    for each in device.capabilities:
        if isinstance(each, ScsiHostCapability):
            ports = [feature for feature in each.features if isinstance(feature, FcHost)]
            if not ports or ports[0].wwnn is None or ports[0].wwpn is None:
                raise XMLError(
                    f"line {each.line}: a virtual SCSI host needs a capability fc_host with wwnn and wwpn",
                    domain=ErrorDomain.XML,
                )
    if device.parent is None and not (device.parent_wwnn and device.parent_wwpn) and device.parent_fabric_wwn is None:
        raise XMLError(f"line {device.line}: a device that is to be made needs a <parent>", domain=ErrorDomain.XML)


def format_node_device(device: NodeDeviceDef) -> str:
    """The document as libvirt prints it."""
    return format(device)
