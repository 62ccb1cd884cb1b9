"""Controllers: those a guest has without saying so, their models, and the PCI bridges' own numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from pyvirtd.conf.domain.address import DriveAddress, PciAddress
from pyvirtd.conf.domain.controller import Controller, ControllerType, PciTarget
from pyvirtd.drivers.qemu.postparse.machine import (
    devices_of,
    has_pci_root,
    has_pcie_root,
    is_arm_virt,
    is_i440fx,
    is_isapc,
    is_microvm,
    is_pseries,
    is_q35,
    is_s390,
    os_of,
)
from pyvirtd.errors import ConfigUnsupported, XMLError

if TYPE_CHECKING:
    from pyvirtd.conf.domain.domain import DomainDef
    from pyvirtd.drivers.qemu.capabilities import QemuCapabilities

USB3 = {"qemu-xhci": "qemu-xhci", "nec-xhci": "nec-usb-xhci"}
PCI_MODEL_NAMES = {
    "pci-bridge": "pci-bridge",
    "pci-expander-bus": "pxb",
    "dmi-to-pci-bridge": "i82801b11-bridge",
    "pcie-to-pci-bridge": "pcie-pci-bridge",
    "pcie-switch-upstream-port": "x3130-upstream",
    "pcie-switch-downstream-port": "xio3130-downstream",
    "pcie-expander-bus": "pxb-pcie",
}


def find_controller(definition: DomainDef, kind: str, index: int | None = None) -> Controller | None:
    """The first controller of that type (and index)."""
    for controller in devices_of(definition).controllers:
        if controller.type == kind and (index is None or controller.index == index):
            return controller
    return None


def append_controller(
    definition: DomainDef, kind: str, index: int | None = None, model: str | None = None
) -> Controller:
    """Adds a controller at the end, where libvirt has those that it adds itself.

    `index` None takes the first free one.
    """
    controllers = devices_of(definition).controllers
    if index is None:
        used = {c.index for c in controllers if c.type == kind}
        index = next(i for i in range(len(used) + 1) if i not in used)
    new = Controller(type=cast("ControllerType", kind), index=index, model=model)
    controllers.append(new)
    return new


def ensure_controller(definition: DomainDef, kind: str, index: int = 0, model: str | None = None) -> Controller:
    """The controller of that type and index, added when missing."""
    return find_controller(definition, kind, index) or append_controller(definition, kind, index, model)


def add_default_controllers(definition: DomainDef, caps: QemuCapabilities) -> None:
    """What every machine of a kind has: a PCI root, Q35's SATA, and a USB controller unless told otherwise."""
    usb_model: str | None = None
    usb = sata = False
    if is_q35(definition):
        sata = usb = True
        usb_model = next((m for m, d in USB3.items() if caps.has_device(d)), None)
        usb = usb_model is not None
    elif is_i440fx(definition) or is_pseries(definition):
        usb = True
    elif is_s390(definition) or is_isapc(definition) or is_microvm(definition) or is_arm_virt(definition):
        usb = False
    else:
        usb = os_of(definition).arch in ("x86_64", "i686", "ppc64", "ppc64le", "ppc", "alpha", "sparc64")
    if usb and find_controller(definition, "usb") is None:
        append_controller(definition, "usb", 0, usb_model)
    if sata:
        ensure_controller(definition, "sata", 0)
    root = "pcie-root" if has_pcie_root(definition) else "pci-root" if has_pci_root(definition) else None
    if root is not None:
        check_root(definition, root)
        controller = find_controller(definition, "pci", 0)
        if controller is None:
            append_controller(definition, "pci", 0, root)
        elif controller.model is None:
            controller.model = root


def check_root(definition: DomainDef, root: str) -> None:
    """PCI controller 0 is the board's. Raises XMLError when it is declared as something else."""
    controller = find_controller(definition, "pci", 0)
    if controller is not None and controller.model not in (None, root):
        raise XMLError(
            f"controller: on machine type '{os_of(definition).machine}' the PCI controller 0 is the board's {root}, "
            f"not a {controller.model}"
        )


