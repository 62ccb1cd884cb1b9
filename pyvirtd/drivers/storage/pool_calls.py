"""The calls about pools."""

from __future__ import annotations

import os
import uuid

from pyvirtd.conf.storage import Pool
from pyvirtd.conf.xml import format, parse
from pyvirtd.core.driver import DriverContext
from pyvirtd.drivers.storage.pool import LivePool
from pyvirtd.errors import ConfigUnsupported, NoStoragePool, OperationFailed, OperationInvalid, XMLError
from pyvirtd.protocol.calls import supports
from pyvirtd.protocol.constants.connect import ConnectListAllStoragePoolsFlags as Listing
from pyvirtd.protocol.constants.storage import (
    StoragePoolBuildFlags,
    StoragePoolCreateFlags,
    StoragePoolEventLifecycleType,
    StoragePoolState,
    StorageXMLFlags,
)
from pyvirtd.protocol.remote.events import StoragePoolEventLifecycle, StoragePoolEventRefresh
from pyvirtd.protocol.remote.storage import StorageCalls, StoragePoolGetInfo
from pyvirtd.protocol.types import StoragePoolRef
from pyvirtd.store.atomic import in_background
from pyvirtd.store.directory import DefinitionDirectory

_BUILD = (
    StoragePoolCreateFlags.WITH_BUILD
    | StoragePoolCreateFlags.WITH_BUILD_OVERWRITE
    | StoragePoolCreateFlags.WITH_BUILD_NO_OVERWRITE
)
_OTHER_TYPES = (
    Listing.FS | Listing.NETFS | Listing.LOGICAL | Listing.DISK | Listing.ISCSI | Listing.SCSI | Listing.MPATH
    | Listing.RBD | Listing.SHEEPDOG | Listing.GLUSTER | Listing.ZFS | Listing.VSTORAGE | Listing.ISCSI_DIRECT
)  # fmt: skip
_ALL = (
    Listing.INACTIVE | Listing.ACTIVE | Listing.PERSISTENT | Listing.TRANSIENT | Listing.AUTOSTART
    | Listing.NO_AUTOSTART | Listing.DIR | _OTHER_TYPES
)  # fmt: skip


