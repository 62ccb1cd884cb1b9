"""`<hostdev>`: devices of the host that are handed to the guest. `type` picks the class of `source`.

Source: formatdomain.html, "Host device assignment".
"""

from __future__ import annotations

from typing import Literal

from pyvirtd.conf.domain.address import PciBus, PciDomain, PciFunction, PciSlot
from pyvirtd.conf.domain.device import RomDevice
from pyvirtd.conf.domain.interface import Ip, Route
from pyvirtd.conf.domain.source import DEFAULT_PORTS, Host, StartupPolicy, StorageAuth
from pyvirtd.conf.xml import Element, at, child, children, flag, kind
from pyvirtd.conf.xml.types import AnyUInt, Hex4, OnOff, ULong, Uuid, YesNo

HostdevType = Literal["usb", "pci", "scsi", "scsi_host", "mdev", "storage", "misc", "net"]


class HostdevSource(Element, tag="source", family=True):
    """Which device of the host; its class follows from the hostdev's type."""


class PciSource(HostdevSource, variant="pci"):
    """By its PCI address."""

    write_filtering: YesNo | None = at("@writeFiltering")
    domain: PciDomain = at("address/@domain", 0)
    bus: PciBus = at("address/@bus", 0)
    slot: PciSlot = at("address/@slot", 0)
    function: PciFunction = at("address/@function", 0)


class UsbSource(HostdevSource, variant="usb"):
    """By vendor and product, by bus and device number, or both."""

    startup_policy: StartupPolicy | None = at("@startupPolicy")
    guest_reset: Literal["off", "uninitialized", "on"] | None = at("@guestReset")
    missing: YesNo | None = at("@missing", live=True)
    vendor: Hex4 | None = at("vendor/@id")
    product: Hex4 | None = at("product/@id")
    bus: AnyUInt | None = at("address/@bus")
    device: AnyUInt | None = at("address/@device")
    port: str | None = at("address/@port")


class ScsiSource(HostdevSource, variant="scsi"):
    """A logical unit: of a host adapter (`adapter` and bus, target, unit), or behind iSCSI (`name` and the rest)."""

    protocol: Literal["adapter", "iscsi"] | None = at("@protocol", omit="adapter")
    name: str | None = at("@name")
    hosts: list[Host] = children()
    auth: StorageAuth | None = child()
    initiator: str | None = at("initiator/iqn/@name")
    adapter: str | None = at("adapter/@name")
    bus: AnyUInt | None = at("address/@bus")
    target: AnyUInt | None = at("address/@target")
    unit: ULong | None = at("address/@unit")

    def parsed(self, flags: int) -> None:
        """An iSCSI target without logical unit means unit 0; its servers listen on port 3260."""
        if self.protocol == "iscsi":
            if self.name is not None and "/" not in self.name:
                self.name += "/0"
            for host in self.hosts:
                host.port = host.port or DEFAULT_PORTS["iscsi"]


class ScsiHostSource(HostdevSource, variant="scsi_host"):
    """A vhost SCSI target of the host."""

    protocol: Literal["vhost", "none"] | None = at("@protocol")
    wwpn: str | None = at("@wwpn")


class MdevSource(HostdevSource, variant="mdev"):
    """A mediated device."""

    uuid: Uuid | None = at("address/@uuid")


class StorageCapsSource(HostdevSource, variant="storage"):
    """A block device for a container."""

    block: str | None = at("block")


class MiscCapsSource(HostdevSource, variant="misc"):
    """A character device for a container."""

    char: str | None = at("char")


class NetCapsSource(HostdevSource, variant="net"):
    """A network interface for a container."""

    interface: str | None = at("interface")


class Hostdev(RomDevice, tag="hostdev"):
    """A device of the host."""

    mode: Literal["subsystem", "capabilities"] = at("@mode", "subsystem")
    type: HostdevType = kind("@type", of="source", required=True)
    managed: YesNo | None = at("@managed")
    sgio: Literal["default", "filtered", "unfiltered"] | None = at("@sgio")
    rawio: YesNo | None = at("@rawio")
    model: Literal[
        "vfio-pci", "vfio-ccw", "vfio-ap", "virtio", "virtio-transitional", "virtio-non-transitional"
    ] | None = at("@model")  # fmt: skip
    display: OnOff | None = at("@display")
    ramfb: OnOff | None = at("@ramfb")
    driver: Literal["kvm", "vfio", "xen"] | None = at("driver/@name")
    driver_model: str | None = at("driver/@model")
    source: HostdevSource = child(HostdevSource)
    ips: list[Ip] = children()
    routes: list[Route] = children()
    teaming: Literal["persistent", "transient"] | None = at("teaming/@type")
    teaming_persistent: str | None = at("teaming/@persistent")
    readonly: bool = flag("readonly")
    shareable: bool = flag("shareable")

    def parsed(self, flags: int) -> None:
        """Unless told, the driver of the device on the host is left alone."""
        if self.mode == "subsystem" and self.managed is None:
            self.managed = False
