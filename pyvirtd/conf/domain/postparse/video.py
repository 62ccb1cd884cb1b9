"""Video cards: memory, heads, and which one is first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyvirtd.conf.domain.video import Video, VideoModel
from pyvirtd.errors import ConfigUnsupported, ErrorDomain

if TYPE_CHECKING:
    from pyvirtd.conf.domain.devices import Devices

_VRAM = {"vga": 16384, "cirrus": 16384, "vmvga": 16384, "bochs": 16384, "xen": 4096, "qxl": 65536}  # KiB
_QXL_RAM = 65536


def add_video(devices: Devices, model: VideoModel | None) -> None:
    """A screen needs a card."""
    if devices.graphics and not devices.videos:
        devices.videos.append(Video(model=model))


def complete_video(video: Video) -> None:
    """Memory by model, in powers of two; one head."""
    if video.model == "none":
        video.ram = video.vram = video.vram64 = video.vgamem = video.heads = None
        return
    if video.heads is None:
        video.heads = 1
    if video.model == "qxl":
        video.ram = _power(video.ram or _QXL_RAM)
    video.vram = _power(video.vram or _VRAM.get(video.model or "", 0)) or None


def choose_primary(devices: Devices) -> None:
    """The first card is primary when none says it is. ConfigUnsupported for more than one."""
    if sum(bool(video.primary) for video in devices.videos) > 1:
        raise ConfigUnsupported("only one video device can be primary", domain=ErrorDomain.DOMAIN)
    if devices.videos and devices.videos[0].model != "none" and not any(video.primary for video in devices.videos):
        devices.videos[0].primary = True


def _power(value: int) -> int:
    return 1 << (value - 1).bit_length() if value else 0
