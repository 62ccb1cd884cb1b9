"""`<disk>`: hard disks, CD-ROMs, floppies and LUNs. Source: formatdomain.html, "Hard drives, floppy disks, CDROMs"."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pyvirtd.conf.domain.device import BootDevice
from pyvirtd.conf.domain.source import (
    BackingStore,
    Encryption,
    Mirror,
    StorageAuth,
    StorageFormat,
    StorageSource,
    StorageType,
)
from pyvirtd.conf.domain.virtio import VirtioDriver, VirtioModel
from pyvirtd.conf.xml import Element, at, child, flag, size
from pyvirtd.conf.xml.types import Codec, OnOff, Positive, UInt, ULong, YesNo

DiskDevice = Literal["disk", "cdrom", "floppy", "lun"]
DiskBus = Literal["ide", "fdc", "scsi", "virtio", "xen", "usb", "uml", "sata", "sd", "none"]
DiskCache = Literal["default", "none", "writethrough", "writeback", "directsync", "unsafe"]


def _wwn(text: str) -> str:
    digits = text.removeprefix("0x")
    if len(digits) != 16 or not digits.isalnum() or int(digits, 16) < 0:
        raise ValueError
    return text


Wwn = Annotated[str, Codec(_wwn, str, right="16 hexadecimal digits", pattern="(0x)?[0-9a-fA-F]{16}")]


class DiskDriver(VirtioDriver):
    """How the hypervisor opens a disk. `metadata_cache` is in bytes."""

    name: str | None = at("@name")
    type: StorageFormat | None = at("@type")
    cache: DiskCache | None = at("@cache", omit="default")
    error_policy: Literal["stop", "report", "ignore", "enospace"] | None = at("@error_policy")
    rerror_policy: Literal["stop", "report", "ignore"] | None = at("@rerror_policy")
    io: Literal["native", "threads", "io_uring"] | None = at("@io")
    ioeventfd: OnOff | None = at("@ioeventfd")
    event_idx: OnOff | None = at("@event_idx")
    copy_on_read: OnOff | None = at("@copy_on_read")
    discard: Literal["unmap", "ignore"] | None = at("@discard")
    discard_no_unref: OnOff | None = at("@discard_no_unref")
    iothread: Positive | None = at("@iothread")
    detect_zeroes: Literal["off", "on", "unmap"] | None = at("@detect_zeroes")
    queues: Positive | None = at("@queues")
    queue_size: Positive | None = at("@queue_size")
    metadata_cache: int | None = size("metadata_cache/max_size", unit="bytes")


class Iotune(Element, tag="iotune"):
    """Throttling: bytes and operations per second, bursts and their length in seconds."""

    total_bytes_sec: ULong | None = at("total_bytes_sec", omit=0)
    read_bytes_sec: ULong | None = at("read_bytes_sec", omit=0)
    write_bytes_sec: ULong | None = at("write_bytes_sec", omit=0)
    total_iops_sec: ULong | None = at("total_iops_sec", omit=0)
    read_iops_sec: ULong | None = at("read_iops_sec", omit=0)
    write_iops_sec: ULong | None = at("write_iops_sec", omit=0)
    total_bytes_sec_max: ULong | None = at("total_bytes_sec_max", omit=0)
    read_bytes_sec_max: ULong | None = at("read_bytes_sec_max", omit=0)
    write_bytes_sec_max: ULong | None = at("write_bytes_sec_max", omit=0)
    total_iops_sec_max: ULong | None = at("total_iops_sec_max", omit=0)
    read_iops_sec_max: ULong | None = at("read_iops_sec_max", omit=0)
    write_iops_sec_max: ULong | None = at("write_iops_sec_max", omit=0)
    size_iops_sec: ULong | None = at("size_iops_sec", omit=0)
    group_name: str | None = at("group_name")
    total_bytes_sec_max_length: ULong | None = at("total_bytes_sec_max_length", omit=0)
    read_bytes_sec_max_length: ULong | None = at("read_bytes_sec_max_length", omit=0)
    write_bytes_sec_max_length: ULong | None = at("write_bytes_sec_max_length", omit=0)
    total_iops_sec_max_length: ULong | None = at("total_iops_sec_max_length", omit=0)
    read_iops_sec_max_length: ULong | None = at("read_iops_sec_max_length", omit=0)
    write_iops_sec_max_length: ULong | None = at("write_iops_sec_max_length", omit=0)


class Geometry(Element, tag="geometry"):
    """Cylinders, heads, sectors as the guest's BIOS sees them."""

    cyls: UInt = at("@cyls", 0)
    heads: UInt = at("@heads", 0)
    secs: UInt = at("@secs", 0)
    trans: Literal["none", "auto", "lba"] | None = at("@trans")


class BlockIo(Element, tag="blockio"):
    """Block sizes the guest sees, in bytes."""

    logical_block_size: UInt | None = at("@logical_block_size", omit=0)
    physical_block_size: UInt | None = at("@physical_block_size", omit=0)
    discard_granularity: UInt | None = at("@discard_granularity")


def _snapshot_told(disk: Any, flags: int) -> bool:
    """That a read-only disk has no snapshots needs no word."""
    return not (disk.readonly and disk.snapshot == "no")


class Disk(BootDevice, tag="disk"):
    """A disk of the guest. `target` is the name the guest might give it ("vda"), unique in the domain."""

    type: StorageType = at("@type", "file")
    device: DiskDevice = at("@device", "disk")
    model: VirtioModel | None = at("@model")
    rawio: YesNo | None = at("@rawio")
    sgio: Literal["filtered", "unfiltered"] | None = at("@sgio")
    snapshot: Literal["no", "internal", "external", "manual"] | None = at("@snapshot", when=_snapshot_told)
    driver: DiskDriver | None = child(empty=False)
    auth: StorageAuth | None = child()
    source: StorageSource | None = child(empty=False)
    backing: BackingStore | None = child()
    backenddomain: str | None = at("backenddomain/@name")
    geometry: Geometry | None = child()
    blockio: BlockIo | None = child(empty=False)
    mirror: Mirror | None = child(live=True)
    target: str | None = at("target/@dev")
    bus: DiskBus | None = at("target/@bus")
    tray: Literal["closed", "open"] | None = at("target/@tray", omit="closed")
    removable: OnOff | None = at("target/@removable")
    rotation_rate: Positive | None = at("target/@rotation_rate")
    iotune: Iotune | None = child(empty=False)
    readonly: bool = flag("readonly")
    shareable: bool = flag("shareable")
    transient: bool = flag("transient")
    transient_share_backing: YesNo | None = at("transient/@shareBacking")
    serial: str | None = at("serial")
    wwn: Wwn | None = at("wwn")
    vendor: str | None = at("vendor")
    product: str | None = at("product")
    encryption: Encryption | None = child()

    def parsed(self, flags: int) -> None:
        """A source is what its type says; a CD-ROM is always read-only."""
        if self.type == "network" and self.device in ("cdrom", "floppy") and not (self.source and self.source.protocol):
            self.type, self.source = "file", None  # a drive that is empty has no network
        if self.source is not None:
            self.source.settle(self.type)
        if self.device == "cdrom":
            self.readonly = True
        if self.driver is not None and self.driver.cache == "default":
            self.driver.cache = None

    @property
    def format(self) -> StorageFormat:
        """The image's format; without one it is raw, never guessed."""
        return (self.driver and self.driver.type) or "raw"

    @property
    def empty(self) -> bool:
        """No medium."""
        return self.source is None or not (self.source.where or self.source.protocol or self.type == "nvme")
