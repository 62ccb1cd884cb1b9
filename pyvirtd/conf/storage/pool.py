"""`<pool>`: a place that volumes live in. Source: formatstorage.html, "Storage pool XML"."""

from __future__ import annotations

from typing import Annotated, Literal

from pyvirtd.conf.storage.source import PoolSource
from pyvirtd.conf.storage.values import Mode, Owner, chosen, clean_path
from pyvirtd.conf.xml import Dump, Element, at, child, children, format, inline, must, namespace, parse, size, texts
from pyvirtd.conf.xml.types import Uuid, YesNo
from pyvirtd.errors import ConfigUnsupported, ErrorDomain, XMLError

PoolType = Literal[
    "dir", "fs", "netfs", "logical", "disk", "iscsi", "iscsi-direct", "scsi", "mpath", "rbd", "sheepdog", "gluster",
    "zfs", "vstorage",
]  # fmt: skip


class RbdOption(Element, tag="rbd:option"):
    """One setting of librados."""

    name: str = must("@name")
    value: str = must("@value")


class RbdNamespace(Element):
    """Settings for librados, as they are."""

    ns = namespace("rbd")
    options: list[RbdOption] = children(under="rbd:config_opts")


class FsNamespace(Element):
    """Options for mount, as they are."""

    ns = namespace("fs")
    options: list[str] = texts("fs:mount_opts/fs:option/@name")


class Pool(Element, tag="pool"):
    """Sizes are bytes, told of an active pool, else 0. `owner` and `group` are numbers, -1: the daemon's own."""

    ERRORS = ErrorDomain.STORAGE
    type: PoolType = must("@type")
    fs: FsNamespace | None = inline(FsNamespace, optional=True, tail=1)
    rbd: RbdNamespace | None = inline(RbdNamespace, optional=True, tail=1)
    name: str = at("name", "")
    uuid: Uuid | None = at("uuid")
    capacity: int = size("capacity", 0, unit="bytes")
    allocation: int = size("allocation", 0, unit="bytes")
    available: int = size("available", 0, unit="bytes")
    cow: YesNo | None = at("features/cow/@state")
    source: PoolSource = child(PoolSource, always=True)
    target: str | None = at("target/path")
    mode: Annotated[int, Mode] | None = at("target/permissions/mode")
    owner: Owner | None = at("target/permissions/owner", keep=chosen)
    group: Owner | None = at("target/permissions/group", keep=chosen)
    label: str | None = at("target/permissions/label")
    refresh_allocation: Literal["default", "capacity"] | None = at(
        "refresh/volume/@allocation", bad=ConfigUnsupported
    )

    def parsed(self, flags: int) -> None:
        """A name is one, and a target is an absolute path. A pool without name is named after its source."""
        self.name = self.name or self.source.name or ""
        if not self.name.strip() or "/" in self.name:
            raise XMLError(f"line {self.line}: a pool can't be named {self.name!r}: a name has no '/' and isn't empty")
        if self.target is not None:
            if not self.target.startswith("/"):
                raise XMLError(f"line {self.line}: the pool's target path {self.target!r} is not absolute")
            self.target = clean_path(self.target)


def parse_pool(xml: str | bytes, flags: int = Dump.INACTIVE, *, validate: bool = False) -> Pool:
    """A <pool> document as it stands. validate: hold it against the schema first (XMLInvalidSchema)."""
    if validate:
        from pyvirtd.conf.schema import check_schema  # compiling it is slow

        check_schema(Pool, xml, what="storage pool XML")
    return parse(Pool, xml, flags, what="storage pool XML")


def format_pool(pool: Pool, flags: int = 0) -> str:
    """The document as libvirt prints it; `flags` are those of `Dump`."""
    return format(pool, flags)
