"""What a guest without saves, snapshots and jobs answers, and what taints it."""

from __future__ import annotations

import pytest

from pyvirtd.drivers.qemu.security import TAINTS
from pyvirtd.errors import HostSystemError, NoDomainCheckpoint, NoDomainSnapshot, OperationInvalid
from pyvirtd.protocol.constants.domain import DomainMessageType
from tests.drivers.qemu.conftest import Bench


async def test_nothing_is_saved(bench: Bench) -> None:
    await bench.start()
    driver = bench.driver
    dom = await driver.domain_define_xml_flags(bench.xml(), 0)
    assert driver.domain_has_managed_save_image(dom, 0) == 0
    with pytest.raises(HostSystemError, match="no managed save"):
        await driver.domain_managed_save_remove(dom, 0)
    image = driver.runtime.saved_image("a")
    image.parent.mkdir(parents=True)
    image.write_bytes(b"x")
    driver.domains.by_name("a").managed_save = True
    assert driver.domain_has_managed_save_image(dom, 0) == 1
    await driver.domain_managed_save_remove(dom, 0)
    assert not image.exists()
    assert driver.domain_has_managed_save_image(dom, 0) == 0


async def test_no_snapshots_and_no_checkpoints(bench: Bench) -> None:
    await bench.start()
    driver = bench.driver
    dom = await driver.domain_define_xml_flags(bench.xml(), 0)
    assert driver.domain_list_all_snapshots(dom, 0) == []
    assert driver.domain_snapshot_num(dom, 0) == 0
    assert driver.domain_list_all_checkpoints(dom, 0) == []
    assert driver.domain_has_current_snapshot(dom, 0) == 0
    with pytest.raises(NoDomainSnapshot):
        driver.domain_snapshot_current(dom, 0)
    with pytest.raises(NoDomainSnapshot, match="'s'"):
        driver.domain_snapshot_lookup_by_name(dom, "s", 0)
    with pytest.raises(NoDomainCheckpoint, match="'c'"):
        driver.domain_checkpoint_lookup_by_name(dom, "c", 0)


async def test_a_guest_without_a_job(bench: Bench) -> None:
    await bench.start()
    driver = bench.driver
    dom = await driver.domain_define_xml_flags(bench.xml(), 0)
    for ask in (driver.domain_get_job_info, lambda dom: driver.domain_get_job_stats(dom, 0)):
        with pytest.raises(OperationInvalid, match="not running"):
            ask(dom)
    dom = await driver.domain_create_with_flags(dom, 0)
    assert driver.domain_get_job_info(dom).type == 0
    assert driver.domain_get_job_stats(dom, 0) == (0, {})
    with pytest.raises(OperationInvalid, match="no job"):
        driver.domain_abort_job_flags(dom, 0)
    assert driver.domain_get_launch_security_info(dom, 0) == {}


async def test_messages_tell_what_was_done_past_the_daemon(bench: Bench) -> None:
    await bench.start()
    driver = bench.driver
    dom = await driver.domain_define_xml_flags(bench.xml(), 0)
    dom = await driver.domain_create_with_flags(dom, 0)
    assert driver.domain_get_messages(dom, 0) == []
    await driver.domain_monitor_command_with_files(dom, '{"execute": "query-status"}', 0, [])
    assert driver.domain_get_messages(dom, 0) == [f"tainted: {TAINTS['custom-monitor']}"]
    assert driver.domain_get_messages(dom, DomainMessageType.DEPRECATION) == []
    await driver.domain_destroy_flags(dom, 0)
    assert driver.domain_get_messages(dom, 0) == []


async def test_refusals_of_the_raw_monitor_are_its_answer(bench: Bench) -> None:
    await bench.start()
    driver = bench.driver
    dom = await driver.domain_define_xml_flags(bench.xml(), 0)
    dom = await driver.domain_create_with_flags(dom, 0)
    answer = await driver.domain_monitor_command_with_files(dom, '{"execute": "nonsense"}', 0, [])
    assert '"class":"CommandNotFound"' in answer.value


async def test_control_groups_lie_below_their_partition(bench: Bench) -> None:
    await bench.start()
    path = bench.driver.runtime.cgroup_path
    assert path(3, "web", None).startswith("machine/qemu-3-web.pyvirtd-")
    assert path(3, "web", "/machine/prod/a.partition").startswith("machine/prod.partition/a.partition/qemu-3-web.")
    assert path(3, "web", "/../../etc").startswith("etc.partition/qemu-3-web.")
    assert path(3, "web", "/").startswith("machine/qemu-3-web.")
