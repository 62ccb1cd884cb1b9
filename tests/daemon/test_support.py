"""docs/support.md says what the drivers' classes say."""

from __future__ import annotations

import subprocess
import sys

import pytest

from pyvirtd.core.driver import Driver
from pyvirtd.daemon.support import PROGRAMS, groups, render
from pyvirtd.protocol.calls import supports
from pyvirtd.protocol.remote.hypervisor import HypervisorCalls
from tests.harness.programs import TOP


class Sample(Driver, HypervisorCalls):
    """A driver that answers two calls, and a third through one of them."""

    name = "sample"
    schemes = ("sample",)

    @supports(0x5)
    def domain_get_xml_desc(self, dom: object, flags: int) -> str:
        return ""

    def domain_destroy_flags(self, dom: object, flags: int) -> None:
        return None


def test_what_is_overridden_is_in_the_table() -> None:
    page = render([Sample])
    assert "| `domain_get_xml_desc` | 14 | yes, 0x5 |" in page
    assert "| `domain_destroy_flags` | 234 | yes |" in page
    assert "| `domain_destroy` | 12 | yes |" in page  # goes through domain_destroy_flags
    assert "| `domain_reset` | 245 | |" in page


def test_every_call_is_listed_once() -> None:
    listed = [declared for calls in groups().values() for declared in calls]
    assert len(listed) == len(set(listed))
    assert {declared for program in PROGRAMS for declared in program.calls.values()} == set(listed)


@pytest.mark.slow  # so that it bites in CI, and not in the middle of somebody's work on a driver
def test_the_page_is_up_to_date() -> None:
    now = subprocess.run([sys.executable, "-m", "pyvirtd.daemon.support"], capture_output=True, text=True, timeout=60,
                         check=True).stdout
    assert (TOP / "docs/support.md").read_text() == now, "run `make docs`"
