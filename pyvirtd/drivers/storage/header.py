"""What the head of an image file says: format, capacity, the image below.

For listings alone: a guest writes what it likes into a raw image, so nothing that is started or opened for a guest
may take its format from here. A backing file without recorded format is raw.
Source: QEMU's docs/interop/qcow2.txt, ECMA-119 for ISO images.
"""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

HEAD: Final = 0x8010
"""Bytes that `examine` wants to see: up to the descriptor of an ISO image."""
_MAGICS: Final = ((b"QFI\xfb", "qcow2"), (b"KDMV", "vmdk"), (b"LUKS\xba\xbe", "luks"), (b"QED\0", "qed"))
_FORMAT_EXTENSION: Final = 0xE2792ACA
_LONGEST: Final = 1023


class Header(NamedTuple):
    """`capacity` None: the file's size. `backing`, `backing_format`: the image below, as it is recorded."""

    format: str
    capacity: int | None = None
    backing: str | None = None
    backing_format: str | None = None
    compat: str | None = None


def examine(head: bytes) -> Header:
    """The header in the first bytes of a file; raw when they are nothing known, or are damaged."""
    found = next((name for magic, name in _MAGICS if head.startswith(magic)), None)
    if found == "qcow2":
        return _qcow2(head)
    if found is None:
        found = "iso" if head[0x8001:0x8006] == b"CD001" else "raw"
    return Header(found)


def _qcow2(head: bytes) -> Header:
    if len(head) < 104:
        return Header("raw")
    version, at, length, _, capacity = struct.unpack_from(">IQIIQ", head, 4)
    if version not in (2, 3):
        return Header("qcow" if version == 1 else "raw")
    compat = "1.1" if version == 3 else "0.10"
    if at == 0:
        return Header("qcow2", capacity, compat=compat)
    if length > _LONGEST or at + length > len(head):
        return Header("qcow2", capacity, compat=compat)
    backing = head[at : at + length].decode("utf-8", "surrogateescape")
    size = struct.unpack_from(">I", head, 100)[0] if version == 3 else 72
    return Header("qcow2", capacity, backing, _backing_format(head, size, at) or "raw", compat)


def _backing_format(head: bytes, position: int, end: int) -> str | None:
    """The header extension that records it."""
    while position + 8 <= min(end, len(head)):
        kind, length = struct.unpack_from(">II", head, position)
        if kind == 0:
            return None
        if kind == _FORMAT_EXTENSION and length <= 32:
            return head[position + 8 : position + 8 + length].decode("ascii", "replace")
        position += 8 + (length + 7 & ~7)
    return None
