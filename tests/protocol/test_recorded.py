"""What real clients and the real libvirtd said to each other decodes to the last byte, and encodes to it again."""

from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from pyvirtd.protocol import frame
from pyvirtd.protocol.calls import EVENTS, Call
from pyvirtd.protocol.codec import compile_args_decoder, reply_decoder
from pyvirtd.protocol.error_body import decode_error_body
from pyvirtd.protocol.events import decode_event, event_messages
from pyvirtd.protocol.fragments import encoded
from pyvirtd.protocol.shapes import StructShape, call_shape
from pyvirtd.protocol.xdr import compile_decoder, compile_encoder
from tests.protocol.recorder import CLIENT, HERE, Entry, load
from tests.protocol.tables import PROGRAMS

RECORDINGS = sorted(HERE.iterdir())
CALLS: dict[tuple[int, int], Call] = {
    (call.program, call.number): call for classes in PROGRAMS.values() for cls in classes for call in cls.calls.values()
}


class Heard(NamedTuple):
    """What a recording held, by kind."""

    calls: Counter[str]
    replies: Counter[str]
    errors: int
    events: Counter[str]
    stream_bytes: int
    holes: int
    files: int
    pings: int


class Fields(tuple):  # type: ignore[type-arg]
    """The fields of an argument struct."""


def args_both_ways(call: Call, body: bytes) -> None:
    """All fields, hidden ones included, decode and encode to the same bytes; the server's decoder takes them too."""
    if call_shape(call).args:
        encode, decode = args_codec(call)
        assert encode(decode(body)) == body
    server_decoder(call)(body)


@cache
def args_codec(call: Call) -> tuple[Any, Any]:
    shape = StructShape(Fields, call_shape(call).args)
    return compile_encoder(shape, call.name), compile_decoder(shape, call.name)


@cache
def server_decoder(call: Call) -> Any:
    return compile_args_decoder(call)


def reply_both_ways(call: Call, asked: bytes, body: bytes) -> None:
    """The server's encoder for that very request makes the same bytes of what the client decoded."""
    value = reply_decoder(call)(body)
    _, encode = server_decoder(call)(asked)
    if not number_alone(call, body):
        assert encode(value) == body, call.name


def number_alone(call: Call, body: bytes) -> bool:
    """A reply that holds no items, only how many there are: they can't be encoded again without them."""
    return call.asks is not None and len(body) == 8 and body[:4] == bytes(4) and body[4:] != bytes(4)


class Listener:
    """Follows one connection."""

    def __init__(self, heard: dict[str, Any]) -> None:
        self.heard = heard
        self.asked: dict[int, bytes] = {}

    def hear(self, direction: int, message: frame.Message) -> None:
        """One message, decoded by what it claims to be."""
        self.heard["files"] += len(message.files)
        call = CALLS.get((message.program, message.procedure))
        if message.program == frame.Keepalive.PROGRAM:
            assert message.body == b""
            self.heard["pings"] += 1
        elif message.type in (frame.STREAM, frame.STREAM_HOLE):
            self.stream(message)
        elif message.type == frame.MESSAGE:
            self.event(message)
        elif direction == CLIENT:
            assert call is not None
            args_both_ways(call, message.body)
            self.asked[message.serial] = message.body
            self.heard["calls"][call.name] += 1
        elif message.status == frame.ERROR:
            self.error(message.body)
        else:
            assert call is not None
            reply_both_ways(call, self.asked.pop(message.serial), message.body)
            self.heard["replies"][call.name] += 1

    def stream(self, message: frame.Message) -> None:
        if message.type == frame.STREAM_HOLE:
            length, flags = frame.decode_hole(message.body)
            assert frame.encode_hole(length, flags) == message.body
            self.heard["holes"] += 1
        elif message.status == frame.CONTINUE:
            self.heard["stream_bytes"] += len(message.body)
        elif message.body:
            self.error(message.body)

    def event(self, message: frame.Message) -> None:
        callback_id, event = decode_event(message.program, message.procedure, message.body)
        again = event_messages(event)
        whole = again.plain() if callback_id is None else again.callback(callback_id)
        assert whole is not None
        assert whole[frame.HEADER_LEN :] == message.body
        assert EVENTS[message.program, message.procedure].cls is type(event)
        self.heard["events"][type(event).__name__] += 1

    def error(self, body: bytes) -> None:
        error = decode_error_body(body)
        assert encoded(error) == body
        self.heard["errors"] += 1


def follow(entries: list[Entry], heard: dict[str, Any]) -> None:
    """One connection: frames of both directions are cut whole, and made of the same bytes again."""
    framers = (frame.Framer(), frame.Framer())
    listener = Listener(heard)
    number = 1000
    for direction, files, data in entries:
        fds = list(range(number, number + files))
        number += files
        for message in framers[direction].feed(data, fds):
            listener.hear(direction, message)
    assert [framer.pending for framer in framers] == [0, 0]
    assert [framer.take_files() for framer in framers] == [[], []]


def hear(path: Path) -> Heard:
    """Everything in a recording."""
    heard: dict[str, Any] = {"calls": Counter(), "replies": Counter(), "events": Counter()}
    heard |= {"errors": 0, "stream_bytes": 0, "holes": 0, "files": 0, "pings": 0}
    for entries in load(path):
        follow(entries, heard)
    return Heard(**heard)


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.name)
def test_a_recording_to_the_last_byte(path: Path) -> None:
    heard = hear(path)
    assert sum(heard.calls.values()) == sum(heard.replies.values()) + heard.errors


def test_the_recordings_hold_every_class_of_message() -> None:
    all_heard = [hear(path) for path in RECORDINGS]
    procedures = {name for heard in all_heard for name in heard.calls}
    assert len(procedures) >= 100
    assert {name for heard in all_heard for name in heard.events} >= {
        "DomainEventLifecycle", "NetworkEventLifecycle", "StoragePoolEventLifecycle"}  # fmt: skip
    assert sum(heard.stream_bytes for heard in all_heard) > 1 << 20
    assert sum(heard.holes for heard in all_heard) >= 3
    assert sum(heard.files for heard in all_heard) == 2
    assert sum(heard.errors for heard in all_heard) >= 5
    assert sum(heard.pings for heard in all_heard) >= 4
