"""Disks: their block nodes and the device in front of them."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from pyvirtd.conf.domain.address import DriveAddress, PciAddress
from pyvirtd.conf.domain.source import BackingStore, StorageSource
from pyvirtd.drivers.qemu.command.blockdev import CACHE_MODES, Image, add_image
from pyvirtd.drivers.qemu.command.virtio import virtio_driver, virtio_props
from pyvirtd.drivers.qemu.command.words import Props, json_word, option_word
from pyvirtd.drivers.qemu.postparse.machine import is_q35
from pyvirtd.errors import ConfigUnsupported, InternalError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyvirtd.conf.domain.disk import Disk
    from pyvirtd.drivers.qemu.command.builder import Builder

COPY_ON_READ_FORMATS = ("qcow", "qcow2", "qed", "vmdk", "vhd", "cow")


def chain(disk: Disk) -> Iterator[tuple[str, StorageSource, BackingStore | None]]:
    """(format, source, the element) of every image, the topmost (element None) first."""
    if disk.source is None:
        return
    yield disk.format, disk.source, None
    store = disk.backing
    while store is not None and store.type is not None and store.source is not None:
        yield (store.format.type if store.format is not None else "raw"), store.source, store
        store = store.backing


def terminated(disk: Disk) -> bool:
    """Whether the definition itself says where the chain ends (<backingStore/>)."""
    store = disk.backing
    while store is not None:
        if store.type is None:
            return True
        store = store.backing
    return False


def number_nodes(b: Builder) -> None:
    """libvirt numbers images from the last disk's backwards; an empty drive has a number too. Those of a live
    definition have theirs already (`images.settle_images`)."""
    number = 0
    for disk in reversed(b.devices.disks):
        if disk.type == "vhostuser" or disk.bus == "sd":
            continue
        if disk.empty:
            number += 1
            continue
        for _, source, store in chain(disk):
            number += 1
            b.nodes[id(source)] = (source.index if store is None else store.index) or number
    for hostdev in b.devices.hostdevs:
        if hostdev.type == "scsi":
            number += 1
            b.nodes[id(hostdev.source)] = number


def add_disks(b: Builder) -> None:
    """All disks. The first of a boot device class gets its boot index."""
    for disk in b.devices.disks:
        if not disk.transient_share_backing:  # those are plugged in once their overlay exists
            add_disk(b, disk)


def disk_images(b: Builder, disk: Disk) -> list[Image]:
    """The chain of a disk as images to open, bottom first."""
    driver = disk.driver
    images: list[Image] = []
    listed = list(chain(disk))
    ends = terminated(disk)
    for position, (kind, source, store) in enumerate(listed):
        top = store is None
        image = Image(
            storage=disk.type if store is None else store.type or "file",
            source=source,
            format=kind,
            name=f"libvirt-{b.nodes[id(source)]}",
            readonly=disk.readonly or disk.device == "cdrom" or not top or (disk.transient and not top),
            cache=cache_mode(disk),
            io=driver.io if driver else None,
            discard=driver.discard if driver else None,
            detect_zeroes=driver.detect_zeroes if driver and top else None,
            discard_no_unref=driver.discard_no_unref if driver and top else None,
            metadata_cache=(driver.metadata_cache if driver else None)
            if store is None
            else (store.format.metadata_cache if store.format else None),
            encryption=source.encryption or (disk.encryption if top else None),
            auth=source.auth or (disk.auth if top else None),
            floppy=disk.device == "floppy",
            terminated=ends and position == len(listed) - 1,
        )
        reservations = source.reservations
        if reservations is not None:
            image.pr_manager = "pr-helper0" if reservations.managed else f"pr-helper-{image.storage_node}"
        images.append(image)
    for above, below in pairwise(images):
        above.backing = below.format_node
    images.reverse()
    return images


def add_disk(b: Builder, disk: Disk) -> None:
    """Nodes, the copy-on-read filter, throttling being set at run time, and the device."""
    if disk.type == "vhostuser":
        add_vhost_user(b, disk)
        b.device(device_props(b, disk, None))
        return
    if disk.bus == "sd":
        add_sd(b, disk)
        return
    top: str | None = None
    if not disk.empty:
        for image in disk_images(b, disk):
            reservations = image.source.reservations
            if reservations is not None and not reservations.managed:
                path = reservations.path or ""
                b.object({"qom-type": "pr-manager-helper", "id": image.pr_manager or "", "path": path})
            top = add_image(b, image)
        if disk.driver is not None and disk.driver.copy_on_read:
            node = f"libvirt-CoR-{disk.target}"
            b.add(
                "-blockdev",
                json_word({"driver": "copy-on-read", "node-name": node, "file": top or "", "discard": "unmap"}),
            )
            top = node
    b.device(device_props(b, disk, top))


def add_sd(b: Builder, disk: Disk) -> None:
    """SD cards are the one kind that only the old -drive knows."""
    path = disk.source.where if disk.source is not None else ""
    index = ord((disk.target or "sda")[-1]) - ord("a")
    pairs: list[tuple[str, str | int | bool | None]] = [
        ("file", path), ("format", disk.format), ("if", "sd"), ("index", index),
    ]  # fmt: skip
    b.add("-drive", option_word(None, [*pairs, ("readonly", True if disk.readonly else None)]))


def add_vhost_user(b: Builder, disk: Disk) -> None:
    """The socket of a vhost-user block device."""
    source = disk.source
    if source is None or not source.path:
        raise InternalError(f"disk '{disk.target}': a vhostuser source needs a path")
    pairs: list[tuple[str, str | int | bool | None]] = [("id", f"chr-vu-{disk.alias}"), ("path", source.path)]
    if source.reconnect is not None and source.reconnect.enabled:
        pairs.append(("reconnect", source.reconnect.timeout))
    b.add("-chardev", option_word("socket", pairs))


def cache_mode(disk: Disk) -> str | None:
    """The cache mode; a disk that several guests write to goes past the host's cache."""
    cache = disk.driver.cache if disk.driver is not None else None
    if disk.shareable and not disk.readonly and not cache:
        return "none"
    return cache


