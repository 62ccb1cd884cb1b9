"""Volumes without content."""

from __future__ import annotations

from typing import Final

from pyvirtd.conf.storage import Pool, Volume, format_volume, parse_volume
from pyvirtd.drivers.test.objects import Entry
from pyvirtd.drivers.test.pool import PoolCalls, pool_ref
from pyvirtd.errors import InternalError, InvalidArg, NoStorageVol, OperationFailed, XMLError
from pyvirtd.protocol.calls import supports
from pyvirtd.protocol.constants.storage import StorageVolCreateFlags, StorageVolInfoFlags, StorageVolType
from pyvirtd.protocol.remote.storage import StorageVolGetInfoFlags
from pyvirtd.protocol.types import StoragePoolRef, StorageVolRef

_RESIZE: Final = 7
"""VIR_STORAGE_VOL_RESIZE_ALLOCATE, _DELTA, _SHRINK."""
_ALLOCATE, _DELTA, _SHRINK = 1, 2, 4
_MOST: Final = (1 << 63) - 1


class VolumeCalls(PoolCalls):
    """See the module."""

    def _volumes(self, entry: Entry[Pool]) -> dict[str, Volume]:
        entry.must_be_active()
        return self.runtime.volumes.setdefault(entry.name, {})

    def _volume(self, vol: StorageVolRef) -> tuple[Entry[Pool], Volume]:
        """What a client means. Raises NoStoragePool, NoStorageVol, OperationInvalid."""
        entry = self.runtime.pools.by_name(vol.pool)
        volume = self._volumes(entry).get(vol.name)
        if volume is None:
            raise NoStorageVol(f"{entry} has no volume '{vol.name}'")
        return entry, volume

    def storage_pool_list_all_volumes(self, pool: StoragePoolRef, flags: int) -> list[StorageVolRef]:
        entry = self.pool_of(pool)
        return [_ref(entry, volume) for volume in self._volumes(entry).values()]

    def storage_pool_lookup_by_volume(self, vol: StorageVolRef) -> StoragePoolRef:
        return pool_ref(self._volume(vol)[0])

    def storage_vol_lookup_by_name(self, pool: StoragePoolRef, name: str) -> StorageVolRef:
        entry = self.pool_of(pool)
        return _ref(*self._volume(StorageVolRef(entry.name, name, "")))

    def storage_vol_lookup_by_key(self, key: str) -> StorageVolRef:
        return self.storage_vol_lookup_by_path(key)

    def storage_vol_lookup_by_path(self, path: str) -> StorageVolRef:
        for entry in self.runtime.pools:
            for volume in self._volumes(entry).values() if entry.active else ():
                if volume.path == path:
                    return _ref(entry, volume)
        raise NoStorageVol(f"no volume of an active pool has the path '{path}'")

    def storage_vol_get_path(self, vol: StorageVolRef) -> str:
        return self._volume(vol)[1].path or ""

    @supports(StorageVolInfoFlags.GET_PHYSICAL)
    def storage_vol_get_info_flags(self, vol: StorageVolRef, flags: int) -> StorageVolGetInfoFlags:
        volume = self._volume(vol)[1]
        return StorageVolGetInfoFlags(StorageVolType.FILE, volume.capacity or 0, volume.allocation or 0)

    def storage_vol_get_xml_desc(self, vol: StorageVolRef, flags: int) -> str:
        return format_volume(self._volume(vol)[1])

    @supports(StorageVolCreateFlags.PREALLOC_METADATA)
    def storage_vol_create_xml(self, pool: StoragePoolRef, xml: str, flags: int) -> StorageVolRef:
        return self._add(self.pool_of(pool), parse_volume(xml))

    @supports(StorageVolCreateFlags.PREALLOC_METADATA | StorageVolCreateFlags.REFLINK)
    def storage_vol_create_xml_from(
        self, pool: StoragePoolRef, xml: str, clonevol: StorageVolRef, flags: int
    ) -> StorageVolRef:
        source = self._volume(clonevol)[1]
        volume = parse_volume(xml)
        volume.capacity = max(volume.capacity or 0, source.capacity or 0)
        return self._add(self.pool_of(pool), volume)

    def _add(self, entry: Entry[Pool], volume: Volume) -> StorageVolRef:
        volumes = self._volumes(entry)
        if not volume.name or "/" in volume.name or volume.name in (".", ".."):
            raise XMLError(f"a volume's name has no '/' and is not empty: {volume.name!r} is none")
        if volume.name in volumes:
            raise OperationFailed(f"{entry} has a volume '{volume.name}' already")
        if volume.capacity is None:
            raise XMLError(f"volume '{volume.name}' has no <capacity>")
        if volume.allocation is None:
            volume.allocation = volume.capacity
        _take(entry, volume.allocation, volume.name)
        volume.type = "file"
        volume.path = volume.key = f"{(entry.definition.target or '').rstrip('/')}/{volume.name}"
        volumes[volume.name] = volume
        return _ref(entry, volume)

    @supports(_RESIZE)
    def storage_vol_resize(self, vol: StorageVolRef, capacity: int, flags: int) -> None:
        entry, volume = self._volume(vol)
        old = volume.capacity or 0
        # The change comes without its sign.
        new = capacity if not flags & _DELTA else old - capacity if flags & _SHRINK else old + capacity
        if not 0 <= new <= _MOST:
            raise InvalidArg(f"volume '{volume.name}' cannot have {new} bytes")
        if new < old and not flags & _SHRINK:
            raise InvalidArg(f"volume '{volume.name}' has {old} bytes: to make it smaller, say that it shall shrink")
        used = volume.allocation or 0
        wanted = new if flags & _ALLOCATE else min(used, new)
        _take(entry, wanted - used, volume.name)
        volume.capacity, volume.allocation = new, wanted

    def storage_vol_wipe_pattern(self, vol: StorageVolRef, algorithm: int, flags: int) -> None:
        volume = self._volume(vol)[1]
        if algorithm > 8:  # VIR_STORAGE_VOL_WIPE_ALG_TRIM
            raise InvalidArg(f"volume '{volume.name}': there is no way {algorithm} to wipe it")

    def storage_vol_delete(self, vol: StorageVolRef, flags: int) -> None:
        entry, volume = self._volume(vol)
        del self._volumes(entry)[volume.name]
        _take(entry, -(volume.allocation or 0), volume.name)


def _take(entry: Entry[Pool], size: int, name: str) -> None:
    """Book bytes in a pool. Raises InternalError, as libvirt's test driver does, when there are not so many."""
    pool = entry.definition
    if size > pool.available:
        raise InternalError(f"{entry} has {pool.available} bytes left, volume '{name}' needs {size}")
    pool.allocation += size
    pool.available -= size


def _ref(entry: Entry[Pool], volume: Volume) -> StorageVolRef:
    return StorageVolRef(entry.name, volume.name, volume.key or "")
