"""Control groups: found on made-up hosts of every kind, used for real where this host permits."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyvirtd.errors import OperationInvalid
from pyvirtd.host.cgroup import Cgroup, Hierarchies, detect

V1 = """30 25 0:26 / {base}/cpu,cpuacct rw,nosuid - cgroup cgroup rw,cpu,cpuacct
31 25 0:27 / {base}/memory rw - cgroup cgroup rw,memory
"""
V2 = "40 25 0:30 / {base}/unified rw,nosuid - cgroup2 cgroup2 rw\n"


def host(tmp_path: Path, mounts: str, controllers: str = "") -> Hierarchies:
    for name in ("cpu,cpuacct", "memory", "unified"):
        (tmp_path / name).mkdir()
    (tmp_path / "unified/cgroup.controllers").write_text(controllers)
    (tmp_path / "unified/cgroup.subtree_control").write_text("")
    (tmp_path / "mountinfo").write_text(mounts.format(base=tmp_path))
    return detect(str(tmp_path / "mountinfo"))


def test_version_1(tmp_path: Path) -> None:
    found = host(tmp_path, V1)
    assert found.v1["cpuacct"] == f"{tmp_path}/cpu,cpuacct"
    assert found.unified is None
    assert found.any


def test_version_2(tmp_path: Path) -> None:
    found = host(tmp_path, V2, "cpu io memory\n")
    assert (found.v1, found.v2) == ({}, {"cpu", "io", "memory"})
    for name in ("controllers", "subtree_control"):  # which the kernel puts into a new directory
        (tmp_path / "unified/machine").mkdir(exist_ok=True)
        (tmp_path / f"unified/machine/cgroup.{name}").write_text("cpu io memory")
    group = Cgroup.create("machine/guest", found)
    assert group.controllers == {"cpu", "cpuacct", "memory", "blkio", "freezer"}
    assert os.path.isdir(f"{tmp_path}/unified/machine/guest")
    assert (tmp_path / "unified/cgroup.subtree_control").read_text() == "+memory"  # the last one written


def test_a_mix_takes_each_controller_where_it_is(tmp_path: Path) -> None:
    found = host(tmp_path, V1 + V2, "io\n")
    group = Cgroup.create("guest", found)
    assert group.controllers == {"cpu", "cpuacct", "memory", "blkio", "freezer"}
    assert os.path.isdir(f"{tmp_path}/unified/guest")
    assert os.path.isdir(f"{tmp_path}/memory/guest")


def test_an_empty_version_2_beside_version_1_is_left_alone(tmp_path: Path) -> None:
    group = Cgroup.create("guest", host(tmp_path, V1 + V2))
    assert group.controllers == {"cpu", "cpuacct", "memory"}
    assert not os.path.exists(f"{tmp_path}/unified/guest")


def test_without_groups_a_warning_is_all(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    group = Cgroup.create("guest", host(tmp_path, "garbage\n\n"))
    assert "no usable control groups" in caplog.text
    group.add(os.getpid())
    assert group.pids() == []
    with pytest.raises(OperationInvalid, match="no memory controller"):
        group.set_memory_limit("hard", 1)
    group.remove()


def test_what_is_not_permitted_is_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    found = host(tmp_path, V1)
    (tmp_path / "memory/machine").write_text("a file in the way")
    group = Cgroup.create("machine/guest", found)
    assert group.controllers == {"cpu", "cpuacct"}
    assert "goes without memory" in caplog.text


@pytest.fixture
def group() -> Iterator[Cgroup]:
    hierarchies = detect()
    if not hierarchies.any or os.getuid() != 0:
        pytest.skip("no control groups that could be used here")
    group = Cgroup.create(f"pyvirtd-test-{os.getpid()}/guest", hierarchies)
    if not group.controllers:
        pytest.skip("control groups are not writable here")
    yield group
    group.remove()
    Cgroup.existing(group.path.split("/")[0], hierarchies).remove()


def test_a_real_group_holds_and_limits_a_process(group: Cgroup) -> None:
    child = subprocess.Popen(["sleep", "60"])
    try:
        group.add(child.pid)
        assert group.pids() == [child.pid]
        if group.has("memory"):
            group.set_memory_limit("hard", 64 << 20)
            assert group.memory_limit("hard") == 64 << 20
            group.set_memory_limit("hard", None)
            assert group.memory_limit("hard") is None
            assert group.memory_usage() >= 0
        if group.has("cpu"):
            group.set_cpu_bandwidth(50000, 25000)
            assert group.cpu_bandwidth() == (50000, 25000)
            group.set_cpu_bandwidth(None, -1)
            assert group.cpu_bandwidth() == (50000, -1)
            group.set_cpu_shares(500)
            assert group.cpu_shares() == 500
            with pytest.raises(OperationInvalid, match="refused"):
                group.set_cpu_bandwidth(1, None)
        if group.has("cpuset"):
            group.set_cpus("0")
            assert group.cpus() == "0"
        if group.has("cpuacct"):
            usage, _, _ = group.cpu_usage()
            assert usage >= 0
        vcpu = group.child("vcpu0")
        if vcpu.controllers:
            vcpu.add_thread(child.pid)
            vcpu.set_cpu_bandwidth(20000, 10000)
            assert vcpu.cpu_bandwidth() == (20000, 10000)
        if group.has("freezer"):
            group.freeze(True)
            group.freeze(False)
    finally:
        child.kill()
        child.wait()
    group.remove()
    assert group.pids() == []
