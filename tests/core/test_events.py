from typing import NamedTuple

import pytest

from pyvirtd.core.events import EventBus


class Happened(NamedTuple):
    what: int


def test_order_undo_and_a_failing_listener(caplog: pytest.LogCaptureFixture) -> None:
    bus = EventBus()
    seen: list[object] = []
    bus.subscribe(lambda event: [][0])
    undo = bus.subscribe(seen.append)
    bus.emit(Happened(1))
    bus.emit(Happened(2))
    undo()
    bus.emit(Happened(3))
    assert seen == [Happened(1), Happened(2)]
    assert "a listener failed on Happened" in caplog.text


def test_kept_events_expire(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    bus = EventBus()
    bus.emit(Happened(1), keep=10)
    bus.emit(Happened(2))
    assert bus.kept() == [Happened(1)]
    now = 111.0
    assert bus.kept() == []
