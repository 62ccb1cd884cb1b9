"""`<pool>`: a place that volumes live in. Source: formatstorage.html, "Storage pool XML"."""

from __future__ import annotations

from typing import Annotated, Literal

from pyvirtd.conf.storage.values import Mode
from pyvirtd.conf.xml import Element, at, must, size
from pyvirtd.conf.xml.types import Int, Uuid
from pyvirtd.errors import XMLError

PoolType = Literal[
    "dir", "fs", "netfs", "logical", "disk", "iscsi", "iscsi-direct", "scsi", "mpath", "rbd", "sheepdog", "gluster",
    "zfs", "vstorage",
]  # fmt: skip


class Pool(Element, tag="pool"):
    """Sizes are bytes, told of an active pool, else 0. `owner` and `group` are numbers, -1: the daemon's own."""

    type: PoolType = must("@type")
    name: str = must("name")
    uuid: Uuid | None = at("uuid")
    capacity: int = size("capacity", 0, unit="bytes")
    allocation: int = size("allocation", 0, unit="bytes")
    available: int = size("available", 0, unit="bytes")
    target: str | None = at("target/path")
    mode: Annotated[int, Mode] | None = at("target/permissions/mode")
    owner: Int | None = at("target/permissions/owner")
    group: Int | None = at("target/permissions/group")
    label: str | None = at("target/permissions/label")

    def parsed(self, flags: int) -> None:
        """A name is one, and a target is an absolute path."""
        if not self.name.strip() or "/" in self.name:
            raise XMLError(f"a pool cannot be named '{self.name}': a name has no '/' and is not empty")
        if self.target is not None:
            if not self.target.startswith("/"):
                raise XMLError(f"the pool's target path '{self.target}' is not absolute")
            self.target = self.target.rstrip("/") or "/"
