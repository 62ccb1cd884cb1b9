"""`<filesystem>`: host directories in the guest. Sizes are in bytes. Source: formatdomain.html, "Filesystems"."""

from __future__ import annotations

from typing import Annotated, Literal

from pyvirtd.conf.domain.device import AFTER, BootDevice
from pyvirtd.conf.domain.source import StorageFormat
from pyvirtd.conf.domain.virtio import VirtioDriver, VirtioModel
from pyvirtd.conf.xml import Element, at, child, flag, size
from pyvirtd.conf.xml.types import Codec, OnOff, UInt, ULong

FilesystemType = Literal["mount", "block", "file", "template", "ram", "bind", "volume"]


def _mode(text: str) -> int:
    if not text or len(text) > 6 or set(text) - set("01234567"):
        raise ValueError
    value = int(text, 8)
    if value > 0o777:
        raise ValueError
    return value


Mode = Annotated[int, Codec(_mode, lambda mode: f"{mode:04o}", right="an octal mode up to 0777", pattern="[0-7]+")]


class FilesystemDriver(VirtioDriver):
    """What provides the files."""

    type: Literal["path", "handle", "loop", "nbd", "ploop", "virtiofs", "mtp", "default"] | None = at("@type")
    format: StorageFormat | None = at("@format")
    wrpolicy: Literal["immediate"] | None = at("@wrpolicy")
    queue: ULong | None = at("@queue", omit=0)


class FilesystemBinary(Element, tag="binary"):
    """The virtiofs daemon."""

    path: str | None = at("@path")
    xattr: OnOff | None = at("@xattr")
    cache: Literal["none", "always", "auto"] | None = at("cache/@mode")
    sandbox: Literal["namespace", "chroot"] | None = at("sandbox/@mode")
    posix_lock: OnOff | None = at("lock/@posix")
    flock: OnOff | None = at("lock/@flock")
    thread_pool: UInt | None = at("thread_pool/@size")
    openfiles: UInt | None = at("openfiles/@max")


class FilesystemSource(Element, tag="source"):
    """Where the files are; which attributes count follows from the type."""

    dir: str | None = at("@dir")
    file: str | None = at("@file")
    dev: str | None = at("@dev")
    name: str | None = at("@name")
    socket: str | None = at("@socket")
    usage: ULong | None = at("@usage")
    units: str | None = at("@units")
    pool: str | None = at("@pool")
    volume: str | None = at("@volume")

    def parsed(self, flags: int) -> None:
        """A size without unit counts in KiB."""
        if self.usage is not None and self.units is None:
            self.units = "KiB"


class Filesystem(BootDevice, tag="filesystem"):
    """A shared directory: `source` on the host, `target` in the guest (a mount tag for QEMU)."""

    type: FilesystemType = at("@type", "mount")
    accessmode: Literal["passthrough", "mapped", "squash", "default"] | None = at("@accessmode")
    model: VirtioModel | None = at("@model")
    multidevs: Literal["default", "remap", "forbid", "warn"] | None = at("@multidevs", omit="default")
    fmode: Mode | None = at("@fmode")
    dmode: Mode | None = at("@dmode")
    driver: FilesystemDriver | None = child(empty=False)
    binary: FilesystemBinary | None = child(empty=False)
    source: FilesystemSource | None = child(empty=False)
    target: str | None = at("target/@dir")
    readonly: bool = flag("readonly")
    space_hard_limit: int | None = size("space_hard_limit", unit="bytes", omit=0, tail=AFTER)
    space_soft_limit: int | None = size("space_soft_limit", unit="bytes", omit=0, tail=AFTER)
