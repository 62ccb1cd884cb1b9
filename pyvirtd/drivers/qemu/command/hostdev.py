"""Devices of the host in the guest, and USB devices redirected by clients."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pyvirtd.conf.domain.address import DriveAddress, UnassignedAddress
from pyvirtd.conf.domain.hostdev import MdevSource, PciSource, ScsiHostSource, ScsiSource, UsbSource
from pyvirtd.conf.domain.source import Host
from pyvirtd.drivers.qemu.command.blockdev import server_inet
from pyvirtd.drivers.qemu.command.chardev import add_chardev
from pyvirtd.drivers.qemu.command.interface import rom
from pyvirtd.drivers.qemu.command.virtio import virtio_driver
from pyvirtd.drivers.qemu.command.words import Props, json_word
from pyvirtd.errors import ConfigUnsupported, HostSystemError, InternalError

if TYPE_CHECKING:
    from pyvirtd.conf.domain.hostdev import Hostdev
    from pyvirtd.conf.domain.redirdev import UsbFilter
    from pyvirtd.drivers.qemu.command.builder import Builder


def add_hostdevs(b: Builder) -> None:
    for hostdev in b.devices.hostdevs:
        if hostdev.mode != "subsystem":
            raise ConfigUnsupported("hostdev: QEMU takes devices of mode subsystem only")
        if isinstance(hostdev.address, UnassignedAddress):
            continue
        match hostdev.source:
            case UsbSource():
                add_usb(b, hostdev, hostdev.source)
            case PciSource():
                add_pci(b, hostdev, hostdev.source)
            case MdevSource():
                add_mdev(b, hostdev, hostdev.source)
            case ScsiSource():
                add_scsi(b, hostdev, hostdev.source)
            case ScsiHostSource():
                add_vhost_scsi(b, hostdev, hostdev.source)
            case _:
                raise ConfigUnsupported(f"hostdev: QEMU takes no host devices of type '{hostdev.type}'")


def add_usb(b: Builder, hostdev: Hostdev, source: UsbSource) -> None:
    props: Props = {"driver": "usb-host"}
    if not source.missing:
        if source.bus is None or source.device is None or not (source.bus or source.device):
            raise InternalError("hostdev: the bus and device number of the USB device are not known")
        props["hostdevice"] = f"/dev/bus/usb/{source.bus:03d}/{source.device:03d}"
    props["id"] = hostdev.alias or ""
    if source.guest_reset is not None:
        props |= {
            "off": {"guest-reset": False},
            "uninitialized": {"guest-reset": True, "guest-resets-all": False},
            "on": {"guest-reset": True, "guest-resets-all": True},
        }[source.guest_reset]
    if order := b.boot_index(hostdev):
        props["bootindex"] = order
    b.device(b.address(hostdev, props))


def add_pci(b: Builder, hostdev: Hostdev, source: PciSource) -> None:
    host = f"{source.domain:04x}:{source.bus:02x}:{source.slot:02x}.{source.function:x}"
    props: Props = {"driver": "vfio-pci", "host": host, "id": hostdev.alias or ""}
    if order := b.boot_index(hostdev):
        props["bootindex"] = order
    if hostdev.teaming == "transient" and hostdev.teaming_persistent:
        props["failover_pair_id"] = hostdev.teaming_persistent
    b.address(hostdev, props)
    rom(hostdev, props)
    b.device(props)


def add_mdev(b: Builder, hostdev: Hostdev, source: MdevSource) -> None:
    driver = {"vfio-pci": "vfio-pci", "vfio-ccw": "vfio-ccw", "vfio-ap": "vfio-ap"}.get(hostdev.model or "")
    if driver is None:
        raise ConfigUnsupported(f"hostdev: mediated devices have no model '{hostdev.model}'")
    if hostdev.ramfb:
        driver = "vfio-pci-nohotplug"
    props: Props = {
        "driver": driver,
        "id": hostdev.alias or "",
        "sysfsdev": f"/sys/bus/mdev/devices/{source.uuid}",
    }
    if hostdev.display is not None:
        props["display"] = "on" if hostdev.display else "off"
    if hostdev.ramfb:
        props["ramfb"] = True
    if order := b.boot_index(hostdev):
        props["bootindex"] = order
    b.device(b.address(hostdev, props))


def add_scsi(b: Builder, hostdev: Hostdev, source: ScsiSource) -> None:
    """A host's logical unit, as a block node of its own and a scsi-generic device."""
    node = f"libvirt-{b.nodes[id(source)]}-backend"
    if source.protocol == "iscsi":
        b.add("-blockdev", json_word(iscsi_node(b, hostdev, source, node)))
    else:
        path = b.context.scsi_generic.get(hostdev.alias or "") or scsi_generic(source)
        b.add(
            "-blockdev",
            json_word({"driver": "host_device", "filename": path, "node-name": node, "read-only": hostdev.readonly}),
        )
    address = hostdev.address
    if not isinstance(address, DriveAddress):
        raise InternalError("hostdev: a SCSI device needs a drive address")
    props: Props = {"driver": "scsi-generic"}
    if hostdev.shareable:
        props["share-rw"] = True
    props["drive"] = node
    props["id"] = hostdev.alias or ""
    props["bus"] = f"{b.controller_alias('scsi', address.controller)}.0"
    controller = b.controller("scsi", address.controller)
    if controller is not None and controller.model == "lsilogic":
        props["scsi-id"] = address.unit
    else:
        props |= {"channel": address.bus, "scsi-id": address.target, "lun": address.unit}
    if order := b.boot_index(hostdev):
        props["bootindex"] = order
    b.device(props)


