"""Defaults of single devices that only QEMU's driver knows: models, formats, backends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyvirtd.conf.domain.audio import Audio
from pyvirtd.conf.domain.disk import DiskDriver
from pyvirtd.conf.domain.graphics import Spice, Vnc
from pyvirtd.conf.domain.hostdev import MdevSource
from pyvirtd.conf.domain.input import Input
from pyvirtd.conf.domain.memballoon import MemBalloon
from pyvirtd.conf.domain.panic import Panic
from pyvirtd.conf.domain.source import Encryption
from pyvirtd.drivers.qemu.postparse.machine import (
    devices_of,
    is_arm_virt,
    is_isapc,
    is_pseries,
    is_riscv_virt,
    is_s390,
    is_x86,
    machine_of,
)

if TYPE_CHECKING:
    from pyvirtd.conf.domain.chardev import Serial
    from pyvirtd.conf.domain.disk import Disk
    from pyvirtd.conf.domain.domain import DomainDef
    from pyvirtd.conf.domain.interface import Interface
    from pyvirtd.conf.domain.video import Video
    from pyvirtd.drivers.qemu.capabilities import QemuCapabilities

QXL_RAM = 64 * 1024
VGA_RAM = 16 * 1024
SHMEM_MIB = 4


def add_default_devices(definition: DomainDef, caps: QemuCapabilities) -> None:
    """Devices that every guest has unless it says otherwise: a balloon, keyboard and mouse, an audio backend."""
    devices = devices_of(definition)
    if not devices.memballoons and not is_isapc(definition):
        virtio = caps.has_device("virtio-balloon-pci") or caps.has_device("virtio-balloon-ccw")
        devices.memballoons.append(MemBalloon(model="virtio" if virtio else "none"))
    if is_x86(definition):
        for kind in ("mouse", "keyboard"):
            if not any(i.type == kind and i.bus == "ps2" for i in devices.inputs):
                devices.inputs.append(Input(type=kind, bus="ps2"))
    if is_pseries(definition) and not devices.panics:
        devices.panics.append(Panic(model="pseries"))
    if not devices.audios:
        devices.audios += default_audio(definition)


def default_audio(definition: DomainDef) -> list[Audio]:
    """Sound goes where the screen goes; windows and buses of the host's own choose for themselves."""
    screens = [graphics.type for graphics in devices_of(definition).graphics]
    remote = [kind for kind in screens if kind in ("spice", "vnc")]
    if screens and not remote:
        return []
    return [Audio(id=1, type="spice" if remote and remote[-1] == "spice" else "none")]


def settle_device_models(definition: DomainDef, caps: QemuCapabilities) -> None:
    """Models and backends of devices that name none."""
    devices = devices_of(definition)
    for disk in devices.disks:
        settle_disk(disk)
    for graphics in devices.graphics:
        if isinstance(graphics, Vnc | Spice):
            settle_listens(graphics)
    for interface in devices.interfaces:
        settle_interface(definition, interface, caps)
    for position, video in enumerate(devices.videos):
        settle_video(definition, video, caps)
        if position == 0 and not any(v.primary for v in devices.videos) and video.model != "none":
            video.primary = True
    for serial in devices.serials:
        settle_serial(definition, serial)
    for panic in devices.panics:
        if panic.model in (None, "default"):
            panic.model = "pseries" if is_pseries(definition) else "s390" if is_s390(definition) else "isa"
    for hostdev in devices.hostdevs:
        if hostdev.mode == "subsystem" and hostdev.managed is None:
            hostdev.managed = False
        if isinstance(hostdev.source, MdevSource) and hostdev.model == "vfio-pci" and hostdev.display is None:
            hostdev.display = False
    for shmem in devices.shmems:
        if shmem.model == "ivshmem-doorbell" and shmem.msi and shmem.msi_ioeventfd is None:
            shmem.msi_ioeventfd = True
        if shmem.size is None and shmem.model != "ivshmem-doorbell":
            shmem.size = SHMEM_MIB
    for tpm in devices.tpms:
        if tpm.model is None:
            tpm.model = "tpm-spapr" if is_pseries(definition) else "tpm-tis"
        if tpm.backend.type == "emulator" and tpm.backend.version is None:
            tpm.backend.version = "2.0"
    for fs in devices.filesystems:
        if fs.driver is not None and fs.driver.type == "virtiofs" and fs.source is not None and fs.source.socket:
            fs.accessmode = None
    for vsock in devices.vsocks:
        if vsock.model is None:
            vsock.model = "virtio"


