"""A long list of virsh commands gets the same answers from pyvirtd as from the real libvirtd."""

from __future__ import annotations

import pytest

from tests.harness.daemon import Pyvirtd, Reference
from tests.harness.netns import NetworkNamespace
from tests.harness.programs import require_program, require_root
from tests.harness.transcript import (
    DIFFERENCES,
    HERE,
    Accepted,
    Said,
    Step,
    compare,
    compare_daemons,
    read_accepted,
    read_steps,
)

STEPS = read_steps((HERE / "commands.txt").read_text())


@pytest.mark.e2e
@pytest.mark.slow
def test_virsh_hears_the_same(netns: NetworkNamespace) -> None:
    require_root()
    for program in ("virsh", "libvirtd", "qemu-img", "qemu-system-x86_64"):
        require_program(program)
    result = compare_daemons(Pyvirtd(prefix=netns.prefix), Reference(), STEPS, read_accepted(DIFFERENCES.read_text()))
    assert result.played == len(STEPS), result.report()
    assert not result.wrong, result.report()
    assert not result.unused, result.report()


def test_the_list_is_long_enough() -> None:
    assert len({step.command for step in STEPS if step.until is None}) >= 120


def test_every_accepted_difference_has_a_reason() -> None:
    rows = read_accepted(DIFFERENCES.read_text())
    assert rows
    assert [row for row in rows if len(row.reason) < 10] == []


def said(code: int = 0, out: str = "", err: str = "") -> Said:
    """An answer."""
    return Said(code, out, err, 0.0)


def test_comparison_sees_lines_exit_status_and_silence() -> None:
    step = Step("dominfo x")
    assert compare(step, said(out="a\nb\n"), said(out="a\nb\n"), [], set()) is None
    lines = compare(step, said(out="a\nc\n"), said(out="a\nb\n"), [], set())
    assert lines is not None
    assert lines.unaccepted == ["-b", "+c"]
    assert compare(step, said(1, err="ours"), said(1, err="theirs"), [], set()) is None
    assert compare(step, said(1), said(1, err="theirs"), [], set()) is not None
    assert compare(step, said(0), said(1, err="theirs"), [], set()) is not None
    missing = said(1, err="error: the driver of this connection does not provide virX")
    assert compare(step, missing, said(1, err="it is not running"), [], set()) is not None
    assert compare(step, missing, said(1, err="this function is not supported by the driver: virX"), [], set()) is None


def test_accepted_rows_cover_only_their_lines() -> None:
    row, used = Accepted("dominfo *", "b.*", "because"), set[Accepted]()
    found = compare(Step("dominfo x"), said(out="a\nb1\nd\n"), said(out="a\nb2\nc\n"), [row], used)
    assert found is not None
    assert found.unaccepted == ["-c", "+d"]
    assert used == {row}
    assert compare(Step("domid x"), said(out="b1"), said(out="b2"), [row], set()).unaccepted  # type: ignore[union-attr]
