"""`<iommu>`. Source: formatdomain.html, "IOMMU devices"."""

from __future__ import annotations

from typing import Literal

from pyvirtd.conf.domain.device import Device
from pyvirtd.conf.xml import Element, at, child, must
from pyvirtd.conf.xml.types import OnOff, UInt


class IommuDriver(Element, tag="driver"):
    """What the IOMMU does."""

    intremap: OnOff | None = at("@intremap")
    caching_mode: OnOff | None = at("@caching_mode")
    eim: OnOff | None = at("@eim")
    iotlb: OnOff | None = at("@iotlb")
    aw_bits: UInt | None = at("@aw_bits", omit=0)
    dma_translation: OnOff | None = at("@dma_translation")


class Iommu(Device, tag="iommu"):
    """An IOMMU of the guest."""

    model: Literal["intel", "smmuv3", "virtio", "amd"] = must("@model")
    driver: IommuDriver | None = child(empty=False)
