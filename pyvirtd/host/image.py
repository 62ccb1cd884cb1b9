"""How large a disk image is, from the outside: what the file system says, and the header of the recorded format.

The format is never guessed: a guest can write whatever it likes into a raw image.
"""

from __future__ import annotations

import os
import stat
from typing import Final, NamedTuple

_QCOW_MAGIC: Final = b"QFI\xfb"
_HEADER: Final = 512


class ImageSize(NamedTuple):
    """Bytes: `capacity` as the guest sees it, `allocation` that the host spends, `physical` end of the file."""

    capacity: int
    allocation: int
    physical: int


def measure(path: str, format: str | None = None) -> ImageSize | None:
    """The sizes of an image file or block device; None when it is absent or may not be read.

    `format` is the recorded one; for raw (and None, and formats whose header we do not read) the capacity is the size.
    Blocks on a file system that hangs: call it in a thread.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    except OSError:
        return None
    try:
        info = os.fstat(fd)
        if stat.S_ISBLK(info.st_mode):
            size = os.lseek(fd, 0, os.SEEK_END)
            allocation = size
        elif stat.S_ISREG(info.st_mode):
            size, allocation = info.st_size, info.st_blocks * 512
        else:
            return None
        capacity = size
        if format in ("qcow2", "qcow"):
            capacity = _qcow_capacity(os.pread(fd, _HEADER, 0)) or size
        return ImageSize(capacity, allocation, size)
    except OSError:
        return None
    finally:
        os.close(fd)


def _qcow_capacity(header: bytes) -> int | None:
    """The virtual size: 8 bytes at 24, in both versions. Source: QEMU's docs/interop/qcow2.txt."""
    if len(header) < 32 or header[:4] != _QCOW_MAGIC:
        return None
    return int.from_bytes(header[24:32], "big")