def add_needed_controllers(definition: DomainDef) -> None:
    """Controllers that devices name by their address, or need by their kind."""
    needed: dict[str, int] = {}
    for disk in devices_of(definition).disks:
        address = disk.address
        if isinstance(address, DriveAddress) and disk.bus in ("ide", "sata", "scsi", "fdc"):
            needed[disk.bus] = max(needed.get(disk.bus, -1), address.controller)
    for hostdev in devices_of(definition).hostdevs:
        if hostdev.type == "scsi" and isinstance(hostdev.address, DriveAddress):
            needed["scsi"] = max(needed.get("scsi", -1), hostdev.address.controller)
    for kind in ("scsi", "ide", "fdc", "sata"):
        highest = needed.get(kind, -1)
        for index in range(highest + 1):
            if find_controller(definition, kind, index) is None:
                model = find_controller(definition, kind)
                append_controller(definition, kind, index, model.model if model and kind == "scsi" else None)
    if any(card.address is None or card.address for card in devices_of(definition).smartcards):
        ensure_controller(definition, "ccid", 0)


def settle_controller_models(definition: DomainDef, caps: QemuCapabilities) -> None:
    """Models of USB and SCSI controllers that have none, and the defaults of PCI controllers' options."""
    for controller in devices_of(definition).controllers:
        if controller.type == "usb" and controller.model is None:
            controller.model = default_usb_model(definition, caps)
        elif controller.type == "scsi" and controller.model in (None, "auto"):
            controller.model = default_scsi_model(definition, caps)


def default_usb_model(definition: DomainDef, caps: QemuCapabilities) -> str | None:
    """None leaves it unsaid: the board's old default."""
    if is_pseries(definition):
        return "pci-ohci"
    if is_arm_virt(definition):
        return "qemu-xhci"
    if caps.has_device("piix3-usb-uhci"):
        return "piix3-uhci"
    return None


def default_scsi_model(definition: DomainDef, caps: QemuCapabilities) -> str:
    """Raises ConfigUnsupported when this QEMU has no SCSI controller at all."""
    if is_pseries(definition):
        return "ibmvscsi"
    if is_s390(definition) or is_arm_virt(definition):
        return "virtio-scsi"
    if caps.has_device("lsi53c895a") or caps.has_device("lsi"):
        return "lsilogic"
    if caps.has_device("virtio-scsi-pci"):
        return "virtio-scsi"
    raise ConfigUnsupported(f"controller: {caps.binary} has no SCSI controller")


def settle_pci_options(definition: DomainDef, caps: QemuCapabilities) -> None:
    """After addresses are known: QEMU's device for each PCI controller, and its chassis, port and bus numbers."""
    for controller in devices_of(definition).controllers:
        model = controller.model
        if controller.type != "pci" or model in (None, "pci-root", "pcie-root"):
            continue
        if controller.pci_model is None:
            if model == "pcie-root-port":
                controller.pci_model = "pcie-root-port" if caps.has_device("pcie-root-port") else "ioh3420"
            else:
                controller.pci_model = PCI_MODEL_NAMES.get(model or "")
        if controller.target is None:
            controller.target = PciTarget()
        settle_pci_target(definition, controller, controller.target)


def settle_pci_target(definition: DomainDef, controller: Controller, target: PciTarget) -> None:
    """The numbers under which the guest sees a bridge or port."""
    index, model = controller.index or 0, controller.model
    if model == "pci-bridge" and target.chassis_nr is None:
        target.chassis_nr = index
    elif model in ("pcie-root-port", "pcie-switch-downstream-port"):
        if target.chassis is None:
            target.chassis = index
        if target.port is None and isinstance(controller.address, PciAddress):
            # Ports of a switch are numbered by slot; root ports share slots.
            shared = model == "pcie-root-port"
            address = controller.address
            target.port = (address.slot << 3) + address.function if shared else address.slot
    elif model in ("pci-expander-bus", "pcie-expander-bus") and target.bus_nr is None:
        target.bus_nr = free_bus_number(definition)


def free_bus_number(definition: DomainDef) -> int:
    """Expander buses are numbered from above, leaving room for one bridge behind each."""
    lowest = 256
    for controller in devices_of(definition).controllers:
        if controller.target is not None and controller.target.bus_nr is not None:
            lowest = min(lowest, controller.target.bus_nr)
    if lowest <= 2:
        raise XMLError("controller: no bus number is left for one more PCI expander bus")
    return lowest - 2

