"""`<controller>`: buses that devices are on. Source: formatdomain.html, "Controllers"."""

from __future__ import annotations

from typing import Annotated, Literal

from pyvirtd.conf.domain.device import MASTER, Device
from pyvirtd.conf.domain.virtio import VirtioDriver
from pyvirtd.conf.xml import Element, at, child, must, size
from pyvirtd.conf.xml.types import OnOff, UInt, integer
from pyvirtd.errors import InternalError

ControllerType = Literal["ide", "fdc", "scsi", "sata", "virtio-serial", "ccid", "usb", "pci", "xenbus", "isa", "nvme"]
PciModel = Literal[
    "pci-root", "pcie-root", "pci-bridge", "dmi-to-pci-bridge", "pcie-to-pci-bridge", "pcie-root-port",
    "pcie-switch-upstream-port", "pcie-switch-downstream-port", "pci-expander-bus", "pcie-expander-bus",
]  # fmt: skip
PCI_MODELS: frozenset[str] = frozenset(PciModel.__args__)  # type: ignore[attr-defined]
MODELS: dict[str, frozenset[str]] = {
    "scsi": frozenset((
        "auto", "buslogic", "lsilogic", "lsisas1068", "vmpvscsi", "ibmvscsi", "virtio-scsi", "lsisas1078",
        "virtio-transitional", "virtio-non-transitional", "ncr53c90", "dc390", "am53c974", "virtio",
    )),
    "usb": frozenset((
        "piix3-uhci", "piix4-uhci", "ehci", "ich9-ehci1", "ich9-uhci1", "ich9-uhci2", "ich9-uhci3",
        "vt82c686b-uhci", "pci-ohci", "nec-xhci", "qusb1", "qusb2", "qemu-xhci", "none",
    )),
    "pci": PCI_MODELS,
    "ide": frozenset(("piix3", "piix4", "ich6")),
    "virtio-serial": frozenset(("virtio", "virtio-transitional", "virtio-non-transitional")),
    "isa": frozenset(),
}  # fmt: skip
# The first port of the EHCI controller that each companion takes over.
_STARTPORT = {"ich9-uhci1": 0, "ich9-uhci2": 2, "ich9-uhci3": 4}
Port = Annotated[int, integer(0, 0xFF, base=0, show="0xx")]
Small = Annotated[int, integer(0, 0xFF, base=0)]


class ControllerDriver(VirtioDriver):
    """Tuning of a controller."""

    queues: UInt | None = at("@queues", omit=0)
    cmd_per_lun: UInt | None = at("@cmd_per_lun", omit=0)
    max_sectors: UInt | None = at("@max_sectors", omit=0)
    ioeventfd: OnOff | None = at("@ioeventfd")
    iothread: UInt | None = at("@iothread", omit=0)


class PciTarget(Element, tag="target"):
    """How a PCI controller shows itself to the guest."""

    chassis_nr: Small | None = at("@chassisNr")
    chassis: Small | None = at("@chassis")
    port: Port | None = at("@port")
    bus_nr: Small | None = at("@busNr")
    index: Small | None = at("@index")
    hotplug: OnOff | None = at("@hotplug")
    memory_reserve: int | None = size("@memReserve", unit="KiB", plain=True)
    node: int | None = at("node")


class Controller(Device, tag="controller"):
    """A bus controller; `index` None until post-parse numbers it. Which `model` fits depends on `type`."""

    type: ControllerType = must("@type")
    index: UInt | None = at("@index")
    model: str | None = at("@model")
    ports: UInt | None = at("@ports")
    vectors: UInt | None = at("@vectors")
    max_grant_frames: UInt | None = at("@maxGrantFrames")
    max_event_channels: UInt | None = at("@maxEventChannels")
    serial: str | None = at("serial")
    pci_model: str | None = at("model/@name")
    target: PciTarget | None = child(empty=False)
    driver: ControllerDriver | None = child(empty=False)
    pcihole64: int | None = size("pcihole64")
    master_startport: UInt | None = at("master/@startport", tail=MASTER)

    def parsed(self, flags: int) -> None:
        """A model that this type does not have is refused here: the pair is one enum in libvirt."""
        if self.model is not None and self.type in MODELS and self.model not in MODELS[self.type]:
            right = ", ".join(sorted(MODELS[self.type])) or "none"
            raise InternalError(
                f"line {self.line}: controller model {self.model!r} is unknown for type {self.type!r}; known: {right}"
            )
        if self.type == "usb" and self.master_startport is None:
            self.master_startport = _STARTPORT.get(self.model or "")