def write_cache(disk: Disk) -> str | None:
    """The guest-visible write cache follows from the cache mode; None when the disk says nothing."""
    cache = cache_mode(disk)
    if cache not in CACHE_MODES or disk.bus == "fdc" or disk.device == "lun" or disk.type == "vhostuser":
        return None
    return "off" if cache in ("writethrough", "directsync") else "on"


def device_props(b: Builder, disk: Disk, node: str | None) -> Props:
    """The -device of a disk, in libvirt's key order."""
    props: Props
    match disk.bus:
        case "ide" | "sata":
            props = {"driver": "ide-cd" if disk.device == "cdrom" else "ide-hd"}
            _drive_bus(b, disk, props)
        case "scsi":
            props = scsi_props(b, disk)
        case "virtio":
            props = virtio_disk_props(b, disk)
        case "usb":
            props = {"driver": "usb-storage"}
            b.address(disk, props)
        case "fdc":
            props = {"driver": "floppy"}
            if isinstance(disk.address, DriveAddress):
                props["unit"] = disk.address.unit
        case _:
            raise ConfigUnsupported(f"disk '{disk.target}': QEMU has no device for bus '{disk.bus}'")
    if disk.shareable and disk.bus not in ("fdc",):
        props["share-rw"] = True
    if disk.type == "vhostuser":
        props["chardev"] = f"chr-vu-{disk.alias}"
    elif node is not None:
        props["drive"] = node
    props["id"] = disk.alias or ""
    if disk.bus != "fdc" and (order := b.boot_index(disk)):
        props["bootindex"] = order
    _geometry(disk, props)
    if disk.rotation_rate:
        props["rotation_rate"] = disk.rotation_rate
    cache = write_cache(disk)
    if cache is not None:
        props["write-cache"] = cache
    _identity(disk, props)
    if disk.driver is not None and disk.driver.error_policy:
        policy = disk.driver.error_policy
        props["werror"] = policy
        props["rerror"] = disk.driver.rerror_policy or ("report" if policy == "enospace" else policy)
    elif disk.driver is not None and disk.driver.rerror_policy:
        props["rerror"] = disk.driver.rerror_policy
    return props


def _drive_bus(b: Builder, disk: Disk, props: Props) -> None:
    address = disk.address
    if not isinstance(address, DriveAddress):
        raise InternalError(f"disk '{disk.target}': no drive address was assigned")
    alias = b.controller_alias(disk.bus or "ide", address.controller)
    if disk.bus == "ide":
        props["bus"] = f"{alias}.{address.bus}"
        props["unit"] = address.unit
    else:
        props["bus"] = f"{alias}.{address.unit}"


