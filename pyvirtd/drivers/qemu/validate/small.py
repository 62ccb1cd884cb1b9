"""Other devices: USB, host devices, TPM, shared memory, watchdogs, IOMMUs, file systems."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyvirtd.conf.domain.address import PciAddress
from pyvirtd.conf.domain.hostdev import MdevSource, PciSource, UsbSource
from pyvirtd.errors import ConfigUnsupported, ErrorDomain, InternalError, XMLDetail, XMLError

if TYPE_CHECKING:
    from pyvirtd.conf.domain.domain import DomainDef
    from pyvirtd.drivers.qemu.capabilities import QemuCapabilities
    from pyvirtd.drivers.qemu.validate.host import HostFacts

XHCI_PORTS = 15


def check_small_devices(definition: DomainDef, caps: QemuCapabilities, host: HostFacts) -> None:
    check_usb(definition)
    check_hostdevs(definition)
    check_tpm(definition, host)
    check_shmem(definition)
    check_iommu(definition)
    if len(definition.devices.watchdogs) > 1 and all(w.model != "itco" for w in definition.devices.watchdogs):
        raise InternalError("watchdog: one is all that a guest can have")
    for fs in definition.devices.filesystems:
        if fs.driver is not None and fs.driver.type == "virtiofs" and fs.readonly:
            raise ConfigUnsupported("filesystem: virtiofs has no read-only mode here; remove <readonly/>")
    del caps


def check_usb(definition: DomainDef) -> None:
    controllers = [c for c in definition.devices.controllers if c.type == "usb"]
    off = any(c.model == "none" for c in controllers)
    if off and len(controllers) > 1:
        raise XMLDetail("controller: model none switches USB off, other USB controllers can't be there then")
    if off and definition.devices.hubs:
        raise ConfigUnsupported("hub: USB is switched off for this guest")
    masters = {c.index for c in controllers if c.master_startport is None}
    for controller in controllers:
        if controller.index not in masters:
            raise XMLDetail(f"controller: the USB companions of index {controller.index} have no master controller",
                            domain=ErrorDomain.DOMAIN)  # fmt: skip
        if controller.model in ("nec-xhci", "qemu-xhci") and (controller.ports or 0) > XHCI_PORTS:
            raise ConfigUnsupported(
                f"controller: {controller.model} has {XHCI_PORTS} ports at most, not {controller.ports}"
            )


def check_hostdevs(definition: DomainDef) -> None:
    seen: set[tuple[object, ...]] = set()
    for hostdev in definition.devices.hostdevs:
        source = hostdev.source
        key: tuple[object, ...] | None = None
        if isinstance(source, PciSource):
            key = ("pci", source.domain, source.bus, source.slot, source.function)
        elif isinstance(source, MdevSource):
            key = ("mdev", source.uuid)
            elsewhere = hostdev.address is not None and not isinstance(hostdev.address, PciAddress)
            if hostdev.model == "vfio-pci" and hostdev.address is not None and elsewhere:
                raise XMLError(f"hostdev: a vfio-pci device has no address of type '{hostdev.address.type}'",
                               domain=ErrorDomain.DOMAIN)  # fmt: skip
        elif isinstance(source, UsbSource):
            key = ("usb", source.bus, source.device, source.vendor, source.product)
        if key is not None and key in seen:
            raise XMLError("hostdev: that device of the host is in the definition twice", domain=ErrorDomain.DOMAIN)
        if key is not None:
            seen.add(key)
        if isinstance(hostdev.address, PciAddress) and hostdev.address.zpci is not None:
            if definition.os.arch not in ("s390", "s390x"):
                raise ConfigUnsupported("hostdev: zPCI addresses exist on s390 only")


def check_tpm(definition: DomainDef, host: HostFacts) -> None:
    for tpm in definition.devices.tpms:
        if tpm.backend.type == "emulator" and not host.swtpm():
            raise ConfigUnsupported(
                f"tpm: an emulated TPM {tpm.backend.version} needs swtpm, which isn't installed here"
            )


def check_shmem(definition: DomainDef) -> None:
    for shmem in definition.devices.shmems:
        if shmem.msi and not shmem.server:
            raise XMLError(f"shmem '{shmem.name}': <msi> works with a <server> only", domain=ErrorDomain.DOMAIN)
        if shmem.model == "ivshmem":
            raise ConfigUnsupported(
                f"shmem '{shmem.name}': QEMU has no device ivshmem any more; ivshmem-plain or ivshmem-doorbell"
            )


def check_iommu(definition: DomainDef) -> None:
    for iommu in definition.devices.iommus:
        if iommu.model == "virtio":
            if iommu.address is not None and not isinstance(iommu.address, PciAddress):
                raise ConfigUnsupported("iommu: model virtio has a PCI address")
            if not (definition.features is not None and definition.features.acpi):
                raise ConfigUnsupported("iommu: model virtio needs ACPI; add <acpi/> to <features>")