def scsi_generic(source: ScsiSource) -> str:
    """The /dev/sg of a logical unit of the host. HostSystemError when the host has no such unit."""
    host = (source.adapter or "").removeprefix("scsi_host")
    directory = f"/sys/bus/scsi/devices/{host}:{source.bus or 0}:{source.target or 0}:{source.unit or 0}/scsi_generic"
    try:
        names = os.listdir(directory)
    except OSError as e:
        raise HostSystemError(f"hostdev: the host has no such SCSI unit ({directory}: {e.strerror})") from None
    if not names:
        raise HostSystemError(f"hostdev: {directory} is empty; the unit has no generic device")
    return f"/dev/{names[0]}"


def iscsi_node(b: Builder, hostdev: Hostdev, source: ScsiSource, node: str) -> Props:
    host = source.hosts[0] if source.hosts else Host()
    target, _, lun = (source.name or "").partition("/")
    inet = server_inet(host, "iscsi")
    props: Props = {
        "driver": "iscsi",
        "portal": f"{inet['host']}:{inet['port']}",
        "target": target,
        "lun": int(lun) if lun.isdecimal() else 0,
        "transport": "tcp",
    }
    if source.auth is not None:
        value = b.context.secret(source.auth.secret_uuid, source.auth.secret_usage, "iscsi")
        props["user"] = source.auth.username
        props["password-secret"] = b.secret_object(f"{node}-secret0", value)
    if source.initiator:
        props["initiator-name"] = source.initiator
    return props | {"node-name": node, "read-only": hostdev.readonly}


def add_vhost_scsi(b: Builder, hostdev: Hostdev, source: ScsiHostSource) -> None:
    fds = b.context.vhost_fds.get(hostdev.alias or "", ())
    if not fds:
        raise InternalError(f"hostdev '{hostdev.alias}': /dev/vhost-scsi was not opened for it")
    props: Props = {
        "driver": virtio_driver(hostdev, "vhost-scsi", hostdev.model),
        "wwpn": source.wwpn or "",
        "vhostfd": str(b.inherit(fds[0])),
        "id": hostdev.alias or "",
    }
    b.device(b.address(hostdev, props))


def add_redirdevs(b: Builder) -> None:
    for device in b.devices.redirdevs:
        ident = add_chardev(b, device.backend, device.alias or "")
        props: Props = {"driver": "usb-redir", "chardev": ident, "id": device.alias or ""}
        rules = [rule for group in b.devices.redirfilters for rule in group.rules]
        if rules:
            props["filter"] = "|".join(filter_word(rule) for rule in rules)
        if order := b.boot_index(device):
            props["bootindex"] = order
        b.device(b.address(device, props))


def filter_word(rule: UsbFilter) -> str:
    """class:vendor:product:version:allow, -1 for any."""
    parts = [
        f"0x{rule.class_:02X}" if rule.class_ is not None else "-1",
        f"0x{rule.vendor:04X}" if rule.vendor is not None else "-1",
        f"0x{rule.product:04X}" if rule.product is not None else "-1",
        f"0x{rule.version:04X}" if rule.version is not None and rule.version >= 0 else "-1",
        "1" if rule.allow else "0",
    ]
    return ":".join(parts)
