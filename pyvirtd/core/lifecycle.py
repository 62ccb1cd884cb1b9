"""A domain's life: one table of what can happen to it, from which the documentation's diagram is drawn.

Each `Transition` says from which states it starts, the state and reason it leads to, and the lifecycle event (kind and
detail) that clients get. Numbers are virDomainState, its reasons, virDomainEventType and its details of libvirt's API.
`diagram()` draws the table for docs/ (Mermaid).
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final, NamedTuple


class State(IntEnum):
    """virDomainState."""

    NOSTATE = 0
    RUNNING = 1
    BLOCKED = 2
    PAUSED = 3
    SHUTDOWN = 4
    SHUTOFF = 5
    CRASHED = 6
    PMSUSPENDED = 7

    @property
    def active(self) -> bool:
        """True when a machine exists. CRASHED is active only while its process is kept; the domain's id tells."""
        return self not in (State.SHUTOFF, State.NOSTATE)


class Event(IntEnum):
    """virDomainEventType."""

    DEFINED = 0
    UNDEFINED = 1
    STARTED = 2
    SUSPENDED = 3
    RESUMED = 4
    STOPPED = 5
    SHUTDOWN = 6
    PMSUSPENDED = 7
    CRASHED = 8


class Transition(NamedTuple):
    """One thing that can happen. `event` None: clients are not told (something else tells them)."""

    sources: frozenset[State]
    state: State
    reason: int
    event: Event | None = None
    detail: int = 0


def _from(*states: State) -> frozenset[State]:
    return frozenset(states)


_OFF: Final = _from(State.SHUTOFF)
_LIVE: Final = _from(
    State.RUNNING, State.BLOCKED, State.PAUSED, State.SHUTDOWN, State.CRASHED, State.PMSUSPENDED
)
_RUNS: Final = _from(State.RUNNING, State.BLOCKED)
_HALTED: Final = _from(State.PAUSED, State.SHUTDOWN, State.CRASHED, State.PMSUSPENDED)
_ANY: Final = frozenset(State)

TRANSITIONS: Final[dict[str, Transition]] = {
    # name: (from, to, reason, event, detail)
    "define": Transition(_OFF, State.SHUTOFF, 0, Event.DEFINED, 0),
    "starting": Transition(_OFF, State.PAUSED, 11),
    "boot": Transition(_from(State.PAUSED), State.RUNNING, 1, Event.STARTED, 0),
    "boot-paused": Transition(_from(State.PAUSED), State.PAUSED, 1, Event.STARTED, 0),
    "restored": Transition(_from(State.PAUSED), State.RUNNING, 3, Event.STARTED, 2),
    "restored-paused": Transition(_from(State.PAUSED), State.PAUSED, 1, Event.STARTED, 2),
    "migrated-in": Transition(_from(State.PAUSED), State.RUNNING, 2, Event.STARTED, 1),
    "from-snapshot": Transition(_from(State.PAUSED), State.RUNNING, 4, Event.STARTED, 3),
    "from-snapshot-paused": Transition(_from(State.PAUSED), State.PAUSED, 7, Event.STARTED, 3),
    "suspend": Transition(_RUNS | _from(State.PAUSED), State.PAUSED, 1, Event.SUSPENDED, 0),
    "suspend-migrating": Transition(_RUNS, State.PAUSED, 2, Event.SUSPENDED, 1),
    "suspend-saving": Transition(_RUNS, State.PAUSED, 3, Event.SUSPENDED, 0),
    "suspend-dumping": Transition(_RUNS, State.PAUSED, 4, Event.SUSPENDED, 0),
    "suspend-snapshot": Transition(_RUNS, State.PAUSED, 9, Event.SUSPENDED, 5),
    "suspend-elsewhere": Transition(_RUNS, State.PAUSED, 0, Event.SUSPENDED, 0),
    "io-error": Transition(_RUNS | _from(State.PAUSED), State.PAUSED, 5, Event.SUSPENDED, 2),
    "watchdog-pause": Transition(_RUNS | _from(State.PAUSED), State.PAUSED, 6, Event.SUSPENDED, 3),
    "api-error": Transition(_RUNS | _from(State.PAUSED), State.PAUSED, 14, Event.SUSPENDED, 6),
    "resume": Transition(_HALTED, State.RUNNING, 5, Event.RESUMED, 0),
    "resume-cancelled-migration": Transition(_HALTED, State.RUNNING, 6, Event.RESUMED, 0),
    "resume-cancelled-save": Transition(_HALTED, State.RUNNING, 7, Event.RESUMED, 0),
    "resume-elsewhere": Transition(_HALTED, State.RUNNING, 0, Event.RESUMED, 0),
    "panic": Transition(_LIVE, State.CRASHED, 1, Event.CRASHED, 0),
    "panic-paused": Transition(_LIVE, State.PAUSED, 10, Event.CRASHED, 0),
    "guest-shutdown": Transition(_LIVE, State.SHUTDOWN, 1, Event.SHUTDOWN, 1),
    "host-shutdown": Transition(_LIVE, State.SHUTDOWN, 1, Event.SHUTDOWN, 2),
    "any-shutdown": Transition(_LIVE, State.SHUTDOWN, 1, Event.SHUTDOWN, 0),
    "pm-suspend": Transition(_LIVE, State.PMSUSPENDED, 0, Event.PMSUSPENDED, 0),
    "pm-suspend-disk": Transition(_LIVE, State.PMSUSPENDED, 0, Event.PMSUSPENDED, 1),
    "pm-wakeup": Transition(_from(State.PMSUSPENDED), State.RUNNING, 8, Event.STARTED, 4),
    "stopped": Transition(_LIVE, State.SHUTOFF, 1, Event.STOPPED, 0),
    "destroyed": Transition(_LIVE, State.SHUTOFF, 2, Event.STOPPED, 1),
    "crashed": Transition(_LIVE, State.SHUTOFF, 3, Event.STOPPED, 2),
    "died": Transition(_LIVE, State.SHUTOFF, 3, Event.STOPPED, 5),
    "migrated-out": Transition(_LIVE, State.SHUTOFF, 4, Event.STOPPED, 3),
    "saved": Transition(_LIVE, State.SHUTOFF, 5, Event.STOPPED, 4),
    "failed": Transition(_LIVE, State.SHUTOFF, 6, Event.STOPPED, 5),
    "to-snapshot": Transition(_LIVE, State.SHUTOFF, 7, Event.STOPPED, 6),
    "lost": Transition(_LIVE, State.SHUTOFF, 8, Event.STOPPED, 5),
}
"""Everything that can happen. `crashed`: the guest panicked; `died`: its process ended and nobody is known to have
asked it to; `lost`: the daemon had to give up on it."""

