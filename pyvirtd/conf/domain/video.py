"""`<video>`: graphics cards. Memory sizes are in KiB. Source: formatdomain.html, "Video devices"."""

from __future__ import annotations

from typing import Literal

from pyvirtd.conf.domain.device import Device
from pyvirtd.conf.domain.virtio import AFTER_VIRTIO, VirtioDriver
from pyvirtd.conf.xml import at, child
from pyvirtd.conf.xml.types import OnOff, UInt, YesNo

VideoModel = Literal[
    "default", "vga", "cirrus", "vmvga", "xen", "vbox", "qxl", "parallels", "virtio", "gop", "none", "bochs", "ramfb"
]


class VideoDriver(VirtioDriver):
    """Which backend renders, and when VGA I/O is offered (bhyve)."""

    vgaconf: Literal["io", "on", "off"] | None = at("@vgaconf", tail=AFTER_VIRTIO)
    name: Literal["qemu", "vhostuser"] | None = at("@name", tail=AFTER_VIRTIO)


class Video(Device, tag="video"):
    """A graphics card."""

    driver: VideoDriver | None = child(empty=False)
    model: VideoModel | None = at("model/@type")
    ram: UInt | None = at("model/@ram", omit=0)
    vram: UInt | None = at("model/@vram", omit=0)
    vram64: UInt | None = at("model/@vram64", omit=0)
    vgamem: UInt | None = at("model/@vgamem", omit=0)
    heads: UInt | None = at("model/@heads", omit=0)
    primary: YesNo | None = at("model/@primary", omit=False)
    blob: OnOff | None = at("model/@blob")
    edid: OnOff | None = at("model/@edid")
    accel3d: YesNo | None = at("model/acceleration/@accel3d")
    accel2d: YesNo | None = at("model/acceleration/@accel2d")
    rendernode: str | None = at("model/acceleration/@rendernode")
    resolution_x: UInt | None = at("model/resolution/@x")
    resolution_y: UInt | None = at("model/resolution/@y")
