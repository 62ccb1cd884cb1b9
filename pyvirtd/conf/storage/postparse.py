"""What libvirt fills into pools and volumes, and forgets of them because their type has no use for it."""

from __future__ import annotations

from typing import Final, NamedTuple

from pyvirtd.conf.domain.postparse.definition import new_uuid
from pyvirtd.conf.storage.pool import Pool, PoolType
from pyvirtd.conf.storage.volume import Volume

_EVERY: Final = ("hosts", "devices", "dir", "adapter", "name", "initiator", "format", "protocol_version")


class Traits(NamedTuple):
    """Of a type of pool: the fields of its source that count, its formats (the first is the default), whether it has a
    place on this host."""

    source: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()
    local: bool = True


_FS: Final = (
    "auto", "ext2", "ext3", "ext4", "ufs", "iso9660", "udf", "gfs", "gfs2", "vfat", "hfs+", "xfs", "ocfs2", "vmfs",
)  # fmt: skip
TRAITS: Final[dict[PoolType, Traits]] = {
    "dir": Traits(),
    "fs": Traits(("devices", "format"), _FS),
    "netfs": Traits(("hosts", "dir", "protocol_version", "format"), ("auto", "nfs", "glusterfs", "cifs")),
    "logical": Traits(("name", "devices", "format"), ("lvm2", "unknown")),
    "disk": Traits(("devices", "format"), ("unknown", "dos", "dvh", "gpt", "mac", "bsd", "pc98", "sun", "lvm2")),
    "iscsi": Traits(("hosts", "devices", "initiator")),
    "iscsi-direct": Traits(("hosts", "devices", "initiator"), local=False),
    "scsi": Traits(("adapter",)),
    "mpath": Traits(),
    "rbd": Traits(("hosts", "name"), local=False),
    "sheepdog": Traits(("hosts", "name"), local=False),
    "gluster": Traits(("hosts", "name", "dir"), local=False),
    "zfs": Traits(("name", "devices")),
    "vstorage": Traits(("name",)),
}


def complete_pool(pool: Pool) -> None:
    """UUID, source name and format, target; sizes are forgotten: they are told, not asked."""
    pool.uuid = pool.uuid or new_uuid()
    pool.capacity = pool.allocation = pool.available = 0
    traits, source = TRAITS[pool.type], pool.source
    for name in _EVERY:
        if name not in traits.source:
            setattr(source, name, [] if name in ("hosts", "devices") else None)
    if "name" in traits.source and source.name is None:
        source.name = pool.name
    if traits.formats and source.format is None:
        source.format = traits.formats[0]
    if source.adapter is not None and source.adapter.type is None and source.adapter.wwnn is None:
        source.adapter.type = "scsi_host"
    if source.dir is None and pool.type == "gluster":
        source.dir = "/"
    if not traits.local:
        pool.target = pool.mode = pool.owner = pool.group = pool.label = None
    elif pool.type == "logical":
        pool.target = f"/dev/{source.name}"
    elif pool.type == "zfs":
        pool.target = f"/dev/zvol/{source.name}"
    if pool.type not in ("fs", "netfs"):
        pool.fs = None
    if pool.type != "rbd":
        pool.rbd = None


def complete_volume(volume: Volume) -> None:
    """Allocation is all of the capacity unless told; features need qcow2's newer form."""
    if volume.allocation is None:
        volume.allocation = volume.capacity
    if volume.features is not None and volume.compat is None:
        volume.compat = "1.1"


def place_volume(volume: Volume, directory: str, length: int) -> None:
    """For the driver of a pool that is a directory: what a new volume of it is, whatever the request said.

    `length`: of the file in bytes, which is the capacity of an image that has none of its own.
    """
    volume.format = volume.format or "raw"
    volume.type = "dir" if volume.format == "dir" else "file"
    volume.path = volume.key = f"{directory.rstrip('/')}/{volume.name}"
    volume.mode = 0o600 if volume.mode is None else volume.mode
    volume.owner = 0 if volume.owner in (None, -1) else volume.owner
    volume.group = 0 if volume.group in (None, -1) else volume.group
    volume.label = None
    volume.nocow = False  # asked for, not told
    volume.capacity = volume.capacity or length
    if volume.type == "dir":
        volume.capacity = volume.allocation = 0