class PoolCalls(StorageCalls):
    """What is asked about pools and done to them."""

    context: DriverContext
    pools: dict[str, LivePool]
    saved: DefinitionDirectory
    running: DefinitionDirectory

    def live(self, ref: StoragePoolRef) -> LivePool:
        """The pool that a client means. Raises NoStoragePool."""
        for pool in self.pools.values():
            if pool.ref.uuid == ref.uuid:
                return pool
        raise NoStoragePool(f"there is no storage pool '{ref.name}' with UUID {uuid.UUID(bytes=ref.uuid)}")

    def tell(self, pool: LivePool, event: int) -> None:
        """Send a lifecycle event."""
        self.context.events.emit(StoragePoolEventLifecycle(pool.ref, event, 0))

    @supports(_ALL)
    def connect_list_all_storage_pools(self, flags: int) -> list[StoragePoolRef]:
        def shown(pool: LivePool) -> bool:
            groups = (
                (Listing.ACTIVE, Listing.INACTIVE, pool.active),
                (Listing.PERSISTENT, Listing.TRANSIENT, pool.persistent),
                (Listing.AUTOSTART, Listing.NO_AUTOSTART, pool.autostart),
                (Listing.DIR, _OTHER_TYPES, pool.definition.type == "dir"),
            )
            return all(not flags & (yes | no) or flags & (yes if is_so else no) for yes, no, is_so in groups)

        return [pool.ref for pool in self.pools.values() if shown(pool)]

    def storage_pool_lookup_by_name(self, name: str) -> StoragePoolRef:
        if name not in self.pools:
            raise NoStoragePool(f"there is no storage pool named '{name}'")
        return self.pools[name].ref

    def storage_pool_lookup_by_uuid(self, uuid: bytes) -> StoragePoolRef:
        return self.live(StoragePoolRef("", uuid)).ref

    def storage_pool_lookup_by_target_path(self, path: str) -> StoragePoolRef:
        wanted = os.path.normpath(path)
        for pool in self.pools.values():
            if pool.active and pool.path == wanted:
                return pool.ref
        raise NoStoragePool(f"no active storage pool has the target path '{path}'")

    def storage_pool_get_info(self, pool: StoragePoolRef) -> StoragePoolGetInfo:
        found = self.live(pool)
        state = StoragePoolState.RUNNING if found.active else StoragePoolState.INACTIVE
        shown = found.definition
        return StoragePoolGetInfo(state, shown.capacity, shown.allocation, shown.available)

    @supports(StorageXMLFlags.INACTIVE)
    def storage_pool_get_xml_desc(self, pool: StoragePoolRef, flags: int) -> str:
        return format(self.live(pool).definition)

    def storage_pool_is_active(self, pool: StoragePoolRef) -> int:
        return int(self.live(pool).active)

    def storage_pool_is_persistent(self, pool: StoragePoolRef) -> int:
        return int(self.live(pool).persistent)

    def storage_pool_get_autostart(self, pool: StoragePoolRef) -> int:
        return int(self.live(pool).autostart)

    async def storage_pool_set_autostart(self, pool: StoragePoolRef, autostart: int) -> None:
        found = self.live(pool)
        async with found.lock:
            if not found.persistent:
                raise OperationInvalid(f"pool '{found.name}' is transient: only a defined one starts by itself")
            await in_background(self.saved.mark, "autostart", found.name, bool(autostart))
            found.autostart = bool(autostart)

    def _accept(self, xml: str) -> Pool:
        """A definition that may become a pool. Raises XMLError, ConfigUnsupported, OperationFailed."""
        definition = parse(Pool, xml, what="pool")
        if definition.type != "dir":
            raise ConfigUnsupported(f"storage pools of type '{definition.type}' are not served here; 'dir' is")
        if definition.target is None:
            raise XMLError("<pool> has no <target><path>, the directory that it is")
        definition.capacity = definition.allocation = definition.available = 0
        same = self.pools.get(definition.name)
        if definition.uuid is None:
            definition.uuid = same.definition.uuid if same else str(uuid.uuid4())
        for other in self.pools.values():
            if (other.name == definition.name) != (other.definition.uuid == definition.uuid):
                raise OperationFailed(f"pool '{other.name}' has that name or UUID ({other.definition.uuid}) already")
            if other.name != definition.name and other.path == definition.target:
                raise OperationFailed(f"pool '{other.name}' is the directory {definition.target} already")
        return definition

    async def storage_pool_define_xml(self, xml: str, flags: int) -> StoragePoolRef:
        definition = self._accept(xml)
        pool = self.pools.get(definition.name)
        if pool is not None:
            pool.must_be_inactive()
        await in_background(self.saved.save, definition.name, format(definition))
        if pool is None:
            pool = self.pools[definition.name] = LivePool(definition)
        pool.definition, pool.persistent = definition, True
        self.tell(pool, StoragePoolEventLifecycleType.DEFINED)
        return pool.ref

    @supports(_BUILD)
    async def storage_pool_create_xml(self, xml: str, flags: int) -> StoragePoolRef:
        definition = self._accept(xml)
        pool = self.pools.get(definition.name)
        if pool is not None:
            pool.must_be_inactive()
        else:
            pool = self.pools[definition.name] = LivePool(definition)
        try:
            await self.storage_pool_create(pool.ref, flags)
        except BaseException:
            if not pool.persistent:
                self.pools.pop(pool.name, None)
            raise
        return pool.ref

    @supports(_BUILD)
    async def storage_pool_create(self, pool: StoragePoolRef, flags: int) -> None:
        found = self.live(pool)
        async with found.lock:
            found.must_be_inactive()
            if flags:
                await in_background(_make, found)
            await found.refresh()
            await in_background(self.running.save, found.name, format(found.definition))
            found.active = True
        self.tell(found, StoragePoolEventLifecycleType.STARTED)

    @supports(StoragePoolBuildFlags.OVERWRITE | StoragePoolBuildFlags.NO_OVERWRITE)
    async def storage_pool_build(self, pool: StoragePoolRef, flags: int) -> None:
        found = self.live(pool)
        async with found.lock:
            found.must_be_inactive()
            await in_background(_make, found)
        self.tell(found, StoragePoolEventLifecycleType.CREATED)

    async def storage_pool_destroy(self, pool: StoragePoolRef) -> None:
        found = self.live(pool)
        async with found.lock:
            found.must_be_active()
            await in_background(self.running.remove, found.name)
            found.cool_down()
            if not found.persistent:
                del self.pools[found.name]
        self.tell(found, StoragePoolEventLifecycleType.STOPPED)

    async def storage_pool_delete(self, pool: StoragePoolRef, flags: int) -> None:
        found = self.live(pool)
        async with found.lock:
            found.must_be_inactive()
            try:
                await in_background(os.rmdir, found.path)
            except OSError as error:
                raise OperationFailed(f"cannot remove the directory {found.path}: {error.strerror}") from error
        self.tell(found, StoragePoolEventLifecycleType.DELETED)

    async def storage_pool_undefine(self, pool: StoragePoolRef) -> None:
        found = self.live(pool)
        async with found.lock:
            found.must_be_inactive()
            await in_background(self.saved.remove, found.name)
            del self.pools[found.name]
        self.tell(found, StoragePoolEventLifecycleType.UNDEFINED)

    async def storage_pool_refresh(self, pool: StoragePoolRef, flags: int) -> None:
        found = self.live(pool)
        async with found.lock:
            found.must_be_active()
            await found.refresh()
        self.context.events.emit(StoragePoolEventRefresh(found.ref))


def _make(pool: LivePool) -> None:
    """The directory, with the mode and owner that were asked for. Raises OperationFailed."""
    wanted = pool.definition
    try:
        os.makedirs(pool.path, 0o711, exist_ok=True)
        if wanted.owner is not None or wanted.group is not None:
            owner, group = (-1 if number is None else number for number in (wanted.owner, wanted.group))
            os.chown(pool.path, owner, group)
        if wanted.mode is not None:
            os.chmod(pool.path, wanted.mode)
    except OSError as error:
        raise OperationFailed(f"cannot make the directory {pool.path}: {error.strerror}") from error
