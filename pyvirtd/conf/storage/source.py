"""`<source>` of a pool: where its storage comes from. Which of it counts follows from the pool's type."""

from __future__ import annotations

from typing import Literal

from pyvirtd.conf.domain.address import PciBus, PciDomain, PciFunction, PciSlot
from pyvirtd.conf.storage.values import clean_path
from pyvirtd.conf.xml import Element, at, child, children, must
from pyvirtd.conf.xml.types import AnyUInt, UInt, ULong, Uuid, YesNo
from pyvirtd.errors import ErrorDomain


class PoolHost(Element, tag="host"):
    """A server."""

    ERRORS = ErrorDomain.STORAGE
    name: str = must("@name")
    port: UInt | None = at("@port", omit=0)


class FreeExtent(Element, tag="freeExtent"):
    """Room on a disk, in bytes. Told by the driver, not asked of clients."""

    start: ULong = must("@start")
    end: ULong = must("@end")


class SourceDevice(Element, tag="device"):
    """A disk, partition, physical volume or iSCSI target."""

    ERRORS = ErrorDomain.STORAGE
    path: str = must("@path")
    part_separator: YesNo | None = at("@part_separator")
    free: list[FreeExtent] = children(live=True)


class ParentAddress(Element, tag="address"):
    """Where the parent of an adapter is plugged in."""

    domain: PciDomain = at("@domain", 0)
    bus: PciBus = at("@bus", 0)
    slot: PciSlot = at("@slot", 0)
    function: PciFunction = at("@function", 0)


class Adapter(Element, tag="adapter"):
    """A SCSI host: by name, by its parent's place, or a virtual one by world-wide names."""

    ERRORS = ErrorDomain.STORAGE
    type: Literal["scsi_host", "fc_host"] | None = at("@type")
    name: str | None = at("@name")
    parent: str | None = at("@parent")
    parent_wwnn: str | None = at("@parent_wwnn")
    parent_wwpn: str | None = at("@parent_wwpn")
    parent_fabric_wwn: str | None = at("@parent_fabric_wwn")
    managed: YesNo | None = at("@managed")
    wwnn: str | None = at("@wwnn")
    wwpn: str | None = at("@wwpn")
    unique_id: AnyUInt | None = at("parentaddr/@unique_id")
    parent_address: ParentAddress | None = child(under="parentaddr")


class PoolAuth(Element, tag="auth"):
    """Who to log in as, and the secret to do it with."""

    ERRORS = ErrorDomain.STORAGE
    type: Literal["chap", "ceph"] = must("@type")
    username: str = must("@username")
    secret_type: str | None = at("secret/@type")
    secret_uuid: Uuid | None = at("secret/@uuid")
    secret_usage: str | None = at("secret/@usage")


class PoolSource(Element, tag="source"):
    """Everything that a source of some type can have."""

    ERRORS = ErrorDomain.STORAGE
    hosts: list[PoolHost] = children()
    devices: list[SourceDevice] = children()
    dir: str | None = at("dir/@path")
    adapter: Adapter | None = child()
    name: str | None = at("name")
    initiator: str | None = at("initiator/iqn/@name")
    format: str | None = at("format/@type")
    auth: PoolAuth | None = child()
    protocol_version: UInt | None = at("protocol/@ver", omit=0)
    vendor: str | None = at("vendor/@name")
    product: str | None = at("product/@name")

    def parsed(self, flags: int) -> None:
        """Paths lose their spare slashes."""
        if self.dir is not None and self.dir.startswith("/"):
            self.dir = clean_path(self.dir)

    def hollow(self, flags: int) -> bool:
        """Always with its closing tag."""
        return True