def settle_disk(disk: Disk) -> None:
    """The driver is QEMU, and an image without format is raw: guests write to images, so none is ever guessed."""
    if disk.driver is None:
        disk.driver = DiskDriver()
    if disk.driver.name is None:
        disk.driver.name = "qemu"
    if disk.driver.type is None and disk.type != "volume":
        disk.driver.type = "raw"
    if disk.empty and disk.device in ("cdrom", "floppy"):
        disk.type, disk.snapshot = "file", None
        if disk.source is not None:
            disk.source.file = disk.source.dev = None
    if disk.source is not None:
        settle_encryption(disk.source.encryption)
    settle_encryption(disk.encryption)
    store = disk.backing
    while store is not None and store.type is not None:
        if store.source is not None:
            settle_encryption(store.source.encryption)
        store = store.backing


def settle_encryption(encryption: Encryption | None) -> None:
    """QEMU decrypts, unless the storage library is to do it."""
    if encryption is not None and encryption.engine is None:
        encryption.engine = "qemu"


def settle_listens(graphics: Vnc | Spice) -> None:
    """The address of a network is known when the guest starts, not before."""
    for listen in graphics.listens:
        if listen.type == "network":
            listen.address = None
    if graphics.listens and graphics.listens[0].type == "network":
        graphics.listen = None


def settle_interface(definition: DomainDef, interface: Interface, caps: QemuCapabilities) -> None:
    if interface.type == "network" and interface.source is not None:
        interface.source.bridge = None  # the network's to say
    if interface.model is not None or interface.type == "hostdev":
        return
    if interface.type in ("vhostuser", "vdpa"):
        interface.model = "virtio"
        return
    interface.model = default_nic(definition, caps)


def default_nic(definition: DomainDef, caps: QemuCapabilities) -> str | None:
    """What older guests have drivers for, as far as this QEMU has it."""
    if is_s390(definition) or is_arm_virt(definition) or is_riscv_virt(definition):
        return "virtio"
    for model, device in (("rtl8139", "rtl8139"), ("e1000", "e1000"), ("virtio", "virtio-net-pci")):
        if caps.has_device(device):
            return model
    return None


def default_video(definition: DomainDef, caps: QemuCapabilities) -> str:
    if is_pseries(definition):
        return "vga"
    if is_arm_virt(definition) or is_riscv_virt(definition) or is_s390(definition):
        return "virtio"
    return "cirrus" if caps.has_device("cirrus-vga") else "vga"


def settle_video(definition: DomainDef, video: Video, caps: QemuCapabilities) -> None:
    """The model, and the memory each kind has unless told."""
    if video.model in (None, "default"):
        video.model = default_video(definition, caps)  # type: ignore[assignment]
    match video.model:
        case "qxl":
            video.ram = _power(video.ram or QXL_RAM)
            video.vram = _power(video.vram or QXL_RAM)
            video.vgamem = _power(video.vgamem or VGA_RAM)
            if video.vram64:
                video.vram64 = _power(video.vram64)
        case "vga" | "cirrus" | "vmvga" | "bochs":
            video.vram = video.vram or VGA_RAM
        case _:
            pass
    if video.heads is None and video.model != "none":
        video.heads = 1


def _power(value: int) -> int:
    """QXL takes powers of two only."""
    return 1 << max(value - 1, 0).bit_length()


def settle_serial(definition: DomainDef, serial: Serial) -> None:
    """What kind of port a serial device is on this board, and which device makes it one."""
    if serial.target_type is None:
        if is_pseries(definition):
            serial.target_type = "spapr-vio-serial"
        elif is_arm_virt(definition) or is_riscv_virt(definition):
            serial.target_type = "system-serial"
        elif is_s390(definition):
            serial.target_type = "sclp-serial"
        elif is_x86(definition):
            serial.target_type = "isa-serial"
    if serial.model is None:
        match serial.target_type:
            case "isa-serial" | "usb-serial" | "pci-serial":
                serial.model = serial.target_type
            case "isa-debug":
                serial.model = "isa-debugcon"
            case "spapr-vio-serial":
                serial.model = "spapr-vty"
            case "system-serial":
                serial.model = "16550a" if machine_of(definition) == "virt" and is_riscv_virt(definition) else "pl011"
            case "sclp-serial":
                serial.model = "sclpconsole"
            case _:
                pass
