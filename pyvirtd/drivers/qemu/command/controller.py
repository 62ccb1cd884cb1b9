"""Controllers as devices; those that a board has anyway are left to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyvirtd.drivers.qemu.command.virtio import virtio_driver, virtio_props
from pyvirtd.drivers.qemu.command.words import Props
from pyvirtd.drivers.qemu.postparse.machine import has_builtin_ide, is_arm_virt, is_i440fx, is_pseries, is_q35, is_x86
from pyvirtd.errors import ConfigUnsupported

if TYPE_CHECKING:
    from pyvirtd.conf.domain.controller import Controller
    from pyvirtd.drivers.qemu.command.builder import Builder

USB_DRIVERS = {
    "piix3-uhci": "piix3-usb-uhci",
    "piix4-uhci": "piix4-usb-uhci",
    "ehci": "usb-ehci",
    "ich9-ehci1": "ich9-usb-ehci1",
    "ich9-uhci1": "ich9-usb-uhci1",
    "ich9-uhci2": "ich9-usb-uhci2",
    "ich9-uhci3": "ich9-usb-uhci3",
    "vt82c686b-uhci": "vt82c686b-usb-uhci",
    "pci-ohci": "pci-ohci",
    "nec-xhci": "nec-usb-xhci",
    "qemu-xhci": "qemu-xhci",
}
SCSI_DRIVERS = {
    "lsilogic": "lsi",
    "ibmvscsi": "spapr-vscsi",
    "lsisas1078": "megasas",
    "lsisas1068": "mptsas1068",
    "vmpvscsi": "pvscsi",
    "ncr53c90": "esp",
    "dc390": "dc390",
    "am53c974": "am53c974",
}
_VIRTIO_SCSI = ("virtio-scsi", "virtio-transitional", "virtio-non-transitional")
# PCI buses must exist before what is plugged into them, smartcard readers come after USB hubs.
ORDER = ("pci", "usb", "scsi", "ide", "sata", "virtio-serial")


def add_controllers(b: Builder, kinds: tuple[str, ...] = ORDER) -> None:
    """All controllers of these kinds that are devices of their own, kind after kind."""
    for kind in kinds:
        if kind == "usb" and not any(c.type == "usb" for c in b.devices.controllers) and has_board_usb(b):
            b.add("-usb")
        for controller in b.devices.controllers:
            if controller.type != kind:
                continue
            if kind == "usb" and is_implicit_usb(b, controller):
                continue
            props = controller_props(b, controller)
            if props is not None:
                b.device(props)


def has_board_usb(b: Builder) -> bool:
    """Old boards bring a USB controller unless the definition switches it off."""
    return is_x86(b.definition) and not is_q35(b.definition)


def is_implicit_usb(b: Builder, controller: Controller) -> bool:
    """A USB controller of no known model is the board's old one, asked for by -usb."""
    if controller.model is None and not is_q35(b.definition) and not is_arm_virt(b.definition):
        b.add("-usb")
        return True
    return controller.model in (None, "none")


def controller_props(b: Builder, controller: Controller) -> Props | None:
    """None for a controller that is no device of its own."""
    index = controller.index or 0
    match controller.type:
        case "pci":
            return pci_props(b, controller)
        case "usb":
            return usb_props(b, controller)
        case "scsi":
            return scsi_props(b, controller)
        case "ide":
            if index == 0 and has_builtin_ide(b.definition):
                return None
            raise ConfigUnsupported(
                f"controller: only one IDE controller exists, on boards that have one; index {index} can't be added"
            )
        case "sata":
            if index == 0 and is_q35(b.definition):
                return None
            return b.address(controller, {"driver": "ahci", "id": controller.alias or ""})
        case "virtio-serial":
            return virtio_serial_props(b, controller)
        case "ccid":
            return b.address(controller, {"driver": "usb-ccid", "id": controller.alias or ""})
        case _:
            return None


