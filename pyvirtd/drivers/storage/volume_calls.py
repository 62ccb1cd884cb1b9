"""The calls about volumes."""

from __future__ import annotations

import contextlib
import os
from typing import Final

from pyvirtd.conf.storage import Volume
from pyvirtd.conf.xml import format, parse
from pyvirtd.drivers.storage import directory
from pyvirtd.drivers.storage.pool import LivePool
from pyvirtd.drivers.storage.pool_calls import PoolCalls
from pyvirtd.errors import (
    ConfigUnsupported,
    InvalidArg,
    NoStoragePool,
    NoStorageVol,
    OperationFailed,
    StorageVolExist,
    XMLError,
)
from pyvirtd.host import process
from pyvirtd.protocol.calls import supports
from pyvirtd.protocol.constants.storage import StorageVolCreateFlags, StorageVolInfoFlags, StorageVolType
from pyvirtd.protocol.remote.storage import StorageVolGetInfoFlags
from pyvirtd.protocol.types import StoragePoolRef, StorageVolRef
from pyvirtd.store.atomic import in_background

_TYPES: Final = {"file": StorageVolType.FILE, "block": StorageVolType.BLOCK, "dir": StorageVolType.DIR}
_CREATED: Final = ("raw", "qcow2")
_MODE: Final = 0o600
_QEMU_IMG_TIMEOUT: Final = 600.0


class VolumeCalls(PoolCalls):
    """What is asked about volumes and done to them."""

    def _volume(self, ref: StorageVolRef) -> tuple[LivePool, Volume]:
        """Raises NoStoragePool, NoStorageVol."""
        pool = self.pools.get(ref.pool)
        if pool is None:
            raise NoStoragePool(f"there is no storage pool named '{ref.pool}'")
        return pool, pool.volume(ref.name)

    def storage_pool_list_all_volumes(self, pool: StoragePoolRef, flags: int) -> list[StorageVolRef]:
        found = self.live(pool)
        found.must_be_active()
        return [found.volume_ref(volume) for volume in found.volumes.values()]

    def storage_pool_lookup_by_volume(self, vol: StorageVolRef) -> StoragePoolRef:
        return self._volume(vol)[0].ref

    def storage_vol_lookup_by_name(self, pool: StoragePoolRef, name: str) -> StorageVolRef:
        found = self.live(pool)
        return found.volume_ref(found.volume(name))

    def storage_vol_lookup_by_key(self, key: str) -> StorageVolRef:
        return self._by_path(key, "key")

    def storage_vol_lookup_by_path(self, path: str) -> StorageVolRef:
        return self._by_path(os.path.normpath(path), "path")

    def _by_path(self, path: str, what: str) -> StorageVolRef:
        for pool in self.pools.values():
            volume = pool.volumes.get(os.path.basename(path)) if pool.active else None
            if volume is not None and volume.path == path:
                return pool.volume_ref(volume)
        raise NoStorageVol(f"no volume of an active pool has the {what} '{path}'")

    def storage_vol_get_path(self, vol: StorageVolRef) -> str:
        return self._volume(vol)[1].path or ""

    async def _fresh(self, ref: StorageVolRef) -> Volume:
        """The volume as its file is now; a guest may have grown it since the pool was read."""
        pool, volume = self._volume(ref)
        now = await in_background(_read_one, pool.path, volume.name)
        if now is None:
            raise NoStorageVol(f"'{volume.name}' is no longer in {pool.path}; refresh pool '{pool.name}'")
        pool.volumes[volume.name] = now
        return now

    @supports(StorageVolInfoFlags.GET_PHYSICAL)
    async def storage_vol_get_info_flags(self, vol: StorageVolRef, flags: int) -> StorageVolGetInfoFlags:
        now = await self._fresh(vol)
        used = now.physical if flags & StorageVolInfoFlags.GET_PHYSICAL else now.allocation
        return StorageVolGetInfoFlags(_TYPES[now.type or "file"], now.capacity or 0, used or 0)

    async def storage_vol_get_xml_desc(self, vol: StorageVolRef, flags: int) -> str:
        return format(await self._fresh(vol))

    @supports(StorageVolCreateFlags.PREALLOC_METADATA)
    async def storage_vol_create_xml(self, pool: StoragePoolRef, xml: str, flags: int) -> StorageVolRef:
        found = self.live(pool)
        found.must_be_active()
        wanted = parse(Volume, xml, what="volume")
        directory.check_name(wanted.name)
        kind = wanted.format or "raw"
        if kind not in _CREATED:
            raise ConfigUnsupported(f"volumes of format '{kind}' are not made here; {' and '.join(_CREATED)} are")
        if wanted.capacity is None and wanted.backing is None:
            raise XMLError(f"volume '{wanted.name}' has no <capacity>")
        if flags and kind == "raw":
            raise InvalidArg("metadata is only preallocated for qcow2 volumes")
        async with found.lock:
            found.must_be_active()
            if wanted.name in found.volumes:
                raise StorageVolExist(f"pool '{found.name}' has a volume '{wanted.name}' already")
            owner = (-1 if wanted.owner is None else wanted.owner, -1 if wanted.group is None else wanted.group)
            mode = _MODE if wanted.mode is None else wanted.mode
            fd = await in_background(directory.create, found.path, wanted.name, mode, owner)
            try:
                await (_fill_raw(fd, wanted) if kind == "raw" else _fill_qcow2(fd, wanted, flags))
            except BaseException:
                with contextlib.suppress(OperationFailed):
                    await in_background(directory.delete, found.path, wanted.name)
                raise
            finally:
                os.close(fd)
            made = await in_background(_read_one, found.path, wanted.name)
            if made is None:
                raise OperationFailed(f"'{wanted.name}' has disappeared from {found.path} while it was made")
            found.volumes[made.name] = made
            return found.volume_ref(made)

    async def storage_vol_delete(self, vol: StorageVolRef, flags: int) -> None:
        pool, volume = self._volume(vol)
        async with pool.lock:
            await in_background(directory.delete, pool.path, volume.name)
            pool.volumes.pop(volume.name, None)