def scsi_props(b: Builder, disk: Disk) -> Props:
    """scsi-hd, scsi-cd or scsi-block; old parallel controllers address by id alone."""
    address = disk.address
    if not isinstance(address, DriveAddress):
        raise InternalError(f"disk '{disk.target}': no drive address was assigned")
    driver = {"lun": "scsi-block", "cdrom": "scsi-cd"}.get(disk.device, "scsi-hd")
    alias = b.controller_alias("scsi", address.controller)
    controller = b.controller("scsi", address.controller)
    props: Props = {"driver": driver, "bus": f"{alias}.0"}
    if controller is not None and controller.model == "lsilogic":
        if address.target:
            raise ConfigUnsupported(f"disk '{disk.target}': an lsilogic controller has target 0 only")
        props["scsi-id"] = address.unit
    else:
        props["channel"] = address.bus
        props["scsi-id"] = address.target
        props["lun"] = address.unit
    if driver != "scsi-block":
        props["device_id"] = disk.serial or f"drive-{scsi_drive_name(disk, address, controller)}"
    return props


def scsi_drive_name(disk: Disk, address: DriveAddress, controller: object) -> str:
    """The name that stands in for a serial number: the alias libvirt itself would choose."""
    if getattr(controller, "model", None) == "lsilogic":
        return f"scsi{address.controller}-{address.bus}-{address.unit}"
    return f"scsi{address.controller}-{address.bus}-{address.target}-{address.unit}"


def virtio_disk_props(b: Builder, disk: Disk) -> Props:
    base = "vhost-user-blk" if disk.type == "vhostuser" else "virtio-blk"
    props: Props = {"driver": virtio_driver(disk, base, disk.model)}
    driver = disk.driver
    if driver is not None and driver.iothread:
        props["iothread"] = f"iothread{driver.iothread}"
    virtio_props(driver, props)
    if driver is not None:
        if driver.ioeventfd is not None:
            props["ioeventfd"] = driver.ioeventfd
        if driver.event_idx is not None:
            props["event_idx"] = driver.event_idx
    if disk.device == "lun":
        props["scsi"] = True
    if driver is not None and driver.queues:
        props["num-queues"] = driver.queues
    if driver is not None and driver.queue_size:
        props["queue-size"] = driver.queue_size
    b.address(disk, props)
    return props


def _geometry(disk: Disk, props: Props) -> None:
    if disk.blockio is not None:
        if disk.blockio.logical_block_size:
            props["logical_block_size"] = disk.blockio.logical_block_size
        if disk.blockio.physical_block_size:
            props["physical_block_size"] = disk.blockio.physical_block_size
        if disk.blockio.discard_granularity is not None:
            props["discard_granularity"] = disk.blockio.discard_granularity
    geometry = disk.geometry
    if geometry is not None and geometry.cyls and geometry.heads and geometry.secs:
        props |= {"cyls": geometry.cyls, "heads": geometry.heads, "secs": geometry.secs}
        if geometry.trans is not None and disk.bus == "ide":
            props["bios-chs-trans"] = geometry.trans


def _identity(disk: Disk, props: Props) -> None:
    if disk.wwn:
        props["wwn"] = int(disk.wwn, 16)
    if disk.vendor:
        props["vendor"] = disk.vendor
    if disk.product:
        props["product"] = disk.product
    if disk.bus == "usb":
        props["removable"] = bool(disk.removable)
    if disk.serial:
        props["serial"] = disk.serial


def add_floppy_controllers(b: Builder) -> None:
    """Boot order and presence of floppies: the board's own controller by -global, otherwise a device."""
    floppies = [d for d in b.devices.disks if d.bus == "fdc"]
    if not floppies:
        return
    explicit = is_q35(b.definition)
    device: Props = {"driver": "isa-fdc"}
    for disk in floppies:
        letter = "B" if isinstance(disk.address, DriveAddress) and disk.address.unit else "A"
        if order := b.boot_index(disk):
            device[f"bootindex{letter}"] = order
    if explicit:
        b.device(device)
    else:
        for key, value in device.items():
            if key != "driver":
                b.add("-global", f"isa-fdc.{key}={value}")


def on_pci(disk: Disk) -> bool:
    return isinstance(disk.address, PciAddress)