def pci_props(b: Builder, controller: Controller) -> Props | None:
    model, target = controller.model, controller.target
    if model in ("pci-root", "pcie-root"):
        if model == "pci-root" and is_pseries(b.definition) and (controller.index or 0) > 0:
            number = target.index if target is not None and target.index is not None else 0
            return {"driver": "spapr-pci-host-bridge", "index": number, "id": controller.alias or ""}
        return None
    props: Props = {"driver": controller.pci_model or ""}
    if target is not None:
        if model == "pci-bridge" and target.chassis_nr is not None:
            props["chassis_nr"] = target.chassis_nr
        elif model in ("pcie-root-port", "pcie-switch-downstream-port"):
            if target.port is not None:
                props["port"] = target.port
            if target.chassis is not None:
                props["chassis"] = target.chassis
        elif model in ("pci-expander-bus", "pcie-expander-bus") and target.bus_nr is not None:
            props["bus_nr"] = target.bus_nr
    props["id"] = controller.alias or ""
    if target is not None and target.hotplug is not None and model in (
        "pcie-root-port", "pcie-switch-downstream-port", "pci-root",
    ):  # fmt: skip
        props["hotplug"] = target.hotplug
    if target is not None and target.node is not None and model in ("pci-expander-bus", "pcie-expander-bus"):
        props["numa_node"] = target.node
    return b.address(controller, props)


def usb_props(b: Builder, controller: Controller) -> Props:
    driver = USB_DRIVERS.get(controller.model or "")
    if driver is None:
        raise ConfigUnsupported(f"controller: QEMU has no USB controller model '{controller.model}'")
    props: Props = {"driver": driver}
    if controller.model in ("nec-xhci", "qemu-xhci") and controller.ports is not None:
        props["p2"] = controller.ports
        props["p3"] = controller.ports
    if controller.master_startport is not None:
        props["masterbus"] = f"{b.controller_alias('usb', controller.index or 0)}.0"
        props["firstport"] = controller.master_startport
    else:
        props["id"] = controller.alias or ""
    return b.address(controller, props)


def scsi_props(b: Builder, controller: Controller) -> Props:
    model = controller.model or ""
    if model not in _VIRTIO_SCSI:
        driver = SCSI_DRIVERS.get(model)
        if driver is None:
            raise ConfigUnsupported(f"controller: QEMU has no SCSI controller model '{model}'")
        return b.address(controller, {"driver": driver, "id": controller.alias or ""})
    props: Props = {"driver": virtio_driver(controller, "virtio-scsi", model)}
    tuning = controller.driver
    if tuning is not None and tuning.iothread:
        props["iothread"] = f"iothread{tuning.iothread}"
    virtio_props(tuning, props)
    props["id"] = controller.alias or ""
    if tuning is not None:
        if tuning.queues:
            props["num_queues"] = tuning.queues
        if tuning.cmd_per_lun:
            props["cmd_per_lun"] = tuning.cmd_per_lun
        if tuning.max_sectors:
            props["max_sectors"] = tuning.max_sectors
        if tuning.ioeventfd is not None:
            props["ioeventfd"] = tuning.ioeventfd
    return b.address(controller, props)


def virtio_serial_props(b: Builder, controller: Controller) -> Props:
    props: Props = {"driver": virtio_driver(controller, "virtio-serial", controller.model)}
    virtio_props(controller.driver, props)
    props["id"] = controller.alias or ""
    if controller.ports is not None:
        props["max_ports"] = controller.ports
    if controller.vectors is not None:
        props["vectors"] = controller.vectors
    return b.address(controller, props)


def add_global_controllers(b: Builder) -> None:
    """-global options of the board's own PCI hosts."""
    for controller in b.devices.controllers:
        if controller.type != "pci":
            continue
        target = controller.target
        if is_i440fx(b.definition) and target is not None and target.hotplug is not None and not controller.index:
            b.add("-global", f"PIIX4_PM.acpi-root-pci-hotplug={'on' if target.hotplug else 'off'}")
        if controller.pcihole64 is not None:
            host = "q35-pcihost" if controller.model == "pcie-root" else "i440FX-pcihost"
            b.add("-global", f"{host}.pci-hole64-size={controller.pcihole64}K")
