"""Mutated messages: whatever comes, the framer and the decoders answer with the protocol's own error or a value."""

from __future__ import annotations

import contextlib
import os
import tracemalloc
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pyvirtd.errors import InvalidArg, RPCError
from pyvirtd.protocol import frame
from pyvirtd.protocol.codec import compile_args_decoder, reply_decoder
from pyvirtd.protocol.error_body import decode_error_body
from pyvirtd.protocol.events import decode_event
from tests.protocol import tables
from tests.protocol.second import make, packed
from tests.protocol.tables import PROGRAMS, table

Decoder = Callable[[bytes], Any]
Sample = tuple[bytes, Decoder]

SLICE = 5_000
FULL = int(os.environ.get("PYVIRTD_FUZZ", "100000"))
EXPECTED = (RPCError, InvalidArg)
"""What a peer's nonsense raises: malformed messages and broken frames are RPCErrors, impossible room an InvalidArg."""


def samples() -> list[Sample]:
    """A well-formed body and its decoder for the arguments and reply of every call, every event and the error."""
    found: list[Sample] = []
    for facts, call in tables.calls():
        random = Random(facts.name)
        found.append((packed(facts.args, make(facts.args, random)), compile_args_decoder(call, 3)))
        found.append((packed(facts.ret, make(facts.ret, random)), reply_decoder(call)))
    for program in PROGRAMS:
        number = table(program).data["program"]
        for facts in table(program).procedures():
            if facts.entry["kind"] == "event":
                body = packed(facts.args, make(facts.args, Random(facts.name)))
                found.append((body, event_decoder(number, facts.entry["number"])))
    error = table("remote").struct("remote_error")
    found.append((packed(error, make(error, Random(1))), decode_error_body))
    return found


def event_decoder(program: int, number: int) -> Decoder:
    """Bound to one event."""
    return lambda body: decode_event(program, number, body)


def mutate(body: bytes, random: Random) -> bytes:
    """Flip, cut, double, grow, and above all: put an interesting number where a count may be."""
    raw = bytearray(body)
    for _ in range(random.choice([1, 1, 2, 5])):
        at = random.randrange(len(raw) + 1) & ~(3 if random.random() < 0.7 else 0)
        match random.randrange(6):
            case 0 if raw:
                raw[at % len(raw)] ^= 1 << random.randrange(8)
            case 1:
                del raw[at:]
            case 2:
                raw[at:at] = random.randbytes(random.choice([1, 4, 16]))
            case 3:
                raw += raw[:64]
            case _:
                number = random.choice([0, 1, 2, 7, 8, 255, 16384, 16385, 2**22, 2**31 - 1, 2**31, 2**32 - 1])
                raw[at : at + 4] = number.to_bytes(4, "big")
    return bytes(raw)


def through_a_frame(body: bytes, random: Random) -> list[frame.Message]:
    """The body in a frame whose header may be damaged as well, fed in pieces."""
    wire = frame.encode_message(0x20008086, 1, 1, random.choice([0, 1, 2, 3, 4, 5, 6]), 1, 0, body)
    if random.random() < 0.3:
        wire = mutate(wire, random)
    framer, at, out = frame.Framer(), 0, []
    while at < len(wire):
        step = random.choice([1, 3, 28, 64, len(wire)])
        out += framer.feed(wire[at : at + step])
        at += step
    assert framer.pending <= len(wire)
    return out


def attack(sample: Sample, random: Random) -> None:
    """One mutated message; only the protocol's own errors may come out."""
    body, decode = sample
    broken = mutate(body, random)
    try:
        messages = through_a_frame(broken, random)
    except frame.BrokenFrame:
        messages = []
    for each in [broken, *(message.body for message in messages)]:
        with contextlib.suppress(*EXPECTED):
            decode(each)


def run(count: int) -> int:
    """That many mutated messages; returns the most memory that any of them took, in bytes."""
    everything = samples()
    random = Random(count)
    tracemalloc.start()
    try:
        for n in range(count):
            attack(everything[n % len(everything)], random)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_slice_of_mutated_messages() -> None:
    assert run(SLICE) < 64 << 20


@pytest.mark.slow
def test_all_mutated_messages() -> None:
    assert run(FULL) < 64 << 20


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.randoms(use_true_random=False), st.data())
def test_hypothesis_finds_no_message_that_hurts(random: Random, data: st.DataObject) -> None:
    attack(data.draw(st.sampled_from(ALL)), random)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.binary(max_size=80), max_size=8))
def test_any_bytes_into_the_framer(pieces: list[bytes]) -> None:
    framer = frame.Framer()
    with contextlib.suppress(frame.BrokenFrame):
        for piece in pieces:
            framer.feed(piece)


try:
    ALL: list[Sample] = samples()
except pytest.skip.Exception:
    pytest.skip("no protocol facts beside the repository", allow_module_level=True)
