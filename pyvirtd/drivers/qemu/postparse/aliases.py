"""Device aliases: the ids QEMU's devices get (net0, virtio-disk1, pci.3), derived from types, indexes and targets."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

from pyvirtd.conf.domain.address import DimmAddress, DriveAddress
from pyvirtd.drivers.qemu.postparse.machine import devices_of, has_builtin_ide, has_pcie_root, is_q35

if TYPE_CHECKING:
    from pyvirtd.conf.domain.controller import Controller
    from pyvirtd.conf.domain.disk import Disk
    from pyvirtd.conf.domain.domain import DomainDef


class Aliased(Protocol):
    """A device with an alias."""

    alias: str | None


def disk_index(target: str) -> int:
    """The number of a disk in its target's letters: vda 0, vdz 25, vdaa 26; 0 when there are none."""
    letters = ""
    for prefix in ("fd", "hd", "vd", "sd", "xvd", "ubd"):
        if target.startswith(prefix):
            letters = target[len(prefix) :]
            break
    letters = letters.rstrip("0123456789")
    if not letters.isalpha() or not letters.islower():
        return 0
    index = 0
    for letter in letters:
        index = index * 26 + ord(letter) - ord("a") + 1
    return index - 1


def scsi_model(definition: DomainDef, index: int) -> str:
    """The model of a SCSI controller, "" when there is none of that index."""
    for controller in devices_of(definition).controllers:
        if controller.type == "scsi" and controller.index == index:
            return controller.model or ""
    return ""


def disk_alias(definition: DomainDef, disk: Disk) -> str:
    """By its address where it has one on a controller, otherwise by its target."""
    address = disk.address
    bus = disk.bus or "ide"
    if isinstance(address, DriveAddress) and bus in ("ide", "sata", "scsi", "fdc"):
        controller, channel, unit = address.controller, address.bus, address.unit
        if bus == "scsi" and scsi_model(definition, controller) != "lsilogic":
            return f"scsi{controller}-{channel}-{address.target}-{unit}"
        return f"{bus}{controller}-{channel}-{unit}"
    return f"{bus}-disk{disk_index(disk.target or '')}"


def board_alias(definition: DomainDef, kind: str, index: int) -> str | None:
    """QEMU's own name of a bus that is part of the board; None for buses that are plugged in."""
    if index != 0:
        return None
    if kind == "pci" and has_pcie_root(definition):
        return "pcie.0"
    if (kind == "ide" and has_builtin_ide(definition)) or (kind == "sata" and is_q35(definition)):
        return "ide"
    return None


def controller_alias(definition: DomainDef, controller: Controller) -> str:
    """Boards' own controllers have QEMU's fixed names."""
    kind, index = controller.type, controller.index or 0
    if (fixed := board_alias(definition, kind, index)) is not None:
        return fixed
    if kind == "pci":
        return f"pci.{index}"
    if index == 0 and kind == "usb":
        return "usb"
    return f"{kind}{index}"


def assign_aliases(definition: DomainDef) -> None:
    """Gives every device that has no alias the one libvirt would. Devices keep aliases they have (user aliases)."""
    devices = devices_of(definition)
    for disk in devices.disks:
        disk.alias = disk.alias or disk_alias(definition, disk)
    for controller in devices.controllers:
        controller.alias = controller.alias or controller_alias(definition, controller)
    for stem, listed in _numbered(definition):
        _number(stem, listed)
    for memory in devices.memories:
        if memory.alias is None:
            stem = {"dimm": "dimm", "nvdimm": "nvdimm", "virtio-mem": "virtiomem", "virtio-pmem": "virtiopmem"}.get(
                memory.model, "sgx-epc"
            )
            if isinstance(memory.address, DimmAddress):
                memory.alias = f"{stem}{memory.address.slot}"
                continue
            taken = {m.alias for m in devices.memories}
            memory.alias = next(f"{stem}{i}" for i in range(len(taken) + 1) if f"{stem}{i}" not in taken)


def _numbered(definition: DomainDef) -> Iterable[tuple[str, Iterable[Aliased]]]:
    d = devices_of(definition)
    yield "net", d.interfaces
    yield "fs", d.filesystems
    yield "sound", d.sounds
    yield "hostdev", d.hostdevs
    yield "redir", d.redirdevs
    yield "video", d.videos
    yield "input", d.inputs
    yield "parallel", d.parallels
    yield "serial", d.serials
    yield "channel", d.channels
    yield "console", d.consoles
    yield "hub", d.hubs
    yield "shmem", d.shmems
    yield "smartcard", d.smartcards
    yield "rng", d.rngs
    yield "tpm", d.tpms
    yield "panic", (panic for panic in d.panics if panic.model != "isa")
    yield "watchdog", d.watchdogs
    yield "crypto", d.cryptos
    yield "vsock", d.vsocks
    yield "balloon", (balloon for balloon in d.memballoons if balloon.model != "none")
    yield "iommu", d.iommus


def _number(stem: str, listed: Iterable[Aliased]) -> None:
    """stem0, stem1, ... with numbers that no device of the list has yet."""
    devices = list(listed)
    highest = -1
    for device in devices:
        if device.alias and device.alias.startswith(stem) and device.alias[len(stem) :].isdecimal():
            highest = max(highest, int(device.alias[len(stem) :]))
    for device in devices:
        if device.alias is None:
            highest += 1
            device.alias = f"{stem}{highest}"
