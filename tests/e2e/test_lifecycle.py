"""A guest's life through Debian's virsh: define, start, watch, shut down."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.harness.daemon import Daemon, wait_for
from tests.harness.guests import GREETING, guest_xml
from tests.harness.programs import require_program
from tests.harness.terminal import Terminal

pytestmark = pytest.mark.e2e

BOOT_TIMEOUT = 90.0


def define(daemon: Daemon, tmp_path: Path, name: str = "small", **how: object) -> None:
    """Define the small guest."""
    file = tmp_path / f"{name}.xml"
    file.write_text(guest_xml(name, **how))  # type: ignore[arg-type]
    daemon.virsh("define", str(file)).check()


def state(daemon: Daemon, name: str = "small") -> str:
    """What virsh says about the state, with the reason."""
    return daemon.virsh("domstate", name, "--reason").check().strip()


def test_guest_greets_on_its_console_and_leaves_by_acpi(
    daemon: Daemon, tmp_path: Path, terminal: Callable[..., Terminal]
) -> None:
    define(daemon, tmp_path)
    assert state(daemon).startswith("shut off")
    daemon.virsh("start", "small", "--paused").check()
    assert state(daemon).startswith("paused")
    console = terminal(require_program("virsh"), "-c", daemon.uri, "console", "small")
    console.expect("Connected to domain")
    daemon.virsh("resume", "small").check()
    console.expect(GREETING, BOOT_TIMEOUT)
    console.send("\recho $((6*7))-answers\r")
    console.expect("42-answers")
    console.send("\x1d")  # ^] leaves the console, and the guest alone
    assert console.wait() == 0
    assert state(daemon) == "running (unpaused)"
    daemon.virsh("shutdown", "small", "--mode", "acpi").check()
    wait_for("power-off", lambda: state(daemon) == "shut off (shutdown)", 60, 0.2)
    daemon.virsh("undefine", "small").check()
    assert daemon.virsh("list", "--all", "--name").check().strip() == ""
    wait_for("no process left", lambda: not [p for p in daemon.leftovers() if is_qemu(p)])


def is_qemu(pid: int) -> bool:
    """Whether a process is an emulator."""
    try:
        return "qemu-system" in Path(f"/proc/{pid}/cmdline").read_text(errors="replace")
    except OSError:
        return False


def test_pause_resume_reset_destroy(daemon: Daemon, tmp_path: Path) -> None:
    define(daemon, tmp_path)
    daemon.virsh("start", "small").check()
    assert state(daemon) == "running (booted)"
    daemon.virsh("start", "small").fails()
    daemon.virsh("suspend", "small").check()
    assert state(daemon) == "paused (user)"
    daemon.virsh("resume", "small").check()
    assert state(daemon) == "running (unpaused)"
    daemon.virsh("reset", "small").check()
    daemon.virsh("destroy", "small").check()
    assert state(daemon) == "shut off (destroyed)"
    daemon.virsh("destroy", "small").fails()


def test_transient_guest_is_gone_when_it_ends(daemon: Daemon, tmp_path: Path) -> None:
    file = tmp_path / "t.xml"
    file.write_text(guest_xml("transient"))
    daemon.virsh("create", str(file)).check()
    assert "transient" in daemon.virsh("list", "--name").check().split()
    assert "Persistent:     no" in daemon.virsh("dominfo", "transient").check()
    daemon.virsh("destroy", "transient").check()
    daemon.virsh("dominfo", "transient").fails()


def test_autodestroy_ends_with_its_client(
    daemon: Daemon, tmp_path: Path, terminal: Callable[..., Terminal]
) -> None:
    define(daemon, tmp_path)
    shell = terminal(require_program("virsh"), "-c", daemon.uri)
    shell.expect("virsh #")
    shell.send("start small --autodestroy\r")
    shell.expect("started")
    assert state(daemon).startswith("running")
    shell.send("quit\r")
    shell.wait()
    wait_for("the guest's end", lambda: state(daemon).startswith("shut off"), 20)


def test_rename_and_autostart_mark(daemon: Daemon, tmp_path: Path) -> None:
    define(daemon, tmp_path)
    daemon.virsh("autostart", "small").check()
    daemon.virsh("domrename", "small", "other").check()
    assert "Autostart:      enable" in daemon.virsh("dominfo", "other").check()
    daemon.virsh("autostart", "--disable", "other").check()
    daemon.virsh("undefine", "other").check()
    daemon.virsh("dominfo", "other").fails()
