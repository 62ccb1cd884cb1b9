"""vCPUs, pinning and the guest's share of the host, through virsh; what is set is looked for in the kernel."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.e2e.conftest import RichGuest
from tests.harness.programs import require_root

pytestmark = pytest.mark.e2e


def threads(rich: RichGuest) -> dict[str, int]:
    """QEMU's threads by the names that it gives them."""
    pid = rich.daemon.guests()["g"]
    found = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        found[(task / "comm").read_text().strip()] = int(task.name)
    return found


def counts(rich: RichGuest) -> list[int]:
    return [int(row[-1]) for row in rich.rows("vcpucount", "g")]


def test_counts_follow_a_plugged_vcpu_and_the_definition(rich: RichGuest) -> None:
    assert counts(rich) == [4, 4, 2, 2]  # maximum config, live, current config, live
    rich.ok("setvcpus", "g", "3", "--live")
    assert counts(rich) == [4, 4, 2, 3]
    assert sum("CPU" in name and "TCG" in name for name in threads(rich)) == 3
    assert "current='3'" in rich.ok("dumpxml", "g")
    assert "CPU" in rich.ok("vcpuinfo", "g")
    rich.ok("setvcpus", "g", "4", "--config")
    rich.ok("setvcpus", "g", "6", "--config", "--maximum")
    assert counts(rich) == [6, 4, 4, 3]
    assert "at most" in rich.virsh("setvcpus", "g", "5", "--live").fails()
    assert "can be unplugged" in rich.virsh("setvcpus", "g", "1", "--live").fails()
    rich.virsh("setvcpus", "g", "3", "--live", "--maximum").fails()
    rich.virsh("setvcpus", "g", "0", "--live").fails()
    # With an agent on this guest the counts of the guest are its own; see test_guest_agent.


def test_pins_reach_the_threads_and_the_definition(rich: RichGuest) -> None:
    rich.ok("vcpupin", "g", "0", "0", "--live", "--config")
    thread = next(tid for name, tid in threads(rich).items() if name.startswith("CPU 0/"))
    assert os.sched_getaffinity(thread) == {0}
    assert ["0", "0"] in rich.rows("vcpupin", "g")
    assert "<vcpupin vcpu='0' cpuset='0'/>" in rich.ok("dumpxml", "g", "--inactive")
    assert "beyond" in rich.virsh("vcpupin", "g", "9", "0").fails()
    rich.ok("emulatorpin", "g", "0")
    assert os.sched_getaffinity(rich.daemon.guests()["g"]) == {0}
    assert rich.ok("emulatorpin", "g").split() == ["0"]
    rich.ok("iothreadpin", "g", "1", "0")
    assert rich.rows("iothreadinfo", "g") == [["1", "0"]]
    assert "no I/O thread" in rich.virsh("iothreadpin", "g", "7", "0").fails()


def test_scheduler_and_memory_limits_are_the_control_groups(rich: RichGuest) -> None:
    require_root()
    shares = int(rich.table("schedinfo", "g")["cpu_shares"])
    assert shares in (100, 1024)
    assert rich.table("schedinfo", "g", "--live", "--set", "cpu_shares=500")["cpu_shares"] == "500"
    quota = rich.table("schedinfo", "g", "--live", "--set", "global_quota=80000")
    assert (quota["global_quota"], quota["global_period"]) == ("80000", "100000")
    assert rich.table("schedinfo", "g", "--config")["cpu_shares"] == "0"
    assert rich.table("schedinfo", "g", "--config", "--set", "vcpu_period=50000")["vcpu_period"] == "50000"
    assert "<period>50000</period>" in rich.ok("dumpxml", "g", "--inactive")
    rich.virsh("schedinfo", "g", "--config", "--set", "vcpu_period=5").fails()
    assert rich.table("memtune", "g")["hard_limit"] == "unlimited"
    rich.ok("memtune", "g", "--live", "--hard-limit", "4000000")
    assert rich.table("memtune", "g")["hard_limit"] == "4000000"
    group = Path(f"/proc/{rich.daemon.guests()['g']}/cgroup").read_text()
    assert "machine/" in group
    rich.ok("memtune", "g", "--config", "--soft-limit", "300000")
    assert "<soft_limit unit='KiB'>300000</soft_limit>" in rich.ok("dumpxml", "g", "--inactive")


def test_what_else_is_told_of_the_hosts_share(rich: RichGuest) -> None:
    require_root()
    rich.ok("blkiotune", "g", "--config", "--weight", "300")
    assert rich.table("blkiotune", "g", "--config")["weight"] == "300"
    rich.ok("numatune", "g", "--config", "--nodeset", "0")
    assert rich.table("numatune", "g", "--config") == {"numa_mode": "strict", "numa_nodeset": "0"}
    rich.ok("perf", "g", "--config", "--enable", "cpu_clock")
    assert "<event name='cpu_clock' enabled='yes'/>" in rich.ok("dumpxml", "g", "--inactive")
    assert "cpu_time" in rich.ok("cpu-stats", "g", "--total")
