"""What becomes of a guest while no daemon runs: the next one shows it, and tells clients that ask later."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.harness.daemon import Daemon, wait_for
from tests.harness.guests import GREETING, guest_xml

pytestmark = pytest.mark.e2e
PANIC = "<panic model='pvpanic'/>"


class Guest:
    """A running guest, reached past the daemon."""

    def __init__(self, daemon: Daemon, tmp_path: Path, devices: str = "", *, transient: bool = False) -> None:
        file = tmp_path / "small.xml"
        file.write_text(guest_xml("small", devices=devices))
        self.daemon = daemon
        if transient:
            daemon.virsh("create", str(file), "--paused").check()
        else:
            daemon.virsh("define", str(file)).check()
            daemon.virsh("start", "small", "--paused").check()
        self.number = daemon.virsh("domid", "small").check()
        self.pid = daemon.guests()["small"]
        self._tty = os.open(daemon.virsh("ttyconsole", "small").check().strip(), os.O_RDWR | os.O_NOCTTY)
        daemon.virsh("resume", "small").check()
        self.expect(GREETING)

    def expect(self, text: str, timeout: float = 120) -> None:
        """Read its serial line until that."""
        seen, end = "", time.monotonic() + timeout
        while text not in seen:
            assert time.monotonic() < end, f"no {text!r} in {seen!r}"
            if select.select([self._tty], [], [], 0.5)[0]:
                seen += os.read(self._tty, 65536).decode(errors="replace")

    def type(self, line: str) -> None:
        """On its serial line."""
        os.write(self._tty, line.encode() + b"\n")

    def qmp(self, *commands: str, until: str) -> None:
        """Commands to its monitor while no daemon has it, until it reports that event."""
        place = next((self.daemon.root / "run/qemu").glob("*-small/monitor.sock"))
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(120)
            sock.connect(str(place))
            with sock.makefile("rw") as file:
                for command in ("qmp_capabilities", *commands):
                    file.write(json.dumps({"execute": command}) + "\n")
                file.flush()
                for line in file:
                    said: dict[str, Any] = json.loads(line)
                    if said.get("event") == until:
                        return
        raise AssertionError(f"its monitor closed before it said {until}")

    def close(self) -> None:
        """Of what is ours."""
        with contextlib.suppress(OSError):
            os.close(self._tty)


def powers_off(guest: Guest) -> None:
    guest.qmp("system_powerdown", until="SHUTDOWN")


def is_stopped(guest: Guest) -> None:
    guest.qmp("stop", until="STOP")


def panics(guest: Guest) -> None:
    guest.type("echo c >/proc/sysrq-trigger")
    guest.expect("Kernel panic")
    time.sleep(0.2)  # it tells the panic device right after


def is_killed(guest: Guest) -> None:
    os.kill(guest.pid, signal.SIGKILL)
    wait_for("QEMU's end", lambda: not guest.daemon.guests())


def is_terminated(guest: Guest) -> None:
    os.kill(guest.pid, signal.SIGTERM)
    wait_for("QEMU's end", lambda: not guest.daemon.guests())


# what happens: the state afterwards, the events in order as virsh words them
CASES: dict[Callable[[Guest], None], tuple[str, list[str]]] = {
    powers_off: ("shut off (shutdown)", ["Shutdown Finished after guest request", "Stopped Shutdown"]),
    is_stopped: ("paused (unknown)", ["Suspended Paused"]),
    panics: ("shut off (crashed)", ["Crashed Panicked", "Stopped Crashed"]),
    is_killed: ("shut off (crashed)", ["Stopped Failed"]),
    is_terminated: ("shut off (shutdown)", ["Stopped Shutdown"]),
}


@pytest.mark.parametrize("what", CASES, ids=lambda what: str(what.__name__))
def test_what_happened_meanwhile_is_shown_and_told(
    pyvirtd: Daemon, tmp_path: Path, what: Callable[[Guest], None]
) -> None:
    after, told = CASES[what]
    guest = Guest(pyvirtd, tmp_path, PANIC)
    pyvirtd.kill9()
    what(guest)
    pyvirtd.start()
    wait_for(after, lambda: pyvirtd.virsh("domstate", "small", "--reason").check().strip() == after, 30)
    events = pyvirtd.virsh("event", "--event", "lifecycle", "--loop", "--timeout", "2").out
    heard = [line.rpartition(": ")[2].strip() for line in events.splitlines() if "'small'" in line]
    # The daemon ends what panicked by a signal, which QEMU may still report.
    assert [each for each in heard if each != "Shutdown Finished after host request"] == told
    active = after.startswith("paused")
    assert list(pyvirtd.guests().values()) == ([guest.pid] if active else [])
    assert pyvirtd.virsh("domid", "small").out.strip() == (guest.number.strip() if active else "-")
    guest.close()
    if active:
        pyvirtd.virsh("resume", "small").check()
    else:
        assert not list((pyvirtd.root / "run/qemu").glob("*small*"))
        pyvirtd.virsh("start", "small").check()


def test_a_transient_guest_that_died_meanwhile_is_no_more(pyvirtd: Daemon, tmp_path: Path) -> None:
    guest = Guest(pyvirtd, tmp_path, transient=True)
    pyvirtd.kill9()
    is_killed(guest)
    pyvirtd.start()
    wait_for("its end", lambda: not pyvirtd.virsh("list", "--all", "--name").check().strip(), 30)
    assert "Stopped Failed" in pyvirtd.virsh("event", "--event", "lifecycle", "--loop", "--timeout", "2").out
    guest.close()
