"""Who hears which event: one hub a driver's bus, which encodes an event once and adds each client's head."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from pyvirtd.core.events import Event, EventBus
from pyvirtd.errors import InternalError, InvalidArg
from pyvirtd.protocol.calls import EVENTS
from pyvirtd.protocol.events import EventMessages, event_messages
from pyvirtd.protocol.types import plain

if TYPE_CHECKING:
    from pyvirtd.server.session import Session

Match = Callable[[Event], bool]

PATTERN_MAX: Final = 256
_READY: Final = 0.25
"""Seconds after which a client that registered is ready for events."""
_REGEX: Final = 1
_NOCASE: Final = 2


class Registration:
    """One client's wish for one kind of event. `callback_id` None: old style, without an id on the wire."""

    __slots__ = ("callback_id", "kept", "kind", "match", "session")

    def __init__(self, session: Session, kind: type, callback_id: int | None, match: Match | None) -> None:
        self.session, self.kind, self.callback_id, self.match = session, kind, callback_id, match
        self.kept: list[Event] | None = None
        """Events that wait until the client is ready for what it missed; None: none do."""

    def deliver(self, event: Event, messages: EventMessages) -> None:
        if self.match is not None and not self.match(event):
            return
        data = messages.plain() if self.callback_id is None else messages.callback(self.callback_id)
        if data is not None:
            self.session.send_event(data)


class EventHub:
    """The registrations of all clients at one bus."""

    def __init__(self, bus: EventBus) -> None:
        self._bus = bus
        self._registrations: dict[type, dict[int, Registration]] = {}
        bus.subscribe(self._emitted)

    def add(self, registration: Registration) -> None:
        """From now on; events that the bus keeps for late comers follow a moment after the registering call's reply.

        libvirt's client drops what arrives before its thread that registered has stored the number in the reply.
        """
        self._registrations.setdefault(registration.kind, {})[id(registration)] = registration
        kept = [event for event in self._bus.kept() if type(event) is registration.kind]
        if kept:
            registration.kept = kept
            asyncio.get_running_loop().call_later(_READY, self._catch_up, registration)

    def remove(self, registration: Registration) -> None:
        self._registrations.get(registration.kind, {}).pop(id(registration), None)

    def _emitted(self, event: Event) -> None:
        registrations = self._registrations.get(type(event))
        if registrations:
            messages = event_messages(event)
            for registration in tuple(registrations.values()):
                if registration.kept is not None:
                    registration.kept.append(event)
                else:
                    registration.deliver(event, messages)

    def _catch_up(self, registration: Registration) -> None:
        kept, registration.kept = registration.kept or [], None
        if id(registration) in self._registrations.get(registration.kind, {}):
            for event in kept:
                registration.deliver(event, event_messages(event))


def event_kind(object: str, event_id: int, *, callback: bool = True) -> type:
    """The event class of an object's event number; raises InternalError, as libvirt does, where there is none."""
    for declared in EVENTS.values():
        if declared.object == object and declared.event_id == event_id:
            if (declared.callback if callback else declared.number) is not None:
                return declared.cls
            break
    raise InternalError(f"{object.replace('_', ' ')} event {event_id} does not exist")


def about(reference: Any) -> Match | None:
    """Events whose object, always their first field, is the one referred to; None: of any object."""
    if reference is None:
        return None
    field = "uuid" if hasattr(reference, "uuid") else "name"
    wanted = getattr(reference, field)
    return lambda event: getattr(plain(event[0]), field) == wanted


def monitor_event(reference: Any, name: str | None, flags: int) -> Match | None:
    """QEMU monitor events of a domain (None: any) and a name (None: any), a regular expression under flag 1.

    Flag 2 ignores case. Raises InvalidArg for unknown flags and for patterns that could take long to match.
    """
    if flags & ~(_REGEX | _NOCASE):
        raise InvalidArg(f"monitor event registration: flags {flags & ~(_REGEX | _NOCASE):#x} are unknown")
    of_domain = about(reference)
    if name is None:
        return of_domain
    text = name if flags & _REGEX else re.escape(name) + r"\Z"
    # The loop waits while a pattern matches: a repeated group is what makes that exponential.
    if len(text) > PATTERN_MAX or (flags & _REGEX and re.search(r"\)\s*[*+{?]|\\\d", text)):
        raise InvalidArg(f"monitor event pattern '{name[:80]}': at most {PATTERN_MAX} characters, no repeated groups")
    try:
        pattern = re.compile(text, re.IGNORECASE if flags & _NOCASE else 0)
    except re.error as error:
        raise InvalidArg(f"monitor event pattern '{name}': {error}") from None
    find = pattern.search if flags & _REGEX else pattern.match

    def match(event: Event) -> bool:
        return (of_domain is None or of_domain(event)) and find(event[1]) is not None

    return match
