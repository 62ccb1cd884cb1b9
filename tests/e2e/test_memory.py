"""A domain's memory through virsh."""

from __future__ import annotations

import pytest

from tests.e2e.conftest import RichGuest
from tests.harness.daemon import wait_for

pytestmark = pytest.mark.e2e


def test_balloon_definition_and_maximum(rich: RichGuest) -> None:
    rich.agent()  # the guest's balloon driver is there by then
    rich.ok("setmem", "g", "100000", "--live")
    wait_for("the balloon", lambda: rich.table("dommemstat", "g")["actual"] == "100000", 20, 0.2)
    assert rich.table("dominfo", "g")["Used memory"] == "100000 KiB"
    rich.ok("setmem", "g", "90000", "--config")
    inactive = rich.ok("dumpxml", "g", "--inactive")
    assert "<currentMemory unit='KiB'>90000</currentMemory>" in inactive
    assert "more than its maximum" in rich.virsh("setmem", "g", "900000").fails()
    assert "cannot be changed while it runs" in rich.virsh("setmaxmem", "g", "300000").fails()
    rich.ok("setmaxmem", "g", "80000", "--config")
    inactive = rich.ok("dumpxml", "g", "--inactive")
    assert "<memory unit='KiB'>80000</memory>" in inactive
    assert "<currentMemory unit='KiB'>80000</currentMemory>" in inactive


def test_statistics_come_from_the_guest_at_the_asked_period(rich: RichGuest) -> None:
    rich.agent()
    rich.ok("dommemstat", "g", "--period", "1", "--live", "--config")
    assert "<stats period='1'/>" in rich.ok("dumpxml", "g")
    assert "<stats period='1'/>" in rich.ok("dumpxml", "g", "--inactive")
    wait_for("statistics", lambda: int(rich.table("dommemstat", "g").get("available", "0")) > 60_000, 20, 0.3)
    told = rich.table("dommemstat", "g")
    assert int(told["unused"]) < int(told["available"])
    assert int(told["rss"]) > 10_000
