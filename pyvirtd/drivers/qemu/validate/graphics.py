"""Displays and graphics cards that QEMU can't have together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyvirtd.conf.domain.graphics import DBus, EglHeadless, Sdl, Spice
from pyvirtd.errors import ConfigUnsupported

if TYPE_CHECKING:
    from pyvirtd.conf.domain.domain import DomainDef
    from pyvirtd.drivers.qemu.validate.host import HostFacts


def check_graphics(definition: DomainDef, host: HostFacts) -> None:
    rendering = 0
    for graphics in definition.devices.graphics:
        if isinstance(graphics, Spice) and graphics.tls_port and graphics.tls_port > 0 and not host.spice_tls:
            raise ConfigUnsupported("graphics: SPICE has a TLS port, but TLS is switched off in the configuration")
        if isinstance(graphics, EglHeadless) or (isinstance(graphics, Spice | Sdl | DBus) and graphics.gl):
            rendering += 1
    if rendering > 1:
        raise ConfigUnsupported("graphics: QEMU renders OpenGL for one display only")
    check_videos(definition)


def check_videos(definition: DomainDef) -> None:
    videos = definition.devices.videos
    for video in videos:
        if video.model == "none" and len(videos) > 1:
            raise ConfigUnsupported("video: model none means no graphics card; remove the other ones")
    for video in videos[1:]:
        if video.primary:
            raise ConfigUnsupported("video: only one graphics card can be the primary one")
        if video.model not in ("qxl", "virtio", "bochs", "vga", "ramfb", "none"):
            raise ConfigUnsupported(f"video: a second graphics card can't be of model {video.model}; qxl or virtio can")
