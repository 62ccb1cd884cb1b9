"""What virtio devices have in common: the name of the device on its bus, and the options of <driver>."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from pyvirtd.conf.domain.address import Address, CcwAddress, MmioAddress
from pyvirtd.drivers.qemu.command.words import Props
from pyvirtd.errors import ConfigUnsupported

if TYPE_CHECKING:
    from pyvirtd.conf.domain.virtio import VirtioDriver

_MODELS = {
    "virtio-transitional": "-transitional",
    "virtio-non-transitional": "-non-transitional",
}


class Placed(Protocol):
    @property
    def address(self) -> Address | None: ...


def virtio_driver(device: Placed, base: str, model: str | None = None) -> str:
    """virtio-net -> virtio-net-pci, virtio-net-pci-transitional, virtio-net-ccw, virtio-net-device."""
    suffix = _MODELS.get(model or "", "")
    if isinstance(device.address, CcwAddress):
        bus = "ccw"
    elif isinstance(device.address, MmioAddress):
        bus = "device"
    else:
        bus = "pci"
    if suffix and bus != "pci":
        raise ConfigUnsupported(f"{base}: the model '{model}' exists on PCI only")
    return f"{base}-{bus}{suffix}"


def virtio_props(driver: VirtioDriver | None, props: Props) -> None:
    """iommu, ats, packed and page-per-vq, where the definition sets them."""
    if driver is None:
        return
    if driver.iommu is not None:
        props["iommu_platform"] = driver.iommu
    if driver.ats is not None:
        props["ats"] = driver.ats
    if driver.packed is not None:
        props["packed"] = driver.packed
    if driver.page_per_vq is not None:
        props["page-per-vq"] = driver.page_per_vq
