"""A guest whose monitor hangs (its QEMU is stopped) blocks nobody, and holds up only who wants to change it."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.wire import Client, number, reference, string
from tests.harness.daemon import Daemon, Pyvirtd, wait_for
from tests.harness.guests import guest_xml

pytestmark = pytest.mark.e2e
JOB_TIMEOUT = 2.0
BUDGET = 0.05


@pytest.fixture
def hung(tmp_path: Path) -> Iterator[tuple[Daemon, int]]:
    """A daemon with a job timeout of two seconds, and the process id of a guest that is stopped."""
    daemon = Pyvirtd()
    daemon.configure(f"[qemu]\njob_timeout = {JOB_TIMEOUT}\n")
    pid = 0
    try:
        daemon.start()
        for name in ("hung", "well"):
            file = tmp_path / f"{name}.xml"
            file.write_text(guest_xml(name))
            daemon.virsh("create", str(file)).check()
        pid = daemon.guests()["hung"]
        os.kill(pid, signal.SIGSTOP)
        yield daemon, pid
    finally:
        if pid:
            os.kill(pid, signal.SIGCONT) if Path(f"/proc/{pid}").exists() else None
        daemon.close()


def test_queries_answer_within_50_ms(hung: tuple[Daemon, int]) -> None:
    daemon, pid = hung
    client = Client(str(daemon.socket), "qemu:///system" if os.geteuid() == 0 else "qemu:///session")
    dom = reference(client.call(23, string("hung")))
    stuck = threading.Thread(target=daemon.virsh, args=("suspend", "hung"))
    stuck.start()  # a modifying call waits for the monitor all the while
    time.sleep(0.3)
    for what, procedure, body in (
        ("list", 273, number(1) + number(0)),
        ("lookup", 23, string("hung")),
        ("state", 212, dom + number(0)),
        ("info", 16, dom),
        ("XML", 14, dom + number(0)),
        ("stats", 344, number(0) * 3),
        ("memory stats", 159, dom + number(13) + number(0)),
        ("vCPUs", 20, dom + number(4) + number(1)),
        ("vCPU count", 200, dom + number(1)),
        ("vCPU pins", 230, dom + number(4) + number(1) + number(1)),
        ("emulator pins", 280, dom + number(1) + number(1)),
        ("snapshots", 274, dom + number(1) + number(0)),
    ):
        times = []
        for _ in range(5):
            began = time.perf_counter()
            client.call(procedure, body)
            times.append(time.perf_counter() - began)
        # the second best of five: the machine has other work, and the point is that nothing waits for the guest
        assert sorted(times)[1] < BUDGET, f"{what} took {times}"
        assert max(times) < 1, f"{what} waited: {times}"
    client.close()
    os.kill(pid, signal.SIGCONT)
    stuck.join(60)


def test_changes_fail_after_the_job_timeout_and_name_the_holder(hung: tuple[Daemon, int]) -> None:
    daemon, pid = hung
    first = threading.Thread(target=daemon.virsh, args=("suspend", "hung"))
    first.start()
    time.sleep(0.3)
    began = time.monotonic()
    message = daemon.virsh("desc", "hung", "--live", "--new-desc", "x").fails()
    assert JOB_TIMEOUT - 0.5 < time.monotonic() - began < JOB_TIMEOUT + 2, message
    assert "suspend" in message, message
    daemon.virsh("suspend", "well").check()  # nobody else is held up
    os.kill(pid, signal.SIGCONT)
    first.join(60)


def test_the_job_is_free_within_a_second_of_the_guests_end(hung: tuple[Daemon, int]) -> None:
    daemon, pid = hung
    said: list[str] = []
    stuck = threading.Thread(target=lambda: said.append(daemon.virsh("resume", "hung").err))
    stuck.start()
    time.sleep(0.3)
    began = time.monotonic()
    os.kill(pid, signal.SIGKILL)
    stuck.join(10)
    assert time.monotonic() - began < 1.2, "the call waits for a guest that is dead"
    wait_for("the domain's end", lambda: daemon.virsh("domid", "hung").code != 0, 2)


def test_a_hung_guest_can_be_destroyed(hung: tuple[Daemon, int]) -> None:
    daemon, _ = hung
    began = time.monotonic()
    daemon.virsh("destroy", "hung").check()
    # a QEMU that doesn't hear SIGTERM is given ten seconds, as by the C daemon, so that it can flush its disks
    assert time.monotonic() - began < 15
    assert list(daemon.guests()) == ["well"]


def test_another_domain_starts_and_ends_beside_it(hung: tuple[Daemon, int], tmp_path: Path) -> None:
    daemon, _ = hung
    file = tmp_path / "third.xml"
    file.write_text(guest_xml("third"))
    daemon.virsh("create", str(file)).check()
    daemon.virsh("destroy", "third").check()