REASONS: Final[dict[State, tuple[str, ...]]] = {
    State.NOSTATE: ("unknown",),
    State.RUNNING: (
        "unknown", "booted", "migrated", "restored", "from snapshot", "unpaused", "migration canceled",
        "save canceled", "event wakeup", "crashed", "post-copy", "post-copy failed",
    ),
    State.BLOCKED: ("unknown",),
    State.PAUSED: (
        "unknown", "user", "migrating", "saving", "dumping", "I/O error", "watchdog", "from snapshot", "shutting down",
        "creating snapshot", "crashed", "starting up", "post-copy", "post-copy failed", "api error",
    ),
    State.SHUTDOWN: ("unknown", "user"),
    State.SHUTOFF: (
        "unknown", "shutdown", "destroyed", "crashed", "migrated", "saved", "failed", "from snapshot", "daemon",
    ),
    State.CRASHED: ("unknown", "panicked"),
    State.PMSUSPENDED: ("unknown",),
}  # fmt: skip
"""virDomain*Reason by number; the words of `virsh domstate --reason`, and of our status files."""


def reason_name(state: State, reason: int) -> str:
    """The word for a reason; an unknown number reads "unknown"."""
    words = REASONS[state]
    return words[reason] if 0 <= reason < len(words) else words[0]


def reason_number(state: State, word: str) -> int:
    """The number for a word of a status file; an unknown word is 0."""
    words = REASONS[state]
    return words.index(word) if word in words else 0


def diagram() -> str:
    """The table as a Mermaid state diagram, transitions between the same two states on one arrow."""
    arrows: dict[tuple[str, str], list[str]] = {}
    for name, step in TRANSITIONS.items():
        for source in sorted(step.sources):
            if source != step.state:
                arrows.setdefault((source.name.lower(), step.state.name.lower()), []).append(name)
    lines = [f"    {a} --> {b}: {', '.join(names)}" for (a, b), names in arrows.items()]
    return "\n".join(["stateDiagram-v2", "    [*] --> shutoff: define", *lines, "    shutoff --> [*]: undefine"])
