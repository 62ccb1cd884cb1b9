"""The daemon comes and goes, kill -9 included; definitions and guests stay."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.harness.daemon import Daemon, kill, wait_for
from tests.harness.guests import GREETING, guest_xml
from tests.harness.programs import require_program
from tests.harness.terminal import Terminal

pytestmark = pytest.mark.e2e


def define(daemon: Daemon, tmp_path: Path, name: str = "small", **how: object) -> None:
    """Define the small guest."""
    file = tmp_path / f"{name}.xml"
    file.write_text(guest_xml(name, **how))  # type: ignore[arg-type]
    daemon.virsh("define", str(file)).check()


def state(daemon: Daemon, name: str = "small") -> str:
    """State and reason."""
    return daemon.virsh("domstate", name, "--reason").check().strip()


def come_back(daemon: Daemon, how: str) -> None:
    """End the daemon in a way and start it again."""
    if how == "SIGKILL":
        daemon.kill9()
    else:
        assert daemon.stop(signal.SIGTERM) == 0
    daemon.start()


@pytest.mark.parametrize("how", ["SIGTERM", "SIGKILL"])
def test_a_running_guest_is_found_again(
    daemon: Daemon, tmp_path: Path, terminal: Callable[..., Terminal], how: str
) -> None:
    define(daemon, tmp_path)
    daemon.virsh("start", "small", "--paused").check()
    before = daemon.virsh("dumpxml", "small").check()
    number, pids = daemon.virsh("domid", "small").check(), daemon.guests()
    assert list(pids) == ["small"]
    come_back(daemon, how)
    assert daemon.guests() == pids
    assert daemon.virsh("domid", "small").check() == number
    assert state(daemon) == "paused (user)"
    assert daemon.virsh("dumpxml", "small").check() == before
    console = terminal(require_program("virsh"), "-c", daemon.uri, "console", "small")
    console.expect("Connected to domain")
    daemon.virsh("resume", "small").check()
    console.expect(GREETING, 90)
    daemon.virsh("shutdown", "small", "--mode", "acpi").check()
    wait_for("power-off", lambda: state(daemon) == "shut off (shutdown)", 60, 0.2)
    assert daemon.guests() == {}


def test_a_guest_that_died_meanwhile_is_off(daemon: Daemon, tmp_path: Path) -> None:
    define(daemon, tmp_path)
    daemon.virsh("start", "small").check()
    pid = daemon.guests()["small"]
    daemon.kill9()
    os.kill(pid, signal.SIGKILL)
    wait_for("the guest's end", lambda: not daemon.guests())
    daemon.start()
    wait_for("the state", lambda: state(daemon).startswith("shut off ("), 20)
    assert daemon.virsh("domid", "small").check().strip() == "-"
    daemon.virsh("start", "small").check()
    assert state(daemon) == "running (booted)"


def test_a_guest_that_dies_is_noticed(daemon: Daemon, tmp_path: Path) -> None:
    define(daemon, tmp_path)
    daemon.virsh("start", "small").check()
    kill(daemon.guests()["small"])
    wait_for("the state", lambda: state(daemon) == "shut off (crashed)", 10)


def test_definitions_and_marks_survive(daemon: Daemon, tmp_path: Path) -> None:
    for name in ("one", "two", "three"):
        define(daemon, tmp_path, name)
    daemon.virsh("desc", "one", "--config", "--title", "--new-desc", "the first").check()
    daemon.virsh("undefine", "two").check()
    daemon.virsh("domrename", "three", "four").check()
    before = [daemon.virsh("dumpxml", name).check() for name in ("one", "four")]
    daemon.kill9()
    daemon.start()
    assert sorted(daemon.virsh("list", "--all", "--name").check().split()) == ["four", "one"]
    assert [daemon.virsh("dumpxml", name).check() for name in ("one", "four")] == before


def test_autostart_happens_once_a_boot(pyvirtd: Daemon, tmp_path: Path) -> None:
    define(pyvirtd, tmp_path)
    pyvirtd.virsh("autostart", "small").check()
    pyvirtd.stop()
    pyvirtd.start()
    first = state(pyvirtd)
    if first.startswith("running"):
        pyvirtd.virsh("destroy", "small").check()
    pyvirtd.kill9()
    pyvirtd.start()
    assert state(pyvirtd).startswith("shut off")


@pytest.mark.parametrize("damage", ["torn", "not XML", "empty"])
def test_a_damaged_definition_is_kept_and_harms_nobody(pyvirtd: Daemon, tmp_path: Path, damage: str) -> None:
    for name in ("good", "bad"):
        define(pyvirtd, tmp_path, name)
    pyvirtd.stop()
    file = next(p for p in pyvirtd.root.rglob("bad.xml") if "run" not in p.relative_to(pyvirtd.root).parts)
    whole = file.read_bytes()
    broken = {"torn": whole[: len(whole) // 2], "not XML": b"\0\xff nonsense", "empty": b""}[damage]
    file.write_bytes(broken)
    pyvirtd.start()
    assert "good" in pyvirtd.virsh("list", "--all", "--name").check().split()
    pyvirtd.virsh("dumpxml", "bad").fails()  # a damaged definition may be noticed when it is first needed
    pyvirtd.virsh("start", "good").check()
    kept = [p for p in pyvirtd.root.rglob("*bad*") if p.is_file() and p.read_bytes() == broken]
    assert kept, "the damaged file is gone"
    assert "bad" in pyvirtd.log(), "nobody was told"


def test_a_damaged_status_loses_no_guest(pyvirtd: Daemon, tmp_path: Path) -> None:
    define(pyvirtd, tmp_path)
    pyvirtd.virsh("start", "small").check()
    pyvirtd.kill9()
    files = [p for p in (pyvirtd.root / "run").rglob("*small*.xml") if p.is_file()]
    assert files, "no live status on disk"
    for file in files:
        file.write_bytes(file.read_bytes()[:100])
    pyvirtd.start()
    assert "small" in pyvirtd.virsh("list", "--all", "--name").check().split()
    assert pyvirtd.guests(), "the guest was killed for a damaged file"


def test_sigterm_leaves_no_socket_and_no_helper(pyvirtd: Daemon, tmp_path: Path) -> None:
    define(pyvirtd, tmp_path)
    pyvirtd.virsh("start", "small").check()
    assert pyvirtd.stop() == 0
    assert pyvirtd.leftovers() == list(pyvirtd.guests().values())
    assert not list((pyvirtd.root / "run").glob("libvirt*-sock*"))
