"""The command line as it grows: what every builder of a device writes into."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pyvirtd.conf.domain.address import PciAddress, SpaprVioAddress, UsbAddress, VirtioSerialAddress
from pyvirtd.conf.domain.controller import Controller
from pyvirtd.conf.domain.devices import Devices
from pyvirtd.conf.domain.domain import DomainDef
from pyvirtd.conf.domain.os import Os
from pyvirtd.drivers.qemu.capabilities import QemuCapabilities
from pyvirtd.drivers.qemu.command.context import EncryptedSecret, LaunchContext, Preparation, PreStart
from pyvirtd.drivers.qemu.command.words import Props, json_word
from pyvirtd.drivers.qemu.postparse.aliases import board_alias
from pyvirtd.drivers.qemu.postparse.machine import devices_of, os_of
from pyvirtd.errors import InternalError


@dataclass(slots=True)
class Builder:
    """Collects words, inherited descriptors and preparations; knows the definition and what this QEMU can do."""

    definition: DomainDef
    caps: QemuCapabilities
    context: LaunchContext
    argv: list[str] = field(default_factory=list)
    files: list[int] = field(default_factory=list)
    before: list[Preparation] = field(default_factory=list)
    flash_nodes: list[str | None] = field(default_factory=lambda: [None, None])
    boot_order: dict[int, int] = field(default_factory=dict)  # id() of a device -> its boot index
    nodes: dict[int, int] = field(default_factory=dict)  # id() of a storage source -> number in its node names
    fdsets: int = 0

    @property
    def devices(self) -> Devices:
        return devices_of(self.definition)

    @property
    def os(self) -> Os:
        return os_of(self.definition)

    def add(self, *words: str) -> None:
        self.argv.extend(words)

    def device(self, props: Props) -> None:
        """One -device, JSON."""
        self.add("-device", json_word(props))

    def object(self, props: Props) -> None:
        """One -object, JSON; `qom-type` first."""
        self.add("-object", json_word(props))

    def inherit(self, fd: int) -> int:
        """Notes that QEMU needs this descriptor."""
        if fd >= 0:
            self.files.append(fd)
        return fd

    def prepare(self, what: PreStart, alias: str, path: str) -> None:
        self.before.append(Preparation(what, alias, path))

    def fdset(self, fd: int, label: str | None = None) -> str:
        """Passes a descriptor as a set and names it: QEMU may close and open such a path again. The label is for
        whoever asks QEMU about its sets."""
        number = self.fdsets
        self.fdsets += 1
        self.inherit(fd)
        self.add("-add-fd", f"set={number},fd={fd}" + (f",opaque={label}" if label else ""))
        return f"/dev/fdset/{number}"

    def secret_object(self, ident: str, value: bytes) -> str:
        """An -object secret, encrypted under the master key; answers its id."""
        if self.context.encrypt is None:
            raise InternalError(f"secret {ident}: nothing here can encrypt secrets for QEMU's command line")
        secret: EncryptedSecret = self.context.encrypt(value)
        self.object(
            {
                "qom-type": "secret",
                "id": ident,
                "data": secret.data,
                "keyid": "masterKey0",
                "iv": secret.iv,
                "format": "base64",
            }
        )
        return ident

    # --- where a device sits --------------------------------------------------------------------------------

    def controller(self, kind: str, index: int) -> Controller | None:
        """The controller of that type and index; the master of a group of USB companions."""
        for controller in self.devices.controllers:
            if controller.type == kind and controller.index == index and controller.master_startport is None:
                return controller
        return None

    def controller_alias(self, kind: str, index: int) -> str:
        """Its alias. Raises InternalError when there is none: addresses were not assigned."""
        if (fixed := board_alias(self.definition, kind, index)) is not None:
            return fixed
        found = self.controller(kind, index)
        if found is None or found.alias is None:
            raise InternalError(f"a device is on {kind} controller {index}, which this guest doesn't have")
        return found.alias

    def address(self, device: Any, props: Props) -> Props:
        """`props` with the place of the device appended."""
        address = getattr(device, "address", None)
        if isinstance(address, PciAddress):
            props["bus"] = self.controller_alias("pci", address.bus)
            if address.multifunction is not None:
                props["multifunction"] = address.multifunction
            slot, function = address.slot, address.function
            props["addr"] = f"{slot:#x}.{function:#x}" if function else f"{slot:#x}"
            acpi = getattr(device, "acpi_index", None)
            if acpi:
                props["acpi-index"] = acpi
        elif isinstance(address, UsbAddress):
            props["bus"] = f"{self.controller_alias('usb', address.bus)}.0"
            if address.port:
                props["port"] = address.port
        elif isinstance(address, SpaprVioAddress):
            props["reg"] = address.reg or 0
        elif isinstance(address, VirtioSerialAddress):
            props["bus"] = f"{self.controller_alias('virtio-serial', address.controller)}.{address.bus}"
            props["nr"] = address.port
        return props

    # --- boot order -----------------------------------------------------------------------------------------

    def settle_boot_order(self) -> None:
        """Boot indexes: <boot order=''> of the devices, or the first device of each kind in <os><boot dev=''>."""
        for device in self.devices.all():
            order = getattr(device, "boot_order", None)
            if order:
                self.boot_order[id(device)] = order
        kinds = {"fd": ("floppy",), "cdrom": ("cdrom",), "hd": ("disk", "lun")}
        for position, kind in enumerate(self.os.boot, 1):
            if kind == "network":
                if self.devices.interfaces:
                    self.boot_order[id(self.devices.interfaces[0])] = position
                continue
            disk = next((d for d in self.devices.disks if d.device in kinds[kind]), None)
            if disk is not None:
                self.boot_order[id(disk)] = position

    def boot_index(self, device: Any) -> int | None:
        return self.boot_order.get(id(device))
