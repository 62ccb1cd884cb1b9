"""Storage pools and volumes."""

# mypy: disable-error-code="empty-body"
from __future__ import annotations

from typing import Annotated, NamedTuple

from pyvirtd.protocol.calls import Program, Reply, Stream, at_most, call, names, need_results, then
from pyvirtd.protocol.constants.connect import ConnectListAllStoragePoolsFlags
from pyvirtd.protocol.constants.storage import StorageVolDownloadFlags, StorageVolUploadFlags, StorageVolWipeAlgorithm
from pyvirtd.protocol.params import number_of
from pyvirtd.protocol.remote.limits import REMOTE, STORAGE_POOL_LIST_MAX, STORAGE_VOL_LIST_MAX
from pyvirtd.protocol.types import I32, U32, U64, Char, Max, StoragePoolRef, StorageVolRef, String, UChar, Uuid


class StoragePoolGetInfo(NamedTuple):
    """What storage_pool_get_info answers."""

    state: UChar
    capacity: U64
    allocation: U64
    available: U64


class StorageVolGetInfo(NamedTuple):
    """What storage_vol_get_info answers."""

    type: Char
    capacity: U64
    allocation: U64


class StorageVolGetInfoFlags(NamedTuple):
    """What storage_vol_get_info_flags answers."""

    type: Char
    capacity: U64
    allocation: U64


