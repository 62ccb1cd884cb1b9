"""`<volume>`: one disk image in a pool. Source: formatstorage.html, "Storage volume XML"."""

from __future__ import annotations

from typing import Annotated, Literal

from pyvirtd.conf.domain.source import Encryption
from pyvirtd.conf.storage.values import Mode, Owner, chosen
from pyvirtd.conf.xml import Dump, Element, at, child, children, flag, format, must, parse, size
from pyvirtd.conf.xml.types import ULong
from pyvirtd.errors import ErrorDomain

VolumeType = Literal["file", "block", "dir", "network", "netdir", "ploop"]


class BackingStore(Element, tag="backingStore"):
    """The image below; `format` is the recorded one."""

    ERRORS = ErrorDomain.STORAGE
    path: str | None = at("path")
    format: str | None = at("format/@type")
    mode: Annotated[int, Mode] | None = at("permissions/mode")
    owner: Owner | None = at("permissions/owner", keep=chosen)
    group: Owner | None = at("permissions/group", keep=chosen)
    label: str | None = at("permissions/label")


class VolumeFeatures(Element, tag="features"):
    """What a qcow2 image can have beyond the first version of the format."""

    lazy_refcounts: bool = flag("lazy_refcounts")
    extended_l2: bool = flag("extended_l2")


class Extent(Element, tag="extent"):
    """A part of the device, in bytes."""

    start: ULong = must("@start")
    end: ULong = must("@end")


class VolumeDevice(Element, tag="device"):
    """A device that a volume takes parts of. Told by the driver, not asked of clients."""

    path: str = must("@path")
    extents: list[Extent] = children()


class Volume(Element, tag="volume"):
    """Sizes are bytes. `allocation` None in a request: all of the capacity."""

    ERRORS = ErrorDomain.STORAGE
    type: VolumeType | None = at("@type")
    name: str = must("name")
    key: str | None = at("key")
    devices: list[VolumeDevice] = children(under="source", live=True)
    capacity: int | None = size("capacity", unit="bytes")
    allocation: int | None = size("allocation", unit="bytes")
    physical: int | None = size("physical", unit="bytes")
    path: str | None = at("target/path")
    format: str | None = at("target/format/@type")
    mode: Annotated[int, Mode] | None = at("target/permissions/mode")
    owner: Owner | None = at("target/permissions/owner", keep=chosen)
    group: Owner | None = at("target/permissions/group", keep=chosen)
    label: str | None = at("target/permissions/label")
    atime: str | None = at("target/timestamps/atime")
    mtime: str | None = at("target/timestamps/mtime")
    ctime: str | None = at("target/timestamps/ctime")
    btime: str | None = at("target/timestamps/btime")
    encryption: Encryption | None = child(under="target")
    compat: str | None = at("target/compat")
    nocow: bool = flag("target/nocow")
    cluster_size: int | None = size("target/clusterSize", unit="B")
    features: VolumeFeatures | None = child(under="target")
    backing: BackingStore | None = child(empty=False)


def parse_volume(xml: str | bytes, flags: int = Dump.INACTIVE, *, validate: bool = False) -> Volume:
    """A <volume> document as it stands. validate: hold it against the schema first (XMLInvalidSchema)."""
    if validate:
        from pyvirtd.conf.schema import check_schema  # compiling it is slow

        check_schema(Volume, xml, what="storage volume XML")
    return parse(Volume, xml, flags, what="storage volume XML")


def format_volume(volume: Volume, flags: int = 0) -> str:
    """The document as libvirt prints it; `flags` are those of `Dump`."""
    return format(volume, flags)
