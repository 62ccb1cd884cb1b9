"""Whether QEMU could have a device at all, judged on its own before it joins a definition."""

from __future__ import annotations

from typing import Any, Final

from pyvirtd.conf.domain.address import CcwAddress, IsaAddress, PciAddress, SpaprVioAddress, UsbAddress
from pyvirtd.conf.domain.audio import Audio
from pyvirtd.conf.domain.chardev import Backend, Serial
from pyvirtd.conf.domain.controller import Controller
from pyvirtd.conf.domain.domain import DomainDef
from pyvirtd.conf.domain.graphics import Spice
from pyvirtd.conf.domain.hostdev import Hostdev
from pyvirtd.conf.domain.iommu import Iommu
from pyvirtd.conf.domain.memory_device import MemoryDevice
from pyvirtd.conf.domain.rng import Rng
from pyvirtd.conf.domain.validate import validate as validate_common
from pyvirtd.conf.domain.video import Video
from pyvirtd.conf.xml import Element
from pyvirtd.drivers.qemu.capabilities import QemuCapabilities
from pyvirtd.drivers.qemu.hotplug.device import alone
from pyvirtd.drivers.qemu.postparse.machine import is_q35, is_s390, is_x86
from pyvirtd.drivers.qemu.validate import validate
from pyvirtd.drivers.qemu.validate.host import HostFacts
from pyvirtd.errors import ConfigUnsupported, InternalError, XMLDetail, XMLError

# Options of PCI controllers that have no default before the whole definition is looked at again.
_PCI_OPTIONS: Final = {
    "pci-bridge": ("chassis_nr",), "pcie-root-port": ("chassis", "port"),
    "pcie-switch-downstream-port": ("chassis", "port"), "pci-expander-bus": ("bus_nr",),
    "pcie-expander-bus": ("bus_nr",),
}  # fmt: skip
_ROOTS: Final = ("pci-root", "pcie-root")
_SERIAL_PLACES: Final[dict[str, type[Element]]] = {
    "isa-serial": IsaAddress, "isa-debug": IsaAddress, "usb-serial": UsbAddress, "pci-serial": PciAddress,
    "spapr-vio-serial": SpaprVioAddress,
}  # fmt: skip
_X86_SERIAL: Final = ("isa-serial", "isa-debug", "usb-serial", "pci-serial")
_SPICE_BACKENDS: Final = ("spicevmc", "spiceport")
_SECONDARY_VIDEO: Final = ("qxl", "virtio", "none")


def judge_device(
    definition: DomainDef, device: Element, caps: QemuCapabilities, host: HostFacts | None = None
) -> None:
    """Refuse a device that this QEMU cannot have, whatever else there is. Raises what `validate` raises."""
    _judge_place(definition, device)
    _judge_backend(definition, device)
    match device:
        case Controller():
            _judge_controller(device)
        case Serial():
            _judge_serial(definition, device)
        case Video():
            if not device.primary and device.model not in _SECONDARY_VIDEO:
                raise ConfigUnsupported(f"video: a {device.model} can only be a guest's first graphics card")
        case Audio():
            if any(other.id == device.id for other in definition.devices.audios):
                raise XMLError(f"audio: there is a backend with the id {device.id} already")
        case Iommu(model="intel") if not is_q35(definition):
            raise ConfigUnsupported("iommu: the Intel one needs a q35 board")
        case Hostdev():
            _judge_hostdev(definition, device, caps)
        case MemoryDevice():
            cells = definition.cpu.cells if definition.cpu is not None else []
            if device.target.node is not None and device.target.node >= len(cells):
                raise XMLDetail(f"memory: the guest has no NUMA node {device.target.node}")
        case _:
            pass
    if isinstance(device, Controller) and (device.model or "").startswith("ich9-"):
        return  # its master and its companions come with calls of their own
    by_itself = alone(definition, device)
    validate_common(by_itself)
    validate(by_itself, caps, host)


def _judge_place(definition: DomainDef, device: Any) -> None:
    if isinstance(getattr(device, "address", None), CcwAddress) and not is_s390(definition):
        raise ConfigUnsupported(f"{device.TAG}: a '{definition.os.machine}' has no channels for ccw addresses")


def _judge_backend(definition: DomainDef, device: Any) -> None:
    backend: Backend | None = device.backend.chardev if isinstance(device, Rng) else getattr(device, "backend", None)
    if isinstance(backend, Backend) and backend.type in _SPICE_BACKENDS:
        if not any(isinstance(graphics, Spice) for graphics in definition.devices.graphics):
            raise ConfigUnsupported(f"{device.TAG}: a {backend.type} needs a spice display")


def _judge_controller(device: Controller) -> None:
    if device.type != "pci" or device.model is None:
        return
    if device.model in _ROOTS:
        if device.index != 0:
            raise XMLError(f"controller: a {device.model} is the board's own bus and has index 0")
        return
    missing = [name for name in _PCI_OPTIONS.get(device.model, ())
               if device.target is None or getattr(device.target, name) is None]  # fmt: skip
    if missing or device.pci_model is None:
        what = ", ".join(missing) if missing else "<model name>"
        raise InternalError(f"controller: a {device.model} that is attached has to say its {what}")


def _judge_serial(definition: DomainDef, device: Serial) -> None:
    kind = device.target_type
    if is_x86(definition) and kind not in _X86_SERIAL:
        raise ConfigUnsupported(f"serial: this machine has no port of type {kind}; {', '.join(_X86_SERIAL)} are there")
    place = _SERIAL_PLACES.get(kind or "")
    if place is not None and device.address is not None and not isinstance(device.address, place):
        raise ConfigUnsupported(f"serial: a port of type {kind} cannot have an address of type {device.address.type}")


def _judge_hostdev(definition: DomainDef, device: Hostdev, caps: QemuCapabilities) -> None:
    if device.type == "mdev" and device.model in ("vfio-ap", "vfio-ccw") and not caps.has_device(device.model):
        raise ConfigUnsupported(f"hostdev: {caps.binary} has no device {device.model}")
    if (device.display or device.ramfb) and not definition.devices.graphics:
        raise ConfigUnsupported("hostdev: a display of a mediated device needs a graphics device to be shown on")
