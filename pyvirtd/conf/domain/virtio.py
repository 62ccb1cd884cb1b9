"""The `<driver>` options that every virtio device takes."""

from __future__ import annotations

from typing import Literal

from pyvirtd.conf.xml import Element, at
from pyvirtd.conf.xml.types import OnOff

VirtioModel = Literal["virtio", "virtio-transitional", "virtio-non-transitional"]
_VIRTIO = 1  # rank of the virtio options among the attributes of <driver>
AFTER_VIRTIO = 2


class VirtioDriver(Element, tag="driver"):
    """`<driver iommu='on' .../>`; devices with more to say there subclass it."""

    iommu: OnOff | None = at("@iommu", tail=_VIRTIO)
    ats: OnOff | None = at("@ats", tail=_VIRTIO)
    packed: OnOff | None = at("@packed", tail=_VIRTIO)
    page_per_vq: OnOff | None = at("@page_per_vq", tail=_VIRTIO)
