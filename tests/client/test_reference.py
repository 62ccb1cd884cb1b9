"""Our client and our codec in conversation with the real libvirtd: every class of call."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from pyvirtd.client import Hole, connect
from pyvirtd.errors import InvalidArg, NoDomain, NoDomainSnapshot, OperationDenied, RPCError, VirtError
from pyvirtd.protocol.constants.connect import ConnectListAllDomainsFlags
from pyvirtd.protocol.constants.domain_events import DomainEventType
from pyvirtd.protocol.constants.features import DriverFeature
from pyvirtd.protocol.params import number_of
from pyvirtd.protocol.remote.events import DomainEventLifecycle, NetworkEventLifecycle, StoragePoolEventLifecycle
from pyvirtd.protocol.types import DomainRef, ULLong
from tests.client.readonly import STRICTER, stricter_than_theirs
from tests.harness.daemon import Reference

pytestmark = pytest.mark.asyncio

DOMAIN = "<domain type='test'><name>{}</name><memory>65536</memory><os><type>hvm</type></os></domain>"
NETWORK = "<network><name>{}</name><ip address='10.9.9.1' netmask='255.255.255.0'/></network>"
MIB = 1 << 20


def pretend(daemon: Reference) -> Any:
    return connect(daemon.uri_for("test"))


async def first(conn: Any) -> DomainRef:
    ref: DomainRef = (await conn.connect_list_all_domains(ConnectListAllDomainsFlags.ACTIVE))[0]
    return ref


async def test_plain_calls(libvirtd: Reference) -> None:
    async with pretend(libvirtd) as conn:
        ref = await conn.domain_lookup_by_name("test")
        assert ref == await conn.domain_lookup_by_uuid(ref.uuid) == await conn.domain_lookup_by_id(ref.id)
        assert ref.name == "test"
        assert len(ref.uuid) == 16
        info = await conn.domain_get_info(ref)
        assert (info.nr_virt_cpu, info.max_mem) == (2, 8388608)
        assert (await conn.domain_get_state(ref)).state == info.state
        assert (await conn.domain_get_xml_desc(ref)).startswith("<domain type='test'")
        assert await conn.connect_get_type() == "TEST"
        assert await conn.connect_get_lib_version() >= 9_000_000
        assert (await conn.node_get_info()).model == "i686"
        assert await conn.connect_supports_feature(DriverFeature.REMOTE_EVENT_CALLBACK) == 1


async def test_lists_in_all_styles(libvirtd: Reference) -> None:
    async with pretend(libvirtd) as conn:
        await conn.domain_define_xml(DOMAIN.format("asleep"))
        refs = await conn.connect_list_all_domains(0)
        assert {ref.name for ref in refs} >= {"test", "asleep"}
        assert await conn.connect_num_of_domains() == len(await conn.connect_list_domains())
        assert "asleep" in await conn.connect_list_defined_domains()
        assert await conn.connect_list_all_domains(0, asked=0) == []
        assert [net.name for net in await conn.connect_list_all_networks(0)] == await conn.connect_list_networks()


async def test_typed_parameters_both_ways(libvirtd: Reference) -> None:
    async with pretend(libvirtd) as conn:
        ref = await first(conn)
        kind, count = await conn.domain_get_scheduler_type(ref)
        params = await conn.domain_get_scheduler_parameters(ref)
        assert kind == "fair"
        assert number_of(params) == count
        await conn.domain_set_memory_parameters(ref, {"soft_limit": ULLong(1 << 20)}, 0)
        got = await conn.domain_get_memory_parameters(ref)
        assert got["soft_limit"] == 1 << 20
        assert type(got["soft_limit"]) is ULLong
        assert (await conn.domain_get_numa_parameters(ref))["numa_nodeset"] == ""


async def test_statistics_records(libvirtd: Reference) -> None:
    async with pretend(libvirtd) as conn:
        records = await conn.connect_get_all_domain_stats([], 0, 0)
        assert {record.dom.name for record in records} >= {"test"}
        assert all("state.state" in record.params for record in records)


async def test_maps_and_nested_lists(libvirtd: Reference) -> None:
    async with pretend(libvirtd) as conn:
        ref = await first(conn)
        vcpus = await conn.domain_get_vcpus(ref, 16, 1)
        assert [each.number for each in vcpus.info] == [0, 1]
        assert len(vcpus.cpumaps) == 16
        assert (await conn.node_get_cpu_map(1, 1)).ret > 0
        leases = await conn.domain_interface_addresses(ref, 0)
        assert [lease.addrs[0].prefix for lease in leases] == [24]
        assert (await conn.domain_get_fsinfo(ref))[0].mountpoint == "/"


async def test_errors_are_our_classes(libvirtd: Reference) -> None:
    async with pretend(libvirtd) as conn:
        with pytest.raises(NoDomain) as caught:
            await conn.domain_lookup_by_name("nobody")
        assert caught.value.domain is not None
        with pytest.raises(NoDomainSnapshot, match="nothing"):
            await conn.domain_snapshot_lookup_by_name(await first(conn), "nothing")
        with pytest.raises(InvalidArg):
            await conn.domain_destroy_flags(await first(conn), 1 << 20)


async def test_events_as_they_happen(libvirtd: Reference) -> None:
    async with pretend(libvirtd) as conn:
        ref = await first(conn)
        async with conn.events(DomainEventLifecycle) as all_of_them, conn.events(DomainEventLifecycle, ref) as its_own:
            await conn.domain_define_xml(DOMAIN.format("newcomer"))
            await conn.domain_suspend(ref)
            await conn.domain_resume(ref)
            heard = [await asyncio.wait_for(anext(all_of_them), 5) for _ in range(3)]
            assert [event.event for event in heard] == [
                DomainEventType.DEFINED,
                DomainEventType.SUSPENDED,
                DomainEventType.RESUMED,
            ]
            assert heard[0].dom.name == "newcomer"
            assert (await asyncio.wait_for(anext(its_own), 5)).event == DomainEventType.SUSPENDED


async def test_events_of_networks_and_pools(libvirtd: Reference) -> None:
    async with (
        pretend(libvirtd) as conn,
        conn.events(NetworkEventLifecycle) as networks,
        conn.events(StoragePoolEventLifecycle) as pools,
    ):
        await conn.network_define_xml(NETWORK.format("heard"))
        xml = "<pool type='dir'><name>heard</name><target><path>/heard</path></target></pool>"
        await conn.storage_pool_define_xml(xml, 0)
        assert (await asyncio.wait_for(anext(networks), 5)).net.name == "heard"
        assert (await asyncio.wait_for(anext(pools), 5)).pool.name == "heard"


async def test_a_stream_that_comes_down(libvirtd: Reference) -> None:
    async with pretend(libvirtd) as conn:
        picture = b""
        async with await conn.domain_screenshot(await first(conn), 0, 0) as stream:
            assert stream.reply == "image/png"
            async for piece in stream:
                assert isinstance(piece, bytes)
                picture += piece
        assert picture.startswith(b"\x89PNG")
        assert picture.endswith(b"IEND\xaeB`\x82")
        with pytest.raises(VirtError):
            await conn.storage_vol_download(("nopool", "novolume", "nokey"), 0, 0, 0)
        assert await conn.connect_get_type() == "TEST"


async def pool_of(conn: Any, place: Path) -> Any:
    place.mkdir()
    xml = f"<pool type='dir'><name>{place.name}</name><target><path>{place}</path></target></pool>"
    return await conn.storage_pool_create_xml(xml, 0)


async def volume_of(conn: Any, pool: Any, name: str, size: int) -> Any:
    sizes = f"<capacity>{size}</capacity><allocation>0</allocation>"
    xml = f"<volume><name>{name}</name>{sizes}<target><format type='raw'/></target></volume>"
    return await conn.storage_vol_create_xml(pool, xml, 0)


async def test_volumes_up_and_down(libvirtd: Reference, tmp_path: Path) -> None:
    content = os.urandom(3 * MIB + 17)
    async with connect(libvirtd.uri) as conn:
        pool = await pool_of(conn, tmp_path / "pool")
        try:
            volume = await volume_of(conn, pool, "up", len(content))
            async with await conn.storage_vol_upload(volume, 0, 0, 0) as stream:
                await stream.write(content)
            assert (tmp_path / "pool/up").read_bytes() == content
            got = b""
            async with await conn.storage_vol_download(volume, 5, 2 * MIB, 0) as stream:
                async for piece in stream:
                    assert isinstance(piece, bytes)
                    got += piece
            assert got == content[5 : 5 + 2 * MIB]
        finally:
            await conn.storage_pool_destroy(pool)


async def test_holes_both_ways(libvirtd: Reference, tmp_path: Path) -> None:
    async with connect(libvirtd.uri) as conn:
        sparse = conn.declared("storage_vol_upload").sparse
        pool = await pool_of(conn, tmp_path / "sparse")
        try:
            volume = await volume_of(conn, pool, "holes", 5 * MIB)
            async with await conn.storage_vol_upload(volume, 0, 5 * MIB, sparse) as stream:
                await stream.hole(MIB)
                await stream.write(b"x" * MIB)
                await stream.hole(3 * MIB)
            assert (tmp_path / "sparse/holes").read_bytes() == bytes(MIB) + b"x" * MIB + bytes(3 * MIB)
            pieces = []
            async with await conn.storage_vol_download(volume, 0, 0, sparse) as stream:
                async for piece in stream:
                    pieces.append(piece)
            assert sum(piece.length if isinstance(piece, Hole) else len(piece) for piece in pieces) == 5 * MIB
            assert pieces[0] == Hole(MIB)
            assert b"".join(piece for piece in pieces if isinstance(piece, bytes)) == b"x" * MIB
        finally:
            await conn.storage_pool_destroy(pool)


async def test_a_stream_that_is_dropped(libvirtd: Reference, tmp_path: Path) -> None:
    async with connect(libvirtd.uri) as conn:
        pool = await pool_of(conn, tmp_path / "dropped")
        try:
            volume = await volume_of(conn, pool, "big", 20 * MIB)
            stream = await conn.storage_vol_download(volume, 0, 0, 0)
            assert await stream.read()
            await stream.abort()
            assert (await conn.storage_vol_get_info(volume)).capacity == 20 * MIB
        finally:
            await conn.storage_pool_destroy(pool)


async def test_file_descriptors_are_passed(libvirtd: Reference, tmp_path: Path) -> None:
    """domain_fd_associate takes them before it looks at the domain, so a running guest isn't needed."""
    xml = DOMAIN.format("passing").replace("'test'", "'qemu'")
    file = os.open(tmp_path / "disk", os.O_RDWR | os.O_CREAT)
    try:
        async with connect(libvirtd.uri) as conn:
            ref = await conn.domain_define_xml(xml)
            await conn.domain_fd_associate(ref, "disk", 0, files=[file, file])
            with pytest.raises(VirtError):
                await conn.domain_fd_associate(ref, "disk", 0, files=[])
            await conn.domain_undefine(ref)
    finally:
        os.close(file)


