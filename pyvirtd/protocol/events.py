"""Events on the wire: the body is encoded once per event, the header and the callback id once per client."""

from __future__ import annotations

from functools import cache
from struct import Struct
from typing import Any

from pyvirtd.protocol.calls import EVENTS, Event
from pyvirtd.protocol.frame import HEADER_LEN, MESSAGE, OK
from pyvirtd.protocol.shapes import StructShape, struct_shape
from pyvirtd.protocol.xdr import Malformed, compile_decoder, compile_encoder

_SERIAL = 1
"""What libvirt puts there; receivers ignore it."""

_head = Struct(">IIIiIIi")
_head_and_id = Struct(">IIIiIIii")
_id = Struct(">i")


class EventMessages:
    """The messages that carry one event. Made by `event_messages`."""

    __slots__ = ("_plain", "_tail", "event", "wire")

    def __init__(self, event: Any) -> None:
        self.event = event
        self.wire: Event = event.__event__
        self._plain: bytes | None = None
        self._tail: bytes | None = None

    def plain(self) -> bytes | None:
        """The whole message for a client without callback ids; None where the event has no such message."""
        wire = self.wire
        if self._plain is None and wire.number is not None:
            body = _encoder(wire, False)(self.event)
            head = _head.pack(HEADER_LEN + len(body), wire.program, 1, wire.number, MESSAGE, _SERIAL, OK)
            self._plain = head + body
        return self._plain

    def callback(self, callback_id: int) -> bytes | None:
        """The whole message for a client's callback; None where the event has no such message."""
        wire = self.wire
        if wire.callback is None:
            return None
        tail = self._tail
        if tail is None:
            tail = self._tail = _encoder(wire, True)(self.event)
        length = HEADER_LEN + 4 + len(tail)
        return _head_and_id.pack(length, wire.program, 1, wire.callback, MESSAGE, _SERIAL, OK, callback_id) + tail


def event_messages(event: Any) -> EventMessages:
    """For one emitted event, shared by all clients: nothing is encoded until somebody needs it."""
    return EventMessages(event)


def _shape(wire: Event, callback: bool) -> StructShape:
    """The fields after the callback id, in the order of that style."""
    shape = struct_shape(wire.cls)
    if wire.extra is None:
        return shape
    extra = tuple(field for field in shape.fields if field[0] == wire.extra)
    rest = tuple(field for field in shape.fields if field[0] != wire.extra)
    return StructShape(wire.cls, extra + rest if callback else rest)


@cache
def _encoder(wire: Event, callback: bool) -> Any:
    shape = _shape(wire, callback)
    encode = compile_encoder(shape, wire.cls.__name__)
    if wire.extra is None:
        return encode
    return lambda event: encode(tuple(getattr(event, name) for name, _ in shape.fields))


@cache
def _decoder(wire: Event, callback: bool) -> Any:
    shape = _shape(wire, callback)
    names = tuple(name for name, _ in shape.fields)
    decode = compile_decoder(StructShape(_Fields, shape.fields), wire.cls.__name__)
    return lambda body: wire.cls(**dict(zip(names, decode(body), strict=True)))


class _Fields(tuple):  # type: ignore[type-arg]
    """Decoded fields in wire order."""


def decode_event(program: int, number: int, body: bytes) -> tuple[int | None, Any]:
    """(callback id or None, event) of a MESSAGE; Malformed for one that is none of the declared events."""
    wire = EVENTS.get((program, number))
    if wire is None:
        raise Malformed(f"message {number} of program {program:#x} is no event")
    if wire.callback == number:
        if len(body) < 4:
            raise Malformed(f"{wire.cls.__name__} ends before its callback id")
        return _id.unpack_from(body)[0], _decoder(wire, True)(body[4:])
    return None, _decoder(wire, False)(body)
