"""The transition table: closed, reachable, and numbered as the API is."""

from pyvirtd.core.lifecycle import REASONS, TRANSITIONS, State, diagram, reason_name, reason_number


def test_every_reason_has_a_word() -> None:
    for name, step in TRANSITIONS.items():
        assert 0 <= step.reason < len(REASONS[step.state]), name
        assert reason_number(step.state, reason_name(step.state, step.reason)) == step.reason


def test_every_live_state_can_end_and_be_reached() -> None:
    reached = {State.SHUTOFF}
    while True:
        more = reached | {step.state for step in TRANSITIONS.values() if step.sources & reached}
        if more == reached:
            break
        reached = more
    assert reached == {State.SHUTOFF, State.RUNNING, State.PAUSED, State.SHUTDOWN, State.CRASHED, State.PMSUSPENDED}
    for state in reached - {State.SHUTOFF}:
        assert state in TRANSITIONS["destroyed"].sources


def test_the_diagram_shows_every_change_of_state() -> None:
    text = diagram()
    for name, step in TRANSITIONS.items():
        if step.sources - {step.state}:
            assert name in text
