"""Whether a pool or a volume makes sense, as far as the host needs not be asked. Runs after post-parse."""

from __future__ import annotations

import re
from collections.abc import Container
from typing import Final, NoReturn

from pyvirtd.conf.storage.pool import Pool, PoolType
from pyvirtd.conf.storage.postparse import TRAITS
from pyvirtd.conf.storage.volume import Volume
from pyvirtd.errors import ConfigUnsupported, ErrorDomain, InternalError, NoSupport, VirtError, XMLError

IMAGE_FORMATS: Final = (
    "raw", "dir", "bochs", "cloop", "dmg", "iso", "vpc", "vdi", "fat", "vhd", "ploop", "cow", "qcow", "qcow2", "qed",
    "vmdk",
)  # fmt: skip
READ_ONLY_FORMATS: Final = ("bochs", "cloop", "dmg", "fat", "vhd", "cow")  # that QEMU reads at most


def check_pool(pool: Pool) -> None:
    """Raise the first thing that is wrong with a completed definition."""
    traits, source, where = TRAITS[pool.type], pool.source, f"pool {pool.name!r}"
    if "hosts" in traits.source and not source.hosts:
        _refuse(XMLError, f"{where}: a source of type {pool.type} needs a <host>")
    if traits.source in (("devices",), ("devices", "format")) and not source.devices:
        _refuse(XMLError, f"{where}: a source of type {pool.type} needs a <device>")
    if pool.type == "iscsi-direct" and (source.initiator is None or not source.devices):
        _refuse(XMLError, f"{where}: a source of type iscsi-direct needs a <device> and an <initiator>")
    if pool.type == "netfs" and source.dir is None:
        _refuse(XMLError, f"{where}: a source of type netfs needs a <dir>")
    if traits.formats and source.format not in traits.formats:
        _refuse(
            ConfigUnsupported, f"{where}: source format {source.format!r} has to be one of {', '.join(traits.formats)}"
        )
    if "adapter" in traits.source:
        _check_adapter(pool, where)
    if traits.local and pool.target is None:
        _refuse(XMLError, f"{where}: <target> needs a <path>")
    if pool.mode is not None and pool.mode > 0o777:
        _refuse(XMLError, f"{where}: mode 0{pool.mode:o} has more than permissions in it")
    if pool.cow is not None and pool.type not in ("fs", "dir"):
        _refuse(NoSupport, f"{where}: <cow> is for pools of type fs and dir, not {pool.type}")
    if source.protocol_version and source.format != "nfs":
        _refuse(ConfigUnsupported, f"{where}: <protocol> is NFS's, the source's format is {source.format}")
    if source.auth is not None and source.auth.secret_uuid is None and source.auth.secret_usage is None:
        _refuse(XMLError, f"{where}: <auth> needs a <secret> by uuid or usage")


def check_backend(pool: Pool, served: Container[PoolType]) -> None:
    """For the driver: whether it serves pools of that type at all."""
    if pool.type not in served:
        _refuse(InternalError, f"pool {pool.name!r}: storage of type {pool.type} is not served here")


def _check_adapter(pool: Pool, where: str) -> None:
    adapter = pool.source.adapter
    if adapter is None:
        _refuse(XMLError, f"{where}: a source of type scsi needs an <adapter>")
    if adapter.type == "fc_host" and (adapter.wwnn is None or adapter.wwpn is None):
        _refuse(XMLError, f"{where}: an adapter of type fc_host needs wwnn and wwpn")
    for wwn in (adapter.wwnn, adapter.wwpn):
        if wwn is not None and re.fullmatch("[0-9a-fA-F]{16}", wwn) is None:
            _refuse(InternalError, f"{where}: {wwn!r} is no world-wide name: 16 hexadecimal digits")
    if adapter.parent_address is not None and adapter.unique_id is None:
        _refuse(XMLError, f"{where}: <parentaddr> needs a unique_id")
    if adapter.type == "scsi_host" and adapter.name is None and adapter.parent_address is None:
        _refuse(XMLError, f"{where}: an adapter of type scsi_host needs a name or a <parentaddr>")
    if adapter.name is not None and adapter.parent_address is not None:
        _refuse(XMLError, f"{where}: an adapter has a name or a <parentaddr>, not both")


def check_volume(volume: Volume) -> None:
    """Raise the first thing that is wrong with a completed request for a volume that is an image file."""
    where = f"volume {volume.name!r}"
    if "/" in volume.name:
        _refuse(XMLError, f"{where}: a name has no '/'")
    if volume.capacity is None and volume.backing is None:
        _refuse(XMLError, f"{where}: has no <capacity>")
    if volume.format is not None and volume.format not in IMAGE_FORMATS:
        _refuse(ConfigUnsupported, f"{where}: format {volume.format!r} has to be one of {', '.join(IMAGE_FORMATS)}")
    if volume.format in READ_ONLY_FORMATS:
        _refuse(InternalError, f"{where}: nothing here makes images of format {volume.format}")
    if volume.backing is not None and volume.backing.path is not None and volume.format in (None, "raw"):
        _refuse(NoSupport, f"{where}: an image of format raw can't stand on another; qcow2 can")
    if volume.features is not None and volume.features.lazy_refcounts and volume.compat == "0.10":
        _refuse(ConfigUnsupported, f"{where}: lazy_refcounts needs compat 1.1, not 0.10")
    if volume.encryption is not None and volume.encryption.format not in ("luks", "default"):
        _refuse(
            ConfigUnsupported,
            f"{where}: images with encryption of format {volume.encryption.format} are not made; luks is",
        )
    if volume.compat is not None and not all(part.isdigit() for part in volume.compat.split(".")):
        _refuse(XMLError, f"{where}: compat {volume.compat!r} has to be 0.10 or 1.1")


def _refuse(error: type[VirtError], message: str) -> NoReturn:
    raise error(message, domain=ErrorDomain.XML if error is XMLError else ErrorDomain.STORAGE)
