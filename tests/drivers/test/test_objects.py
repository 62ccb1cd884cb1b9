"""Networks, pools, volumes, interfaces and devices, each through its life."""

from __future__ import annotations

import pytest

from pyvirtd.errors import (
    InternalError,
    InvalidArg,
    NoInterface,
    NoNetwork,
    NoNodeDevice,
    NoStorageVol,
    OperationFailed,
    OperationInvalid,
    XMLError,
)
from pyvirtd.protocol.remote.events import NetworkEventLifecycle, StoragePoolEventLifecycle
from tests.drivers.test.conftest import Bench

NETWORK = "<network><name>n</name><forward mode='nat'/><ip address='10.0.0.1' prefix='24'/></network>"
POOL = "<pool type='dir'><name>p</name><target><path>/p</path></target></pool>"
GIB = 1 << 30


def volume(name: str, capacity: int, allocation: int | None = None) -> str:
    used = "" if allocation is None else f"<allocation>{allocation}</allocation>"
    return f"<volume><name>{name}</name><capacity>{capacity}</capacity>{used}</volume>"


def test_networks(bench: Bench) -> None:
    conn = bench.conn
    assert [ref.name for ref in conn.connect_list_all_networks(2)] == ["default"]
    assert conn.network_get_bridge_name(conn.network_lookup_by_name("default")) == "virbr0"
    ref = conn.network_define_xml_flags(NETWORK, 0)
    with pytest.raises(InternalError):
        conn.network_get_bridge_name(ref)
    conn.network_create(ref)
    with pytest.raises(OperationInvalid):
        conn.network_create(ref)
    with pytest.raises(OperationInvalid):
        conn.network_undefine(ref)
    with pytest.raises(OperationFailed):
        conn.network_create_xml_flags(NETWORK, 0)
    conn.network_destroy(ref)
    conn.network_undefine(ref)
    with pytest.raises(NoNetwork):
        conn.network_is_active(ref)
    transient = conn.network_create_xml_flags(NETWORK, 0)
    with pytest.raises(OperationInvalid):
        conn.network_set_autostart(transient, 1)
    conn.network_destroy(transient)
    assert [e.event for e in bench.events if isinstance(e, NetworkEventLifecycle)] == [0, 2, 3, 1, 2, 3]
    with pytest.raises(NoNetwork):
        conn.network_lookup_by_name("n")


def test_pools(bench: Bench) -> None:
    conn = bench.conn
    ref = conn.storage_pool_define_xml(POOL, 0)
    with pytest.raises(OperationInvalid):
        conn.storage_pool_list_all_volumes(ref, 0)
    conn.storage_pool_build(ref, 0)
    conn.storage_pool_create(ref, 0)
    with pytest.raises(OperationInvalid):
        conn.storage_pool_undefine(ref)
    assert conn.storage_pool_lookup_by_target_path("/p") == ref
    assert conn.connect_list_all_storage_pools(128) == []
    conn.storage_pool_destroy(ref)
    conn.storage_pool_delete(ref, 0)
    conn.storage_pool_undefine(ref)
    assert [e.event for e in bench.events if isinstance(e, StoragePoolEventLifecycle)] == [0, 4, 2, 3, 5, 1]
    with pytest.raises(XMLError):
        conn.storage_pool_define_xml("<pool type='dir'><name>p</name></pool>", 0)


def test_volumes_take_and_give_back_space(bench: Bench) -> None:
    conn = bench.conn
    pool = conn.storage_pool_lookup_by_name("default-pool")
    ref = conn.storage_vol_create_xml(pool, volume("v", 10 * GIB), 0)
    assert conn.storage_pool_get_info(pool).available == 90 * GIB
    with pytest.raises(OperationFailed):
        conn.storage_vol_create_xml(pool, volume("v", 1), 0)
    with pytest.raises(InternalError):
        conn.storage_vol_create_xml(pool, volume("big", 91 * GIB), 0)
    with pytest.raises(XMLError):
        conn.storage_vol_create_xml(pool, volume("a/b", 1), 0)
    conn.storage_vol_resize(ref, 2 * GIB, 2)
    assert conn.storage_vol_get_info_flags(ref, 0).capacity == 12 * GIB
    with pytest.raises(InvalidArg):
        conn.storage_vol_resize(ref, GIB, 0)
    conn.storage_vol_resize(ref, GIB, 4)
    assert conn.storage_pool_get_info(pool).available == 99 * GIB
    copy = conn.storage_vol_create_xml_from(pool, volume("w", 1, 0), ref, 0)
    assert conn.storage_vol_get_info_flags(copy, 0).capacity == GIB
    assert conn.storage_vol_lookup_by_path("/default-pool/w") == copy
    conn.storage_vol_delete(ref, 0)
    assert conn.storage_pool_get_info(pool).available == 100 * GIB
    with pytest.raises(NoStorageVol):
        conn.storage_vol_get_path(ref)


def test_interfaces_go_back(bench: Bench) -> None:
    conn = bench.conn
    assert conn.interface_lookup_by_mac_string("AA:BB:CC:DD:EE:FF").name == "eth1"
    conn.interface_change_begin(0)
    with pytest.raises(OperationInvalid):
        conn.interface_change_begin(0)
    ref = conn.interface_define_xml("<interface type='ethernet' name='eth2'/>", 0)
    conn.interface_create(ref, 0)
    with pytest.raises(OperationInvalid):
        conn.interface_create(ref, 0)
    conn.interface_destroy(conn.interface_lookup_by_name("eth1"), 0)
    conn.interface_change_rollback(0)
    assert [ref.name for ref in conn.connect_list_all_interfaces(2)] == ["eth1"]
    with pytest.raises(NoInterface):
        conn.interface_undefine(ref)
    with pytest.raises(OperationInvalid):
        conn.interface_change_commit(0)


def test_devices(bench: Bench) -> None:
    conn = bench.conn
    assert conn.node_list_devices("system", 0) == ["computer"]
    assert conn.node_list_devices("usb", 0) == []
    assert conn.node_device_list_caps("computer") == ["system"]
    with pytest.raises(NoNodeDevice):
        conn.node_device_get_parent("gone")
