"""kill -9 at every step that the store takes in every operation on a domain; afterwards nothing is lost."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from tests.harness.daemon import Pyvirtd, wait_for
from tests.harness.guests import guest_xml
from tests.harness.programs import TOP

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
MOST_STEPS = 60


class Faulty(Pyvirtd):
    """pyvirtd whose store can be told to end the process."""

    name = "pyvirtd with faults"

    def argv(self) -> Sequence[str]:
        """The launcher in place of the console script."""
        return [sys.executable, str(TOP / "tests/e2e/clients/faulty_pyvirtd.py"), "--root", str(self.root)]

    def fail_at(self, step: int | None) -> None:
        """Die at that step from now on, or at none."""
        file = self.root / "fault-at"
        if step is None:
            file.unlink(missing_ok=True)
        else:
            (self.root / "fault-steps").unlink(missing_ok=True)
            file.write_text(str(step))

    def steps(self) -> str:
        """The steps since `fail_at`."""
        try:
            return (self.root / "fault-steps").read_text()
        except FileNotFoundError:
            return ""

    def died(self, within: float = 0.5) -> bool:
        """Whether it has ended."""
        assert self.process is not None
        end = time.monotonic() + within
        while self.process.poll() is None and time.monotonic() < end:
            time.sleep(0.01)
        return self.process.poll() is not None


@pytest.fixture
def faulty() -> Iterator[Faulty]:
    """A started daemon that may be told to die."""
    daemon = Faulty()
    if os.geteuid() == 0:  # files change hands then
        daemon.configure("[qemu]\nuser = 'nobody'\ngroup = 'nogroup'\n")
    try:
        daemon.start()
        yield daemon
    finally:
        daemon.close()


DEVICES = """<disk type='file'><driver name='qemu' type='raw'/><target dev='vda' bus='virtio'/>
<source file='{disk}'/></disk>
<channel type='unix'><target type='virtio' name='org.example.0'/></channel><interface type='user'/>"""
"""A file that is lent to the guest, and a socket: what a guest leaves behind that nobody tidies up after."""

# operation: what is done before, the command that is interrupted, the names that may be defined afterwards
OPERATIONS: dict[str, tuple[list[list[str]], list[str], list[set[str]]]] = {
    "define": ([], ["define", "{new}"], [{"old"}, {"old", "new"}]),
    "redefine": ([], ["define", "{old2}"], [{"old"}]),
    "start": ([], ["start", "old"], [{"old"}]),
    "destroy": ([["start", "old"]], ["destroy", "old"], [{"old"}]),
    "undefine": ([["autostart", "old"]], ["undefine", "old"], [{"old"}, set()]),
    "rename": ([["autostart", "old"]], ["domrename", "old", "new"], [{"old"}, {"new"}]),
    "autostart": ([], ["autostart", "old"], [{"old"}]),
    "describe": ([["start", "old"]], ["desc", "old", "--live", "--config", "--new-desc", "words"], [{"old"}]),
}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_nothing_is_lost(faulty: Faulty, tmp_path: Path, operation: str) -> None:
    before, command, allowed = OPERATIONS[operation]
    uuid = "3d9f1a52-51f5-4b1c-9be1-0c8a6a1f0001"
    disk = faulty.root / "disk"
    disk.write_bytes(bytes(1 << 20))
    more = DEVICES.format(disk=disk)
    files = {"old": guest_xml("old", domain_id=uuid, devices=more), "new": guest_xml("new"),
             "old2": guest_xml("old", domain_id=uuid, memory_mib=112, devices=more)}
    owner = disk.stat().st_uid
    for name, xml in files.items():
        (tmp_path / name).write_text(xml)
    fill: Callable[[str], str] = lambda word: word.format(**{n: str(tmp_path / n) for n in files})  # noqa: E731
    for step in range(1, MOST_STEPS):
        faulty.virsh("define", str(tmp_path / "old")).check()
        for each in before:
            faulty.virsh(*each).check()
        running = faulty.guests()
        number = faulty.virsh("domid", "old").check() if running else ""
        assert not running or os.geteuid() or disk.stat().st_uid != owner, "the disk was not lent"
        faulty.fail_at(step)
        said = faulty.virsh(*(fill(word) for word in command))
        died = faulty.died(0.5 if said.code else 0.05)
        at = faulty.steps()
        faulty.fail_at(None)
        if died:
            faulty.process = None
            faulty.start()
        check(faulty, operation, allowed, running, number, f"killed at step {step}:\n{at}")
        clear(faulty)
        assert disk.stat().st_uid == owner, at
        assert not os.listxattr(disk), at
        if not died:
            assert said.code == 0, said.err
            assert step > 1, f"{operation} never touched the store"
            print(f"{operation}: killed at each of {step - 1} steps")  # pytest -rP shows it
            return
    pytest.fail(f"{operation} takes more than {MOST_STEPS} steps")


def check(faulty: Faulty, operation: str, allowed: list[set[str]], running: dict[str, int], number: str,
          when: str) -> None:
    """Whole definitions, guests where they were, nothing left over."""
    names = set(faulty.virsh("list", "--all", "--name").check().split())
    assert names in allowed, when
    for name in names:
        assert f"<name>{name}</name>" in faulty.virsh("dumpxml", name, "--inactive").check(), when
    now = faulty.guests()
    listed = set(faulty.virsh("list", "--name").check().split())
    if operation == "destroy" and not listed:  # it was killed after QEMU: then QEMU has to be gone
        wait_for(f"no guest, {when}", lambda: not faulty.guests(), 5)
    elif running:
        assert now == running, when
        assert faulty.virsh("domid", "old").check() == number, when
    wait_for(f"guests are those that are listed, {when}", lambda: set(faulty.guests()) == set(
        faulty.virsh("list", "--name").check().split()), 5)
    # what is left of a cache is written over the next time
    strays = [p for part in ("etc", "lib", "run") for p in (faulty.root / part).rglob("*.tmp*") if p.is_file()]
    assert not strays, f"{strays}, {when}"
    running_now = faulty.guests()
    assert sorted(faulty.leftovers()) == sorted(running_now.values()), when
    parts = "run/qemu", "run/qemu/channel", "lib/qemu/ram"
    places = [place for part in parts for place in (faulty.root / part).glob("[0-9]*-*")]
    assert bool(places) == bool(running_now), f"{places}, {when}"
    if operation == "redefine":
        memory = faulty.virsh("dominfo", "old").check()
        assert f"{96 * 1024} KiB" in memory or f"{112 * 1024} KiB" in memory, when


def clear(faulty: Faulty) -> None:
    """Back to nothing defined."""
    for name in faulty.virsh("list", "--name").check().split():
        faulty.virsh("destroy", name).check()
    for name in faulty.virsh("list", "--all", "--name").check().split():
        faulty.virsh("undefine", name).check()
