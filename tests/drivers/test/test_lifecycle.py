"""Every way a domain's state changes, and the event of it."""

from __future__ import annotations

import pytest

from pyvirtd.core.lifecycle import State
from pyvirtd.errors import InternalError, NoDomain, OperationInvalid
from pyvirtd.protocol.constants.domain import DomainCreateFlags
from tests.drivers.test.conftest import Bench

DEFINED, UNDEFINED, STARTED, SUSPENDED, RESUMED, STOPPED = range(6)


async def test_a_domains_life(bench: Bench) -> None:
    ref, conn = bench.define(), bench.conn
    await conn.domain_create_with_files(ref, 0, [])
    await conn.domain_suspend(ref)
    with pytest.raises(InternalError):
        await conn.domain_suspend(ref)
    assert conn.domain_get_state(ref, 0) == (State.PAUSED, 1)
    await conn.domain_resume(ref)
    await conn.domain_reboot(ref, 0)
    await conn.domain_shutdown_flags(ref, 0)
    with pytest.raises(OperationInvalid):
        await conn.domain_shutdown_flags(ref, 0)
    await conn.domain_undefine_flags(ref, 0)
    assert bench.lifecycle() == [
        ("a", STARTED, 0), ("a", SUSPENDED, 0), ("a", RESUMED, 0), ("a", STOPPED, 0), ("a", UNDEFINED, 0)]
    with pytest.raises(NoDomain):
        conn.domain_lookup_by_name("a")


async def test_define_says_whether_it_is_new(bench: Bench) -> None:
    bench.define()
    xml = bench.conn.domain_get_xml_desc(bench.conn.domain_lookup_by_name("a"), 0)
    bench.conn.domain_define_xml_flags(xml, 0)
    assert bench.lifecycle() == [("a", DEFINED, 1)]


async def test_undefining_a_running_domain_leaves_it_running_once(bench: Bench) -> None:
    ref = bench.test
    await bench.conn.domain_undefine_flags(ref, 0)
    assert bench.conn.domain_is_persistent(ref) == 0
    await bench.conn.domain_destroy_flags(ref, 0)
    assert bench.lifecycle() == [("test", UNDEFINED, 0), ("test", STOPPED, 1)]
    assert bench.conn.connect_list_all_domains(0) == []


async def test_on_reboot_decides_what_a_reboot_is(bench: Bench) -> None:
    ref = bench.define(rest="<on_reboot>destroy</on_reboot>")
    await bench.conn.domain_create_with_files(ref, 0, [])
    await bench.conn.domain_reboot(ref, 0)
    assert bench.conn.domain_get_state(ref, 0) == (State.SHUTOFF, 1)
    await bench.conn.domain_set_lifecycle_action(ref, 1, 1, 0)
    await bench.conn.domain_create_with_files(ref, 0, [])
    await bench.conn.domain_reboot(ref, 0)
    assert bench.conn.domain_get_state(ref, 0) == (State.RUNNING, 1)


async def test_started_paused_and_suspended_by_itself(bench: Bench) -> None:
    ref = bench.define()
    await bench.conn.domain_create_with_files(ref, DomainCreateFlags.START_PAUSED, [])
    assert bench.conn.domain_get_state(ref, 0) == (State.PAUSED, 1)
    await bench.conn.domain_resume(ref)
    await bench.conn.domain_pm_suspend_for_duration(ref, 0, 0, 0)
    assert bench.conn.domain_get_state(ref, 0) == (State.PMSUSPENDED, 0)
    await bench.conn.domain_pm_wakeup(ref, 0)
    assert bench.conn.domain_get_state(ref, 0) == (State.RUNNING, 8)


async def test_renaming(bench: Bench) -> None:
    ref = bench.define()
    await bench.conn.domain_rename(ref, "b", 0)
    assert bench.lifecycle() == [("a", UNDEFINED, 1), ("b", DEFINED, 2)]
    assert "<name>b</name>" in bench.conn.domain_get_xml_desc(bench.conn.domain_lookup_by_name("b"), 0)
    with pytest.raises(OperationInvalid):
        await bench.conn.domain_rename(bench.conn.domain_lookup_by_name("b"), "test", 0)
    with pytest.raises(OperationInvalid):
        await bench.conn.domain_rename(bench.test, "c", 0)
