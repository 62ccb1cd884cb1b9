"""Figures, sizes and limits of disks through virsh."""

from __future__ import annotations

import os

import pytest

from tests.e2e.conftest import RichGuest
from tests.harness.daemon import wait_for

pytestmark = pytest.mark.e2e


def test_figures_grow_with_what_the_guest_reads(rich: RichGuest) -> None:
    rich.agent()
    wait_for("reads", lambda: int(stats(rich, "vda")["rd_bytes"]) > 0, 20, 0.2)
    assert int(stats(rich)["rd_bytes"]) >= int(stats(rich, "vda")["rd_bytes"]) + int(stats(rich, "vdb")["rd_bytes"])
    assert stats(rich, str(rich.files / "a.qcow2"))["rd_req"] == stats(rich, "vda")["rd_req"]
    assert "no disk 'vdx'" in rich.virsh("domblkstat", "g", "vdx").fails()


def stats(rich: RichGuest, *disk: str) -> dict[str, str]:
    """domblkstat by name."""
    return {row[-2]: row[-1] for row in rich.rows("domblkstat", "g", *disk)}


def test_sizes_before_and_after_a_resize(rich: RichGuest) -> None:
    info = rich.table("domblkinfo", "g", "vdb")
    assert (info["Capacity"], info["Physical"]) == (str(8 << 20), str(8 << 20))
    rich.ok("blockresize", "g", "vdb", "16M")
    assert rich.table("domblkinfo", "g", "vdb")["Capacity"] == str(16 << 20)
    assert os.stat(rich.files / "b.img").st_size == 16 << 20
    rich.ok("blockresize", "g", "vda", "96M")
    assert rich.table("domblkinfo", "g", "vda")["Capacity"] == str(96 << 20)
    assert "read-only" in rich.virsh("blockresize", "g", "sda", "9M").fails()
    rich.virsh("blockresize", "g", "vdb", "9999999999G").fails()
    assert "no disk" in rich.virsh("domblkinfo", "g", "vdx").fails()
    assert rich.ok("domblkerror", "g").strip() == "No errors found"


def test_limits_reach_qemu_and_the_definition(rich: RichGuest) -> None:
    assert set(rich.table("blkdeviotune", "g", "vda").values()) == {"0", ""}
    rich.ok("blkdeviotune", "g", "vda", "--total-bytes-sec", "1000000", "--live", "--config")
    live = rich.table("blkdeviotune", "g", "vda")
    assert live["total_bytes_sec"] == "1000000"
    assert rich.table("blkdeviotune", "g", "vda", "--config")["total_bytes_sec"] == "1000000"
    assert "<total_bytes_sec>1000000</total_bytes_sec>" in rich.ok("dumpxml", "g")
    rich.ok("blkdeviotune", "g", "vda", "--read-iops-sec", "50", "--read-iops-sec-max", "80", "--live")
    live = rich.table("blkdeviotune", "g", "vda")
    assert (live["total_bytes_sec"], live["read_iops_sec"], live["read_iops_sec_max"]) == ("1000000", "50", "80")
    rich.virsh("blkdeviotune", "g", "vda", "--total-bytes-sec", "10", "--read-bytes-sec", "10").fails()
    rich.ok("blkdeviotune", "g", "vda", "--total-bytes-sec", "0", "--live")
    assert rich.table("blkdeviotune", "g", "vda")["total_bytes_sec"] == "0"


def test_limits_of_the_definition_hold_from_the_start(rich: RichGuest) -> None:
    rich.ok("blkdeviotune", "g", "vdb", "--write-iops-sec", "70", "--write-iops-sec-max", "90", "--config")
    rich.ok("destroy", "g")
    rich.ok("start", "g")
    live = rich.table("blkdeviotune", "g", "vdb")
    assert (live["write_iops_sec"], live["write_iops_sec_max"]) == ("70", "90")
    said = rich.ok("qemu-monitor-command", "g", "{\"execute\":\"query-block\"}")
    assert "\"iops_wr\":70" in said.replace(" ", "")
