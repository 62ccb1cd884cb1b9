"""What `make run` does, without a terminal and with one."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from tests.harness.guests import GREETING, guest_files
from tests.harness.programs import TOP, require_program, run
from tests.harness.terminal import Terminal

pytestmark = pytest.mark.e2e
DEMO = (sys.executable, str(TOP / "tools/demo.py"))


def test_it_runs_through_without_a_terminal() -> None:
    require_program("virsh")
    guest_files()
    said = run(*DEMO, timeout=200).check()
    assert GREETING in said
    assert "shut off (shutdown)" in said
    assert "nothing is left behind" in said


def test_it_hands_over_the_console_of_a_terminal(terminal: Callable[..., Terminal]) -> None:
    require_program("virsh")
    guest_files()
    demo = terminal(*DEMO)
    demo.expect("console is yours", 120)
    demo.expect("Escape character")
    demo.ask("\recho $((6*7))-typed\r", "42-typed")
    demo.send("\x1d")
    demo.expect("nothing is left behind", 120)
    assert demo.wait() == 0
