"""Snapshots and checkpoints: their tree, going back, and what is refused."""

from __future__ import annotations

import pytest

from pyvirtd.core.lifecycle import State
from pyvirtd.errors import InvalidArg, NoDomainSnapshot, OperationInvalid, VirtError
from pyvirtd.protocol.constants.domain_jobs import DomainSnapshotCreateFlags as Create
from pyvirtd.protocol.types import DomainSnapshotRef
from tests.drivers.test.conftest import Bench

CHILDREN, CHILDREN_ONLY, ROOTS, DESCENDANTS, LEAVES = 1, 4, 1, 1, 4


async def take(bench: Bench, *names: str) -> list[DomainSnapshotRef]:
    return [
        await bench.conn.domain_snapshot_create_xml(bench.test, f"<domainsnapshot><name>{n}</name></domainsnapshot>", 0)
        for n in names
    ]


def names(refs: list[DomainSnapshotRef]) -> list[str]:
    return [ref.name for ref in refs]


async def test_the_tree(bench: Bench) -> None:
    conn = bench.conn
    a, b, c = await take(bench, "a", "b", "c")
    await conn.domain_revert_to_snapshot(a, 0)
    (d,) = await take(bench, "d")
    assert names(conn.domain_snapshot_list_all_children(a, 0)) == ["b", "d"]
    assert names(conn.domain_snapshot_list_all_children(a, DESCENDANTS)) == ["b", "d", "c"]
    assert names(conn.domain_list_all_snapshots(bench.test, ROOTS)) == ["a"]
    assert names(conn.domain_list_all_snapshots(bench.test, LEAVES)) == ["d", "c"]
    assert conn.domain_snapshot_get_parent(d, 0).name == "a"
    await conn.domain_snapshot_delete(b, 0)
    assert conn.domain_snapshot_get_parent(c, 0).name == "a"
    await conn.domain_snapshot_delete(a, CHILDREN_ONLY)
    assert names(conn.domain_list_all_snapshots(bench.test, 0)) == ["a"]
    assert conn.domain_snapshot_current(bench.test, 0).name == "a"
    with pytest.raises(NoDomainSnapshot):
        conn.domain_snapshot_get_parent(a, 0)
    await conn.domain_snapshot_delete(a, CHILDREN)
    assert conn.domain_has_current_snapshot(bench.test, 0) == 0
    assert conn.connect_list_all_domains(4096) == []


async def test_going_back(bench: Bench) -> None:
    conn = bench.conn
    ref = bench.define(rest="<title>before</title>")
    off = await conn.domain_snapshot_create_xml(ref, "<domainsnapshot/>", 0)
    await conn.domain_create_with_files(ref, 0, [])
    await conn.domain_suspend(ref)
    paused = await conn.domain_snapshot_create_xml(ref, "<domainsnapshot><name>p</name></domainsnapshot>", 0)
    await conn.domain_set_metadata(ref, 1, "after", None, None, 2)
    bench.events.clear()
    await conn.domain_revert_to_snapshot(off, 0)
    assert conn.domain_get_state(ref, 0) == (State.SHUTOFF, 7)
    assert conn.domain_get_metadata(ref, 1, None, 2) == "before"
    await conn.domain_revert_to_snapshot(paused, 0)
    assert conn.domain_get_state(ref, 0) == (State.PAUSED, 7)
    await conn.domain_revert_to_snapshot(paused, 1)
    assert conn.domain_get_state(ref, 0) == (State.RUNNING, 4)
    assert bench.lifecycle() == [("a", 5, 6), ("a", 2, 3), ("a", 2, 3)]


async def test_redefined(bench: Bench) -> None:
    conn = bench.conn
    a, b = await take(bench, "a", "b")
    xml = conn.domain_snapshot_get_xml_desc(a, 0)
    await conn.domain_snapshot_create_xml(bench.test, xml, Create.REDEFINE)
    circle = xml.replace("<state>", "<parent><name>b</name></parent><state>")
    with pytest.raises(InvalidArg):
        await conn.domain_snapshot_create_xml(bench.test, circle, Create.REDEFINE)
    with pytest.raises(InvalidArg):
        await conn.domain_snapshot_create_xml(bench.test, circle.replace(">b<", ">gone<"), Create.REDEFINE)
    assert conn.domain_snapshot_is_current(b, 0) == 1


async def test_refused(bench: Bench) -> None:
    conn = bench.conn
    await take(bench, "a")
    with pytest.raises(OperationInvalid):
        await take(bench, "a")
    with pytest.raises(OperationInvalid):
        await conn.domain_rename(bench.test, "x", 0)
    with pytest.raises(NoDomainSnapshot):
        await conn.domain_snapshot_delete(DomainSnapshotRef("gone", bench.test), 0)
    with pytest.raises(VirtError):
        await conn.domain_snapshot_create_xml(
            bench.test, "<domainsnapshot><disks><disk name='vdz'/></disks></domainsnapshot>", 0)
    await conn.domain_destroy_flags(bench.test, 0)
    with pytest.raises(OperationInvalid):
        await conn.domain_undefine_flags(bench.test, 0)
    await conn.domain_undefine_flags(bench.test, 2)


async def test_checkpoints(bench: Bench) -> None:
    conn = bench.conn
    made = [await conn.domain_checkpoint_create_xml(
        bench.test, f"<domaincheckpoint><name>{name}</name></domaincheckpoint>", 0) for name in "ab"]
    assert "<disk name='vda' checkpoint='bitmap' bitmap='b'/>" in conn.domain_checkpoint_get_xml_desc(made[1], 2)
    assert conn.domain_checkpoint_get_parent(made[1], 0).name == "a"
    assert [c.name for c in conn.domain_checkpoint_list_all_children(made[0], 0)] == ["b"]
    await conn.domain_checkpoint_delete(made[0], 0)
    assert [c.name for c in conn.domain_list_all_checkpoints(bench.test, ROOTS)] == ["b"]
    await conn.domain_destroy_flags(bench.test, 0)
    with pytest.raises(OperationInvalid):
        await conn.domain_checkpoint_create_xml(bench.test, "<domaincheckpoint/>", 0)
