"""Storage pools without storage: 100 GiB each, of which volumes take what they say."""

from __future__ import annotations

from typing import Final

from pyvirtd.conf.domain.postparse.definition import new_uuid
from pyvirtd.conf.outline import Outline
from pyvirtd.conf.storage import Pool, format_pool, parse_pool
from pyvirtd.conf.storage.source import PoolSource
from pyvirtd.conf.xml import parse
from pyvirtd.drivers.test.objects import Entry
from pyvirtd.drivers.test.world import World
from pyvirtd.errors import InternalError, InvalidArg, NoStoragePool, NoSupport, OperationInvalid, XMLError
from pyvirtd.protocol.calls import supports
from pyvirtd.protocol.constants.storage import (
    StoragePoolBuildFlags,
    StoragePoolCreateFlags,
    StoragePoolState,
    StorageXMLFlags,
)
from pyvirtd.protocol.constants.storage import StoragePoolEventLifecycleType as Event
from pyvirtd.protocol.remote.events import StoragePoolEventLifecycle, StoragePoolEventRefresh
from pyvirtd.protocol.remote.storage import StorageCalls, StoragePoolGetInfo
from pyvirtd.protocol.types import StoragePoolRef

CAPACITY: Final = 100 << 30
_BUILD: Final = (
    StoragePoolCreateFlags.WITH_BUILD | StoragePoolCreateFlags.WITH_BUILD_OVERWRITE
    | StoragePoolCreateFlags.WITH_BUILD_NO_OVERWRITE
)  # fmt: skip
_TYPES: Final = ("dir", "fs", "netfs", "logical", "disk", "iscsi", "scsi", "mpath", "rbd", "sheepdog", "gluster", "zfs",
                 "vstorage", "iscsi-direct")  # fmt: skip
"""By the bit of VIR_CONNECT_LIST_STORAGE_POOLS_*, from the seventh."""
_TYPE_SHIFT: Final = 6
_LIST: Final = 0x3F | ((1 << len(_TYPES)) - 1) << _TYPE_SHIFT
_DELETED: Final = 1  # VIR_STORAGE_POOL_DELETE_ZEROED


