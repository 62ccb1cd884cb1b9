"""Block devices of the host. Sizes in bytes."""

from __future__ import annotations

from typing import Literal

from pyvirtd.conf.nodedev.capability import Capability
from pyvirtd.conf.xml import Element, at, children, kind
from pyvirtd.conf.xml.types import UInt, ULong
from pyvirtd.errors import ErrorDomain


class StorageFeature(Element, tag="capability", family=True):
    """Something that not every block device can."""

    ERRORS = ErrorDomain.NODEDEV
    type: str = kind("@type", required=True)


class Hotpluggable(StorageFeature, variant="hotpluggable"):
    """It can be taken out."""


class Removable(StorageFeature, variant="removable"):
    """Its medium can be changed; and the medium that is in it."""

    media_available: Literal["0", "1"] | None = at("media_available")
    media_size: ULong | None = at("media_size")
    media_label: str | None = at("media_label")
    logical_block_size: ULong | None = at("logical_block_size", omit=0)
    blocks: ULong | None = at("num_blocks", omit=0)


class Zoned(StorageFeature, variant="zoned"):
    """It is written in zones."""


class StorageCapability(Capability, variant="storage"):
    """A block device. Its size is the medium's where that can be changed."""

    block: str | None = at("block")
    bus: str | None = at("bus")
    drive_type: str | None = at("drive_type")
    model: str | None = at("model")
    vendor: str | None = at("vendor")
    serial: str | None = at("serial")
    features: list[StorageFeature] = children(StorageFeature)
    size: ULong | None = at("size")
    logical_block_size: UInt | None = at("logical_block_size", omit=0)
    blocks: ULong | None = at("num_blocks", omit=0)
