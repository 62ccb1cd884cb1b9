"""The host itself, its network interfaces, and devices of a single property."""

from __future__ import annotations

from typing import Literal

from pyvirtd.conf.nodedev.capability import Capability
from pyvirtd.conf.xml import Element, at, children, must, texts
from pyvirtd.conf.xml.types import UInt, Uuid
from pyvirtd.errors import ErrorDomain


class SystemCapability(Capability, variant="system"):
    """The machine and its firmware."""

    product: str | None = at("product")
    hardware_vendor: str | None = at("hardware/vendor")
    hardware_version: str | None = at("hardware/version")
    hardware_serial: str | None = at("hardware/serial")
    hardware_uuid: Uuid | None = at("hardware/uuid")
    firmware_vendor: str | None = at("firmware/vendor")
    firmware_version: str | None = at("firmware/version")
    firmware_date: str | None = at("firmware/release_date")


class NetCapability(Capability, variant="net"):
    """A network interface. Link speed in Mbit/s."""

    interface: str = must("interface")
    address: str | None = at("address")
    link_speed: UInt | None = at("link/@speed", omit=0)
    link_state: str | None = at("link/@state")
    features: list[str] = texts("feature/@name")
    subtype: Literal["80203", "80211"] | None = at("capability/@type")


class DrmCapability(Capability, variant="drm"):
    """A graphics device node."""

    drm_type: Literal["primary", "control", "render"] | None = at("type")


class VdpaCapability(Capability, variant="vdpa"):
    """A virtio data path in hardware."""

    chardev: str | None = at("chardev")


class MdevAttribute(Element, tag="attr"):
    """A setting of a mediated device."""

    ERRORS = ErrorDomain.NODEDEV
    name: str = must("@name")
    value: str = must("@value")


class MdevCapability(Capability, variant="mdev"):
    """A mediated device."""

    mdev_type: str = must("type/@id")
    uuid: Uuid | None = at("uuid")
    parent_address: str | None = at("parent_addr")
    iommu_group: UInt | None = at("iommuGroup/@number")
    attributes: list[MdevAttribute] = children()