def _read_one(path: str, name: str) -> Volume | None:
    with directory.opened(path) as fd:
        try:
            return directory.read(fd, path, name)
        except OSError:
            return None


async def _fill_raw(fd: int, wanted: Volume) -> None:
    if wanted.backing is not None and wanted.backing.path:
        raise ConfigUnsupported("a raw volume has no backing image; qcow2 has")
    capacity = wanted.capacity or 0
    try:
        await in_background(
            directory.fill_raw, fd, capacity, capacity if wanted.allocation is None else wanted.allocation
        )
    except OSError as error:
        raise OperationFailed(f"cannot make '{wanted.name}' {capacity} bytes large: {error.strerror}") from error


async def _fill_qcow2(fd: int, wanted: Volume, flags: int) -> None:
    """qemu-img writes into the file that we made, so that mode and owner are right from the first byte."""
    options = ["compat=" + ("0.10" if wanted.compat == "0.10" else "1.1")]
    if flags & StorageVolCreateFlags.PREALLOC_METADATA:
        options.append("preallocation=metadata")
    argv = ["/usr/bin/qemu-img", "create", "-q", "-f", "qcow2", "-o", ",".join(options)]
    if wanted.backing is not None and wanted.backing.path:
        if not wanted.backing.path.startswith("/"):
            raise InvalidArg(f"the backing image '{wanted.backing.path}' is no absolute path")
        argv += ["-b", wanted.backing.path, "-F", wanted.backing.format or "raw"]
    argv.append(f"/proc/self/fd/{fd}")
    if wanted.capacity is not None:
        argv.append(str(wanted.capacity))
    try:
        done = await process.run(argv, timeout=_QEMU_IMG_TIMEOUT, pass_fds=(fd,))
    except OSError as error:
        raise OperationFailed(f"cannot run {argv[0]}: {error.strerror}") from error
    if done.returncode:
        raise OperationFailed(f"qemu-img cannot make '{wanted.name}': {done.stderr_text[-500:]}")
