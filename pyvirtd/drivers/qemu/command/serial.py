"""Serial and parallel ports, consoles and channels: the guest's side."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pyvirtd.conf.domain.address import IsaAddress, VirtioSerialAddress
from pyvirtd.drivers.qemu.command.chardev import add_chardev
from pyvirtd.drivers.qemu.command.words import Props, json_word
from pyvirtd.errors import ConfigUnsupported

if TYPE_CHECKING:
    from pyvirtd.conf.domain.chardev import Channel, Console, Serial
    from pyvirtd.drivers.qemu.command.builder import Builder

SERIAL_DRIVERS = {"isa-serial", "usb-serial", "pci-serial", "spapr-vty", "isa-debugcon"}
SYSTEM_SERIAL = {"pl011", "16550a"}


def add_serials(b: Builder) -> None:
    """Serial ports, then parallel ports."""
    for serial in b.devices.serials:
        if serial.backend.type == "spiceport" and not has_spice(b):
            continue
        ident = add_chardev(b, serial.backend, serial.alias or "")
        add_serial_device(b, serial, ident)
    for parallel in b.devices.parallels:
        ident = add_chardev(b, parallel.backend, parallel.alias or "")
        b.device({"driver": "isa-parallel", "chardev": ident, "id": parallel.alias or ""})


def has_spice(b: Builder) -> bool:
    return any(g.type == "spice" for g in b.devices.graphics)


def add_serial_device(b: Builder, serial: Serial, ident: str) -> None:
    """Ports of the board itself go by -serial; all others are devices."""
    model = serial.model or "isa-serial"
    if model in SYSTEM_SERIAL:
        b.add("-serial", f"chardev:{ident}")
        return
    if model == "sclpconsole" or model == "sclplmconsole":
        b.device({"driver": model, "chardev": ident, "id": serial.alias or ""})
        return
    if model not in SERIAL_DRIVERS:
        raise ConfigUnsupported(f"serial: QEMU has no serial port model '{model}'")
    props: Props = {"driver": model, "chardev": ident, "id": serial.alias or ""}
    if model == "isa-serial":
        props["index"] = serial.port or 0
    if model == "isa-debugcon" and isinstance(serial.address, IsaAddress) and serial.address.iobase is not None:
        props["iobase"] = serial.address.iobase
    b.device(b.address(serial, props))


def channel_path(b: Builder, channel: Channel) -> str:
    """Where the socket of a channel without a path is made."""
    name = channel.name
    if not name and isinstance(channel.address, VirtioSerialAddress):
        address = channel.address
        name = f"vioser-{address.controller:02d}-{address.bus:02d}-{address.port:02d}.sock"
    return os.path.join(b.context.channel_dir, name or channel.alias or "")


def add_channels(b: Builder) -> None:
    for channel in b.devices.channels:
        alias = channel.alias or ""
        ident = add_chardev(b, channel.backend, alias, default_path=channel_path(b, channel))
        if channel.target_type == "guestfwd":
            forward = f"tcp:{channel.address_target}:{channel.port}-chardev:{ident}"
            b.add("-netdev", json_word({"type": "user", "guestfwd": [{"str": forward}], "id": alias}))
        elif channel.target_type == "virtio":
            props: Props = {"driver": "virtserialport"}
            b.address(channel, props)
            props |= {"chardev": ident, "id": alias}
            name = channel.name or default_name(channel)
            if name:
                props["name"] = name
            b.device(props)
        else:
            raise ConfigUnsupported(f"channel: QEMU has no channel target of type '{channel.target_type}'")


def default_name(channel: Channel) -> str | None:
    if channel.backend.type in ("spicevmc", "qemu-vdagent"):
        return "com.redhat.spice.0"
    return None


def add_consoles(b: Builder) -> None:
    """The first console may only repeat a serial port: it has no device of its own then."""
    for console in b.devices.consoles:
        alias = console.alias or ""
        match console.target_type:
            case "virtio":
                ident = add_chardev(b, console.backend, alias)
                props: Props = {"driver": "virtconsole"}
                b.address(console, props)
                b.device(props | {"chardev": ident, "id": alias})
            case "sclp" | "sclplm":
                ident = add_chardev(b, console.backend, alias)
                b.device({"driver": f"{console.target_type}console", "chardev": ident, "id": alias})
            case "serial" | None:
                pass
            case _:
                raise ConfigUnsupported(f"console: QEMU has no console target of type '{console.target_type}'")


def is_serial(console: Console) -> bool:
    """Whether that console is the first serial port under another name."""
    return console.target_type in (None, "serial")