async def test_keepalive_both_ways(libvirtd: Reference) -> None:
    async with connect(libvirtd.uri_for("test"), keepalive=(0.05, 100)) as conn:
        await asyncio.sleep(0.4)
        assert not conn.lost.done()
        assert await conn.connect_get_type() == "TEST"


async def test_many_calls_at_once(libvirtd: Reference) -> None:
    async with pretend(libvirtd) as conn:
        answers = await asyncio.gather(*(conn.domain_lookup_by_name("test") for _ in range(50)))
        assert {ref.name for ref in answers} == {"test"}


async def test_a_lost_connection_fails_what_waits(libvirtd: Reference) -> None:
    async with pretend(libvirtd) as conn:
        answer = asyncio.ensure_future(conn.connect_get_capabilities())
        await asyncio.sleep(0)
        conn.close()
        with pytest.raises(RPCError, match="lost"):
            await answer
        assert await conn.lost is None
        with pytest.raises(RPCError, match="closed"):
            await conn.connect_get_type()


async def test_read_only_clients_get_what_our_declarations_open(libvirtd: Reference) -> None:
    """Every call on the read-only socket: the real daemon opens all that we open, and little that we don't."""
    async with connect(libvirtd.uri_for("test", readonly=True), readonly=True) as conn:
        assert await stricter_than_theirs(conn) == STRICTER
        with pytest.raises(OperationDenied):
            await conn.domain_destroy(await first(conn))