class PoolCalls(StorageCalls):
    """See the module."""

    runtime: World

    def pool_of(self, ref: StoragePoolRef) -> Entry[Pool]:
        """What a client means. Raises NoStoragePool."""
        return self.runtime.pools.by_uuid(ref.uuid)

    def _tell_pool(self, entry: Entry[Pool], event: int) -> None:
        self.runtime.emit(StoragePoolEventLifecycle(pool_ref(entry), event, 0))

    @supports(_LIST)
    def connect_list_all_storage_pools(self, flags: int) -> list[StoragePoolRef]:
        types = {name for bit, name in enumerate(_TYPES) if flags >> _TYPE_SHIFT + bit & 1}
        chosen = self.runtime.pools.select(flags & 0x3F)
        return [pool_ref(entry) for entry in chosen if not types or entry.definition.type in types]

    def storage_pool_lookup_by_name(self, name: str) -> StoragePoolRef:
        return pool_ref(self.runtime.pools.by_name(name))

    def storage_pool_lookup_by_uuid(self, uuid: bytes) -> StoragePoolRef:
        return pool_ref(self.runtime.pools.by_uuid(uuid))

    def storage_pool_lookup_by_target_path(self, path: str) -> StoragePoolRef:
        for entry in self.runtime.pools:
            if entry.active and entry.definition.target == path:
                return pool_ref(entry)
        raise NoStoragePool(f"no active storage pool has the target path '{path}'")

    def connect_find_storage_pool_sources(self, type: str, src_spec: str | None, flags: int) -> str:
        """What libvirt's test driver finds: two volume groups, and a share on any host."""
        out = Outline()
        with out.inside("sources"):
            if type == "logical":
                for device, group in (("/dev/sda20", "testvg1"), ("/dev/sda21", "testvg2")):
                    with out.inside("source"):
                        out.element("device", path=device)
                        out.element("name", group)
                        out.element("format", type="lvm2")
            elif type == "netfs":
                source = parse(PoolSource, src_spec, what="pool source") if src_spec else None
                if source is None or not source.hosts:
                    raise InvalidArg("shares are looked for on a host, which <source> has to name")
                with out.inside("source"):
                    out.element("host", name=source.hosts[0].name)
                    out.element("dir", path="/testshare")
                    out.element("format", type="nfs")
            elif type in _TYPES:
                raise NoSupport(f"sources of pools of type {type} cannot be found, they have to be known")
            else:
                raise InternalError(f"there is no type '{type}' of pools")
        return out.text()

    def storage_pool_define_xml(self, xml: str, flags: int) -> StoragePoolRef:
        definition = pool_definition(xml)
        entry = self.runtime.pools.take_in(definition)
        if entry.active:
            _figures(entry.definition, definition)
        entry.definition, entry.persistent = definition, True
        self._tell_pool(entry, Event.DEFINED)
        return pool_ref(entry)

    @supports(_BUILD)
    def storage_pool_create_xml(self, xml: str, flags: int) -> StoragePoolRef:
        definition = pool_definition(xml)
        entry = self.runtime.pools.take_in(definition)
        entry.must_be_inactive()
        entry.definition, entry.active = definition, True
        self._tell_pool(entry, Event.STARTED)
        return pool_ref(entry)

    @supports(_BUILD)
    def storage_pool_create(self, pool: StoragePoolRef, flags: int) -> None:
        entry = self.pool_of(pool)
        entry.must_be_inactive()
        entry.active = True
        self._tell_pool(entry, Event.STARTED)

    @supports(StoragePoolBuildFlags.OVERWRITE | StoragePoolBuildFlags.NO_OVERWRITE)
    def storage_pool_build(self, pool: StoragePoolRef, flags: int) -> None:
        entry = self.pool_of(pool)
        entry.must_be_inactive()
        self._tell_pool(entry, Event.CREATED)

    def storage_pool_destroy(self, pool: StoragePoolRef) -> None:
        entry = self.pool_of(pool)
        entry.must_be_active()
        entry.active = False
        if not entry.persistent:
            self._remove(entry)
        self._tell_pool(entry, Event.STOPPED)

    @supports(_DELETED)
    def storage_pool_delete(self, pool: StoragePoolRef, flags: int) -> None:
        entry = self.pool_of(pool)
        entry.must_be_inactive()
        self.runtime.volumes.pop(entry.name, None)
        self._tell_pool(entry, Event.DELETED)

    def storage_pool_undefine(self, pool: StoragePoolRef) -> None:
        entry = self.pool_of(pool)
        entry.must_be_inactive()
        self._remove(entry)
        self._tell_pool(entry, Event.UNDEFINED)

    def _remove(self, entry: Entry[Pool]) -> None:
        self.runtime.pools.remove(entry)
        self.runtime.volumes.pop(entry.name, None)

    def storage_pool_refresh(self, pool: StoragePoolRef, flags: int) -> None:
        entry = self.pool_of(pool)
        entry.must_be_active()
        self.runtime.emit(StoragePoolEventRefresh(pool_ref(entry)))

    def storage_pool_get_info(self, pool: StoragePoolRef) -> StoragePoolGetInfo:
        entry = self.pool_of(pool)
        state = StoragePoolState.RUNNING if entry.active else StoragePoolState.INACTIVE
        shown = entry.definition
        return StoragePoolGetInfo(state, shown.capacity, shown.allocation, shown.available)

    @supports(StorageXMLFlags.INACTIVE)
    def storage_pool_get_xml_desc(self, pool: StoragePoolRef, flags: int) -> str:
        return format_pool(self.pool_of(pool).definition)

    def storage_pool_is_active(self, pool: StoragePoolRef) -> int:
        return int(self.pool_of(pool).active)

    def storage_pool_is_persistent(self, pool: StoragePoolRef) -> int:
        return int(self.pool_of(pool).persistent)

    def storage_pool_get_autostart(self, pool: StoragePoolRef) -> int:
        return int(self.pool_of(pool).autostart)

    def storage_pool_set_autostart(self, pool: StoragePoolRef, autostart: int) -> None:
        entry = self.pool_of(pool)
        if not entry.persistent:
            raise OperationInvalid(f"{entry} is transient: only a defined one starts by itself")
        entry.autostart = bool(autostart)


def pool_definition(xml: str) -> Pool:
    """What a document means: an empty pool. Raises XMLError and what else parsing raises."""
    definition = parse_pool(xml)
    if definition.target is None:
        raise XMLError("<pool> has no <target><path>, under which its volumes would be")
    definition.uuid = definition.uuid or new_uuid()
    definition.capacity, definition.allocation, definition.available = CAPACITY, 0, CAPACITY
    return definition


def _figures(old: Pool, new: Pool) -> None:
    new.capacity, new.allocation, new.available = old.capacity, old.allocation, old.available


def pool_ref(entry: Entry[Pool]) -> StoragePoolRef:
    """As the wire names it."""
    return StoragePoolRef(entry.name, entry.uuid)
