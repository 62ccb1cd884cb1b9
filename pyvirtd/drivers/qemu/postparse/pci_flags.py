"""What each device needs of the PCI bus it is plugged into (see `pci.Connect`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyvirtd.drivers.qemu.postparse.machine import has_pcie_root
from pyvirtd.drivers.qemu.postparse.pci import CONTROLLER_CONNECT, Connect

if TYPE_CHECKING:
    from pyvirtd.conf.domain.controller import Controller
    from pyvirtd.conf.domain.disk import Disk
    from pyvirtd.conf.domain.domain import DomainDef
    from pyvirtd.conf.domain.hostdev import Hostdev
    from pyvirtd.conf.domain.interface import Interface
    from pyvirtd.conf.domain.sound import Sound
    from pyvirtd.conf.domain.video import Video

PCI = Connect.PCI_DEVICE | Connect.HOTPLUG
PCIE = Connect.PCIE_DEVICE | Connect.HOTPLUG
NONE = Connect.NONE

_PCIE_NICS = {"e1000e", "igb", "vmxnet3"}
_PCIE_USB = {"nec-xhci", "qemu-xhci"}
_VIRTIO_SCSI = {"virtio-scsi", "virtio-transitional", "virtio-non-transitional"}


class PciNeeds:
    """The needs of the devices of one guest: PCI Express devices fall back to PCI where the board has no PCIe."""

    def __init__(self, definition: DomainDef) -> None:
        self.pcie = PCIE if has_pcie_root(definition) else PCI
        self.virtio = self.pcie

    def virtio_model(self, model: str | None) -> int:
        """Transitional virtio devices have I/O ports and want a conventional bus."""
        return PCI if model == "virtio-transitional" else self.virtio

    def controller(self, controller: Controller) -> int:
        kind, model = controller.type, controller.model
        if kind == "pci":
            return CONTROLLER_CONNECT.get(model or "", NONE)
        if kind == "usb":
            if model in (None, "none", "qusb1", "qusb2"):
                return NONE
            return self.pcie & ~Connect.HOTPLUG if model in _PCIE_USB else PCI
        if kind in ("ide", "sata"):
            return PCI
        if kind == "scsi":
            if model in _VIRTIO_SCSI:
                return self.virtio_model(model)
            if model in ("lsisas1068", "lsisas1078", "vmpvscsi"):
                return self.pcie if model != "lsisas1078" else PCI
            return NONE if model == "ibmvscsi" else PCI
        if kind == "virtio-serial":
            return self.virtio_model(model)
        return NONE

    def disk(self, disk: Disk) -> int:
        return self.virtio_model(disk.model) if disk.bus == "virtio" else NONE

    def interface(self, interface: Interface) -> int:
        if interface.type == "hostdev":
            return self.pcie
        model = interface.model or ""
        if model == "usb-net":
            return NONE
        if model in ("virtio", "virtio-transitional", "virtio-non-transitional"):
            return self.virtio_model(model)
        return self.pcie if model in _PCIE_NICS else PCI

    def sound(self, sound: Sound) -> int:
        if sound.model in ("ich6", "ich9", "ac97", "es1370"):
            return PCI
        return self.virtio if sound.model == "virtio" else NONE

    def video(self, video: Video) -> int:
        if video.model in (None, "none", "ramfb"):
            return NONE
        return self.virtio if video.model in ("virtio", "bochs") else PCI

    def hostdev(self, hostdev: Hostdev) -> int:
        if hostdev.mode != "subsystem":
            return NONE
        if hostdev.type == "pci":
            return self.pcie
        if hostdev.type == "scsi_host":
            return self.virtio_model(hostdev.model)
        if hostdev.type == "mdev":
            return self.pcie if hostdev.model == "vfio-pci" else NONE
        return NONE
