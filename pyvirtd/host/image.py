"""What a disk image is, from the outside: its size, and the image below it, by the header of the recorded format.

The format is never guessed: a guest can write whatever it likes into a raw image.
"""

from __future__ import annotations

import os
import stat
import struct
from typing import Final, NamedTuple

_QCOW_MAGIC: Final = b"QFI\xfb"
_HEADER: Final = 512
_HEAD: Final = 65536  # an image's header, its extensions and the name of the image below are in its first cluster
_LONGEST_NAME: Final = 1023
_FORMAT_EXTENSION: Final = 0xE2792ACA


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


class Backing(NamedTuple):
    """The image below an image, as that one's header has it. `format` is None where none is recorded."""

    name: str
    format: str | None


def backing_of(path: str, format: str) -> Backing | None:
    """What is recorded in an image of that format as the image below it; None: it stands alone, or is of a format
    whose header we do not read. OSError when it cannot be read, ValueError when its header is damaged.

    Blocks on a file system that hangs: call it in a thread. Source: QEMU's docs/interop/qcow2.txt.
    """
    if format not in ("qcow2", "qcow"):
        return None
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    try:
        head = os.pread(fd, _HEAD, 0)
    finally:
        os.close(fd)
    if len(head) < 32 or head[:4] != _QCOW_MAGIC:
        raise ValueError(f"{path} is no {format} image")
    version, at, length = struct.unpack_from(">IQI", head, 4)
    if at == 0:
        return None
    if not 0 < length <= _LONGEST_NAME or at + length > len(head):
        raise ValueError(f"the header of {path} is damaged: the name of the image below it is not in it")
    name = os.fsdecode(head[at : at + length])
    extensions = struct.unpack_from(">I", head, 100)[0] if version >= 3 and len(head) >= 104 else 72
    return Backing(name, _recorded_format(head, extensions, at) if version >= 2 else None)


def _recorded_format(head: bytes, position: int, end: int) -> str | None:
    """The header extension that says of which format the image below is."""
    while position + 8 <= min(end, len(head)):
        kind, length = struct.unpack_from(">II", head, position)
        if kind == 0:
            return None
        if kind == _FORMAT_EXTENSION and length <= 32:
            return head[position + 8 : position + 8 + length].decode("ascii", "replace")
        position += 8 + (length + 7 & ~7)
    return None
