"""`<volume>`: one disk image in a pool. Source: formatstorage.html, "Storage volume XML"."""

from __future__ import annotations

from typing import Annotated, Literal

from pyvirtd.conf.storage.values import Mode
from pyvirtd.conf.xml import Element, at, child, must, size
from pyvirtd.conf.xml.types import Int

VolumeType = Literal["file", "block", "dir", "network", "netdir", "ploop"]


class BackingStore(Element, tag="backingStore"):
    """The image below; `format` is the recorded one."""

    path: str | None = at("path")
    format: str | None = at("format/@type")


class Volume(Element, tag="volume"):
    """Sizes are bytes. `allocation` None in a request: all of the capacity."""

    type: VolumeType | None = at("@type")
    name: str = must("name")
    key: str | None = at("key")
    capacity: int | None = size("capacity", unit="bytes")
    allocation: int | None = size("allocation", unit="bytes")
    physical: int | None = size("physical", unit="bytes")
    path: str | None = at("target/path")
    format: str | None = at("target/format/@type")
    mode: Annotated[int, Mode] | None = at("target/permissions/mode")
    owner: Int | None = at("target/permissions/owner")
    group: Int | None = at("target/permissions/group")
    atime: str | None = at("target/timestamps/atime")
    mtime: str | None = at("target/timestamps/mtime")
    ctime: str | None = at("target/timestamps/ctime")
    compat: str | None = at("target/compat")
    backing: BackingStore | None = child(empty=False)
