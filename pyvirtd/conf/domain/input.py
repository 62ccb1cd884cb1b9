"""`<input>`: mice, keyboards, tablets and host devices. Source: formatdomain.html, "Input devices"."""

from __future__ import annotations

from typing import Literal

from pyvirtd.conf.domain.device import Device
from pyvirtd.conf.domain.virtio import VirtioDriver, VirtioModel
from pyvirtd.conf.xml import at, child, must
from pyvirtd.conf.xml.types import OnOff


class Input(Device, tag="input"):
    """An input device. `bus` None until post-parse chooses it."""

    type: Literal["mouse", "tablet", "keyboard", "passthrough", "evdev"] = must("@type")
    bus: Literal["ps2", "usb", "xen", "parallels", "virtio", "none"] | None = at("@bus", omit="none")
    model: VirtioModel | None = at("@model")
    driver: VirtioDriver | None = child(empty=False)
    evdev: str | None = at("source/@evdev")  # of passthrough
    dev: str | None = at("source/@dev")  # of evdev
    grab: Literal["all"] | None = at("source/@grab")
    grab_toggle: Literal[
        "ctrl-ctrl", "alt-alt", "shift-shift", "meta-meta", "scrolllock", "ctrl-scrolllock"
    ] | None = at("source/@grabToggle")  # fmt: skip
    repeat: OnOff | None = at("source/@repeat")
