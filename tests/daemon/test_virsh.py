"""Debian's virsh against the fake driver: what the server does, as its real client sees it."""

import subprocess
import time
from collections.abc import Callable

import pytest

from tests.harness.programs import Ran, require_program, run
from tests.harness.running import Running
from tests.harness.terminal import Terminal
from tests.harness.wire import SCREEN

pytestmark = pytest.mark.e2e


def virsh(running: Running, *args: str, options: tuple[str, ...] = ()) -> Ran:
    return run(require_program("virsh"), "-q", *options, *running.ask(), *args, timeout=30)


def test_lookups_and_errors(running: Running) -> None:
    assert virsh(running, "domid", "one").check().strip() == "3"
    assert "failed to get domain 'nine'" in virsh(running, "domid", "nine").fails()
    assert "does not provide virDomainGetXMLDesc" in virsh(running, "dumpxml", "one").fails()
    assert "no driver here serves 'xen:///system'" in run(
        require_program("virsh"), *running.ask(scheme="xen"), "list", timeout=20
    ).fails()


def test_a_stream_from_the_daemon(running: Running) -> None:
    target = running.root / "shot"
    virsh(running, "screenshot", "one", str(target)).check()
    assert target.read_bytes() == SCREEN * 50


def test_a_stream_both_ways(running: Running, terminal: Callable[..., Terminal]) -> None:
    console = terminal(require_program("virsh"), *running.ask(), "console", "one")
    console.expect(r"\(Ctrl \+ \]\)\r\n")
    time.sleep(0.5)  # it says so before it makes the terminal raw; until then the terminal itself echoes
    console.send("hello")
    console.expect("hello")
    console.send("\x1d")
    assert console.wait() == 0
    assert "Traceback" not in running.log()


def test_events(running: Running) -> None:
    program = require_program("virsh")
    with subprocess.Popen(
        [program, *running.ask(), "event", "--event", "lifecycle", "--timeout", "20"], stdout=subprocess.PIPE, text=True
    ) as listening:
        end = time.monotonic() + 10
        while listening.poll() is None:  # it ends with the first event
            assert time.monotonic() < end, "virsh heard nothing"
            virsh(running, "suspend", "one").check()
        assert listening.stdout is not None
        assert "event 'lifecycle' for domain 'one': Suspended Paused" in listening.stdout.read()
        assert listening.returncode == 0


def test_a_clients_keepalive_is_answered(running: Running) -> None:
    """virsh asks every second and gives up after one silent second: a call of four seconds outlives that."""
    ran = virsh(running, "event", "--event", "lifecycle", "--timeout", "4", options=("-k", "1", "-K", "1"))
    assert "timed out" in ran.out + ran.err
    assert "keepalive" not in ran.err


def test_read_only(running: Running) -> None:
    assert virsh(running, "domid", "one", options=("-r",)).check().strip() == "3"
    assert "read-only" in virsh(running, "suspend", "one", options=("-r",)).fails().replace("read only", "read-only")
