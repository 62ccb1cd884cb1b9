"""Graphics cards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyvirtd.conf.domain.address import CcwAddress
from pyvirtd.drivers.qemu.command.virtio import virtio_props
from pyvirtd.drivers.qemu.command.words import Props
from pyvirtd.errors import ConfigUnsupported, InternalError

if TYPE_CHECKING:
    from pyvirtd.conf.domain.video import Video
    from pyvirtd.drivers.qemu.command.builder import Builder

PRIMARY = {"vga": "VGA", "cirrus": "cirrus-vga", "vmvga": "vmware-svga", "qxl": "qxl-vga", "virtio": "virtio-vga",
           "bochs": "bochs-display", "ramfb": "ramfb"}  # fmt: skip
SECONDARY = {"qxl": "qxl", "virtio": "virtio-gpu"}


def add_videos(b: Builder) -> None:
    for position, video in enumerate(b.devices.videos):
        if video.model == "none":
            continue
        b.device(video_props(b, video, primary=bool(video.primary) or position == 0))


def driver_name(b: Builder, video: Video, primary: bool) -> str:
    model = video.model or ""
    if video.driver is not None and video.driver.name == "vhostuser":
        base = "vhost-user-vga" if primary and b.caps.has_device("vhost-user-vga") else "vhost-user-gpu-pci"
        return base
    if model == "virtio":
        gl = bool(video.accel3d)
        suffix = "-gl" if gl and b.caps.has_device("virtio-gpu-gl-device") else ""
        if isinstance(video.address, CcwAddress):
            return "virtio-gpu-ccw"
        if primary and b.caps.has_device("virtio-vga"):
            return f"virtio-vga{suffix}"
        return f"virtio-gpu{suffix}-pci"
    found = PRIMARY.get(model) if primary else SECONDARY.get(model, PRIMARY.get(model))
    if found is None:
        raise ConfigUnsupported(f"video: QEMU has no graphics card of type '{model}'")
    return found


def video_props(b: Builder, video: Video, primary: bool) -> Props:
    """The -device of a card; memory in bytes or MiB as each device wants it."""
    name = driver_name(b, video, primary)
    props: Props = {"driver": name}
    virtio_props(video.driver, props)
    props["id"] = video.alias or ""
    if video.model == "virtio" and video.accel3d is not None and not name.count("-gl"):
        if b.caps.has_property("virtio-gpu-device", "virgl") and not b.caps.has_device("virtio-gpu-gl-device"):
            props["virgl"] = video.accel3d
    if name.startswith("vhost-user"):
        fd = b.context.gpu_fds.get(video.alias or "")
        if fd is None:
            raise InternalError(f"video '{video.alias}': no vhost-user-gpu was started for it")
        props["max_outputs"] = video.heads or 1
        props["chardev"] = f"chr-vu-{video.alias}"
    elif video.model in ("virtio", "qxl"):
        props["max_outputs"] = video.heads or 1
    if video.model == "qxl":
        props |= {
            "ram_size": (video.ram or 0) * 1024,
            "vram_size": (video.vram or 0) * 1024,
            "vram64_size_mb": (video.vram64 or 0) // 1024,
            "vgamem_mb": (video.vgamem or 0) // 1024,
        }
    elif video.model in ("vga", "vmvga") and video.vram:
        props["vgamem_mb"] = video.vram // 1024
    elif video.model == "bochs" and video.vram:
        props["vgamem"] = video.vram * 1024
    if video.blob is not None:
        props["blob"] = video.blob
    if video.edid is not None:
        props["edid"] = video.edid
    if video.resolution_x and video.resolution_y:
        props["xres"] = video.resolution_x
        props["yres"] = video.resolution_y
    return b.address(video, props)