class StorageCalls(Program, number=REMOTE):
    """Storage pools and volumes."""

    @call(
        71,
        acl="connect:search_storage_pools",
        filter="storage_pool:getattr",
        ro=True,
        high=True,
        via="connect_list_all_storage_pools",
    )
    def connect_num_of_storage_pools(self) -> Reply[I32]:
        """virConnectNumOfStoragePools."""

        return then(self.connect_list_all_storage_pools(ConnectListAllStoragePoolsFlags.ACTIVE), number_of)

    @call(
        72,
        acl="connect:search_storage_pools",
        filter="storage_pool:getattr",
        ro=True,
        high=True,
        asks=at_most("maxnames"),
        via="connect_list_all_storage_pools",
    )
    def connect_list_storage_pools(self) -> Reply[Annotated[list[String], Max(STORAGE_POOL_LIST_MAX)]]:
        """virConnectListStoragePools."""

        return then(self.connect_list_all_storage_pools(ConnectListAllStoragePoolsFlags.ACTIVE), names)

    @call(
        73,
        acl="connect:search_storage_pools",
        filter="storage_pool:getattr",
        ro=True,
        high=True,
        via="connect_list_all_storage_pools",
    )
    def connect_num_of_defined_storage_pools(self) -> Reply[I32]:
        """virConnectNumOfDefinedStoragePools."""

        return then(self.connect_list_all_storage_pools(ConnectListAllStoragePoolsFlags.INACTIVE), number_of)

    @call(
        74,
        acl="connect:search_storage_pools",
        filter="storage_pool:getattr",
        ro=True,
        high=True,
        asks=at_most("maxnames"),
        via="connect_list_all_storage_pools",
    )
    def connect_list_defined_storage_pools(self) -> Reply[Annotated[list[String], Max(STORAGE_POOL_LIST_MAX)]]:
        """virConnectListDefinedStoragePools."""

        return then(self.connect_list_all_storage_pools(ConnectListAllStoragePoolsFlags.INACTIVE), names)

    @call(75, acl="connect:detect_storage_pools")
    def connect_find_storage_pool_sources(self, type: String, src_spec: String | None, flags: U32) -> Reply[String]:
        """virConnectFindStoragePoolSources."""

    @call(76, acl=("storage_pool:start", "storage_pool:write"))
    def storage_pool_create_xml(self, xml: String, flags: U32) -> Reply[StoragePoolRef]:
        """virStoragePoolCreateXML."""

    @call(77, acl=("storage_pool:write", "storage_pool:save"), high=True)
    def storage_pool_define_xml(self, xml: String, flags: U32) -> Reply[StoragePoolRef]:
        """virStoragePoolDefineXML."""

    @call(78, acl="storage_pool:start")
    def storage_pool_create(self, pool: StoragePoolRef, flags: U32) -> Reply[None]:
        """virStoragePoolCreate."""

    @call(79, acl="storage_pool:format")
    def storage_pool_build(self, pool: StoragePoolRef, flags: U32) -> Reply[None]:
        """virStoragePoolBuild."""

    @call(80, acl="storage_pool:stop", high=True)
    def storage_pool_destroy(self, pool: StoragePoolRef) -> Reply[None]:
        """virStoragePoolDestroy."""

    @call(81, acl="storage_pool:format")
    def storage_pool_delete(self, pool: StoragePoolRef, flags: U32) -> Reply[None]:
        """virStoragePoolDelete."""

    @call(82, acl="storage_pool:delete", high=True)
    def storage_pool_undefine(self, pool: StoragePoolRef) -> Reply[None]:
        """virStoragePoolUndefine."""

    @call(83, acl="storage_pool:refresh")
    def storage_pool_refresh(self, pool: StoragePoolRef, flags: U32) -> Reply[None]:
        """virStoragePoolRefresh."""

    @call(84, acl="storage_pool:getattr", ro=True, high=True)
    def storage_pool_lookup_by_name(self, name: String) -> Reply[StoragePoolRef]:
        """virStoragePoolLookupByName."""

    @call(85, acl="storage_pool:getattr", ro=True, high=True)
    def storage_pool_lookup_by_uuid(self, uuid: Uuid) -> Reply[StoragePoolRef]:
        """virStoragePoolLookupByUUID."""

    @call(86, acl="storage_pool:getattr", ro=True, high=True)
    def storage_pool_lookup_by_volume(self, vol: StorageVolRef) -> Reply[StoragePoolRef]:
        """virStoragePoolLookupByVolume."""

    @call(87, acl="storage_pool:read", ro=True, high=True)
    def storage_pool_get_info(self, pool: StoragePoolRef) -> Reply[StoragePoolGetInfo]:
        """virStoragePoolGetInfo."""

    @call(88, acl="storage_pool:read", ro=True, high=True)
    def storage_pool_get_xml_desc(self, pool: StoragePoolRef, flags: U32) -> Reply[String]:
        """virStoragePoolGetXMLDesc."""

    @call(89, acl="storage_pool:read", ro=True, high=True)
    def storage_pool_get_autostart(self, pool: StoragePoolRef) -> Reply[I32]:
        """virStoragePoolGetAutostart."""

    @call(90, acl="storage_pool:write", high=True)
    def storage_pool_set_autostart(self, pool: StoragePoolRef, autostart: I32) -> Reply[None]:
        """virStoragePoolSetAutostart."""

    @call(
        91,
        acl="storage_pool:search_storage_vols",
        filter="storage_vol:getattr",
        ro=True,
        high=True,
        via="storage_pool_list_all_volumes",
    )
    def storage_pool_num_of_volumes(self, pool: StoragePoolRef) -> Reply[I32]:
        """virStoragePoolNumOfVolumes."""

        return then(self.storage_pool_list_all_volumes(pool, 0), number_of)

    @call(
        92,
        acl="storage_pool:search_storage_vols",
        filter="storage_vol:getattr",
        ro=True,
        high=True,
        asks=at_most("maxnames"),
        via="storage_pool_list_all_volumes",
    )
    def storage_pool_list_volumes(
        self, pool: StoragePoolRef
    ) -> Reply[Annotated[list[String], Max(STORAGE_VOL_LIST_MAX)]]:
        """virStoragePoolListVolumes."""

        return then(self.storage_pool_list_all_volumes(pool, 0), names)

    @call(93, acl="storage_vol:create")
    def storage_vol_create_xml(self, pool: StoragePoolRef, xml: String, flags: U32) -> Reply[StorageVolRef]:
        """virStorageVolCreateXML."""

    @call(94, acl="storage_vol:delete")
    def storage_vol_delete(self, vol: StorageVolRef, flags: U32) -> Reply[None]:
        """virStorageVolDelete."""

    @call(95, acl="storage_vol:getattr", ro=True, high=True)
    def storage_vol_lookup_by_name(self, pool: StoragePoolRef, name: String) -> Reply[StorageVolRef]:
        """virStorageVolLookupByName."""

    @call(96, acl="storage_vol:getattr", ro=True, high=True)
    def storage_vol_lookup_by_key(self, key: String) -> Reply[StorageVolRef]:
        """virStorageVolLookupByKey."""

    @call(97, acl="storage_vol:getattr", ro=True, high=True)
    def storage_vol_lookup_by_path(self, path: String) -> Reply[StorageVolRef]:
        """virStorageVolLookupByPath."""

    @call(98, acl="storage_vol:read", ro=True, high=True, via="storage_vol_get_info_flags")
    def storage_vol_get_info(self, vol: StorageVolRef) -> Reply[StorageVolGetInfo]:
        """virStorageVolGetInfo."""

        return then(self.storage_vol_get_info_flags(vol, 0), lambda info: StorageVolGetInfo(*info))

    @call(99, acl="storage_vol:read", ro=True, high=True)
    def storage_vol_get_xml_desc(self, vol: StorageVolRef, flags: U32) -> Reply[String]:
        """virStorageVolGetXMLDesc."""

    @call(100, acl="storage_vol:read", ro=True, high=True)
    def storage_vol_get_path(self, vol: StorageVolRef) -> Reply[String]:
        """virStorageVolGetPath."""

    @call(125, acl="storage_vol:create")
    def storage_vol_create_xml_from(
        self, pool: StoragePoolRef, xml: String, clonevol: StorageVolRef, flags: U32
    ) -> Reply[StorageVolRef]:
        """virStorageVolCreateXMLFrom."""

    @call(154, acl="storage_pool:read", ro=True, high=True)
    def storage_pool_is_active(self, pool: StoragePoolRef) -> Reply[I32]:
        """virStoragePoolIsActive."""

    @call(155, acl="storage_pool:read", ro=True, high=True)
    def storage_pool_is_persistent(self, pool: StoragePoolRef) -> Reply[I32]:
        """virStoragePoolIsPersistent."""

    @call(165, acl="storage_vol:format", via="storage_vol_wipe_pattern")
    def storage_vol_wipe(self, vol: StorageVolRef, flags: U32) -> Reply[None]:
        """virStorageVolWipe."""

        return self.storage_vol_wipe_pattern(vol, StorageVolWipeAlgorithm.ZERO, flags)

    @call(208, acl="storage_vol:data_write", stream="write", sparse=StorageVolUploadFlags.SPARSE_STREAM)
    def storage_vol_upload(
        self, vol: StorageVolRef, offset: U64, length: U64, flags: U32, stream: Stream
    ) -> Reply[None]:
        """virStorageVolUpload."""

    @call(209, acl="storage_vol:data_read", stream="read", sparse=StorageVolDownloadFlags.SPARSE_STREAM)
    def storage_vol_download(
        self, vol: StorageVolRef, offset: U64, length: U64, flags: U32, stream: Stream
    ) -> Reply[None]:
        """virStorageVolDownload."""

    @call(259, acl="storage_vol:format")
    def storage_vol_wipe_pattern(self, vol: StorageVolRef, algorithm: U32, flags: U32) -> Reply[None]:
        """virStorageVolWipePattern."""

    @call(260, acl="storage_vol:resize")
    def storage_vol_resize(self, vol: StorageVolRef, capacity: U64, flags: U32) -> Reply[None]:
        """virStorageVolResize."""

    @call(
        281, acl="connect:search_storage_pools", filter="storage_pool:getattr", ro=True, high=True, asks=need_results()
    )
    def connect_list_all_storage_pools(
        self, flags: U32
    ) -> Reply[Annotated[list[StoragePoolRef], Max(STORAGE_POOL_LIST_MAX)]]:
        """virConnectListAllStoragePools."""

    @call(
        282,
        acl="storage_pool:search_storage_vols",
        filter="storage_vol:getattr",
        ro=True,
        high=True,
        asks=need_results(),
    )
    def storage_pool_list_all_volumes(
        self, pool: StoragePoolRef, flags: U32
    ) -> Reply[Annotated[list[StorageVolRef], Max(STORAGE_VOL_LIST_MAX)]]:
        """virStoragePoolListAllVolumes."""

    @call(378, acl="storage_vol:read", ro=True, high=True)
    def storage_vol_get_info_flags(self, vol: StorageVolRef, flags: U32) -> Reply[StorageVolGetInfoFlags]:
        """virStorageVolGetInfoFlags."""

    @call(391, acl="storage_pool:getattr", ro=True, high=True)
    def storage_pool_lookup_by_target_path(self, path: String) -> Reply[StoragePoolRef]:
        """virStoragePoolLookupByTargetPath."""

    @call(403, acl="connect:read", ro=True)
    def connect_get_storage_pool_capabilities(self, flags: U32) -> Reply[String]:
        """virConnectGetStoragePoolCapabilities."""
