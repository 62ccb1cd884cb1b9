"""Round trips of every declaration, held against xdrlib3 driven by the tables."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pyvirtd.errors import InvalidArg, RPCError
from pyvirtd.protocol.calls import EVENTS, Call
from pyvirtd.protocol.codec import args_encoder, compile_args_decoder, reply_decoder, takes_strings
from pyvirtd.protocol.events import decode_event, event_messages
from pyvirtd.protocol.frame import HEADER_LEN
from pyvirtd.protocol.params import STRING_OKAY
from pyvirtd.protocol.shapes import ParamsShape, StructShape, call_shape
from pyvirtd.protocol.xdr import Malformed
from tests.protocol import tables
from tests.protocol.second import make, packed
from tests.protocol.tables import PROGRAMS, Procedure, table
from tests.protocol.test_declarations import all_calls, flat


def as_seen(facts: Any, value: Any, shape: Any) -> Any:
    """A value of the tables as Python is to see it: typed parameters are a dict, unless their order counts."""
    if facts[0] == "params" and not (isinstance(shape, ParamsShape) and shape.pairs):
        return dict(value)
    if facts[0] == "optional" and value is not None:
        return as_seen(facts[1], value, shape.item)
    if facts[0] == "list":
        return [as_seen(facts[1], item, shape.item) for item in value]
    if facts[0] == "struct" and isinstance(shape, StructShape):
        parts = zip(facts[1], value, shape.fields, strict=True)
        return tuple(as_seen(of, item, inner) for (_, of), item, (_, inner) in parts)
    return value


def check_args(facts: Procedure, call: Call, random: Random) -> None:
    """Client bytes == xdrlib3's bytes, and the server sees the values again."""
    shape = call_shape(call)
    wire, shown = {}, {}
    hidden = call.asks.name if call.asks is not None else None
    strings = takes_strings(call, shape)
    for (_, of), (name, inner) in zip(facts.args[1], shape.args, strict=True):
        wire[name] = make(of, random)
        if name == "flags" and strings:
            wire[name] |= STRING_OKAY
        if name == hidden:
            wire[name] = random.choice([0, 1, getattr(shape.ret, "limit", 1)])
        else:
            shown[name] = as_seen(of, wire[name], inner)
    asked = {"asked": wire[hidden]} if hidden is not None else {}
    body = packed(facts.args, tuple(wire.values()))
    assert args_encoder(call)(*shown.values(), **asked) == body
    if strings:
        shown["flags"] &= ~STRING_OKAY
    args, _ = compile_args_decoder(call)(body)
    assert args == tuple(shown.values())


def check_reply(facts: Procedure, call: Call, random: Random) -> None:
    """Server bytes == xdrlib3's bytes for a caller that asks for everything, and the client sees the value again."""
    shape = call_shape(call)
    fields = list(facts.ret[1])
    wire = [make(of, random) for _, of in fields]
    if shape.number is not None:
        wire[-1] = 0 if call.asks is not None and call.asks.kind == "nparams" else len(wire[0])
    body = packed(facts.ret, tuple(wire))
    shown: Any = None
    if isinstance(shape.ret, StructShape) and not shape.ret.cls.__name__.endswith("Ref"):
        shown = as_seen(facts.ret, tuple(wire), shape.ret)
    elif fields:
        shown = as_seen(fields[0][1], wire[0], shape.ret)
    assert encoder(call)(shown) == body
    assert reply_decoder(call)(body) == shown


def encoder(call: Call, asked: int | None = None) -> Any:
    """The server's encoder of a reply to somebody who asks for everything, or for `asked`."""
    blank = [blank_of(shape) for name, shape in call_shape(call).args if call.asks is None or name != call.asks.name]
    body = args_encoder(call)(*blank, **({} if asked is None else {"asked": asked}))
    return compile_args_decoder(call)(body)[1]


def blank_of(shape: Any) -> Any:
    """The smallest value of a shape."""
    name = type(shape).__name__
    if name == "StructShape":
        return tuple(blank_of(item) for _, item in shape.fields)
    if name == "FixedShape":
        return bytes(shape.size)
    if name == "CharsShape":
        return "" if shape.text else b""
    blanks = {"NumberShape": 0, "TextShape": "", "BytesShape": b"", "OptionalShape": None, "ListShape": []}
    return ([] if shape.pairs else {}) if name == "ParamsShape" else blanks[name]


@pytest.mark.parametrize(("facts", "call"), all_calls())
def test_a_call_both_ways(facts: Procedure, call: Call) -> None:
    random = Random(facts.name)
    for _ in range(4):
        check_args(facts, call, random)
        check_reply(facts, call, random)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.randoms(use_true_random=False), st.data())
def test_any_call_with_any_values(random: Random, data: st.DataObject) -> None:
    facts, call = data.draw(st.sampled_from(tables.calls()))
    check_args(facts, call, random)
    check_reply(facts, call, random)


def test_events_both_ways() -> None:
    for program in PROGRAMS:
        number = table(program).data["program"]
        for facts in table(program).procedures():
            if facts.entry["kind"] == "event":
                for seed in range(4):
                    check_event(number, facts, Random(f"{facts.name} {seed}"))


def check_event(program: int, facts: Procedure, random: Random) -> None:
    """The message's body == xdrlib3's bytes, and the client sees the event again."""
    names = [name for name, _ in flat(in_snake(facts))]
    kind = ("struct", tuple(flat(facts.args)))
    values = dict(zip(names, make(kind, random), strict=True))
    body = packed(kind, tuple(values.values()))
    callback_id = values.pop("callback_id", None)
    wire = EVENTS[program, facts.entry["number"]]
    shown = {name: dict(value) if name == "params" else value for name, value in values.items()}
    event = wire.cls(**shown)
    assert decode_event(program, facts.entry["number"], body) == (callback_id, event)
    messages = event_messages(event)
    message = messages.plain() if callback_id is None else messages.callback(callback_id)
    assert message is not None
    assert message[HEADER_LEN:] == body


def in_snake(facts: Procedure) -> Any:
    from tests.protocol.test_declarations import in_snake as snake

    return snake(facts.args)


COUNTING = {"need_results", "nparams"}


def test_asking_for_the_number_alone() -> None:
    for _, call in tables.calls():
        if call.asks is not None and (call.asks.kind in COUNTING or call.asks.name == "maxerrors"):
            shape = call_shape(call).ret
            items: Any = (
                [blank_of(getattr(shape, "item", None))] * 3 if hasattr(shape, "item") else {"a": 1, "b": 2, "c": 3}
            )
            assert encoder(call, 0)(items) == bytes([0, 0, 0, 0, 0, 0, 0, 3]), call.name


def test_no_more_than_the_caller_has_room_for() -> None:
    for _, call in tables.calls():
        if call.asks is not None and call.asks.kind == "at_most":
            shape = call_shape(call).ret
            items: Any = (
                [blank_of(getattr(shape, "item", None))] * 3 if hasattr(shape, "item") else {"a": 1, "b": 2, "c": 3}
            )
            assert encoder(call, 2)(items)[:4] == bytes([0, 0, 0, 2]), call.name
            with pytest.raises(InvalidArg):
                encoder(call, getattr(shape, "limit", 0) + 1)


def test_nonsense_as_room_asks_for_everything_where_clients_send_it() -> None:
    call = tables.declared("remote")["node_get_sev_info"]
    for room in (-1525350020, 65, 64):
        assert reply_decoder(call)(encoder(call, room)({"pdh": "x", "cbitpos": 47})) == {"pdh": "x", "cbitpos": 47}
    assert encoder(call, 0)({"pdh": "x", "cbitpos": 47}) == bytes([0, 0, 0, 0, 0, 0, 0, 2])


def test_nobody_gets_strings_who_does_not_know_them() -> None:
    call = tables.declared("remote")["domain_get_numa_parameters"]
    body = args_encoder(call)(("a", bytes(16), 1), 0)
    cleared = body[:-4] + bytes(4)
    params = {"numa_nodeset": "0-1", "numa_mode": 0}
    assert reply_decoder(call)(compile_args_decoder(call)(body)[1](params)) == params
    assert reply_decoder(call)(compile_args_decoder(call)(cleared)[1](params)) == {"numa_mode": 0}


def test_unknown_flags_are_named() -> None:
    call = tables.declared("remote")["domain_destroy_flags"]
    decode = compile_args_decoder(call, 1)
    body = args_encoder(call)(("a", bytes(16), 1), 1)
    assert decode(body)[0] == (("a", bytes(16), 1), 1)
    with pytest.raises(InvalidArg, match="0x6"):
        decode(args_encoder(call)(("a", bytes(16), 1), 7))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\0\0\0\5abc",
        b"\0\0\0\1a\0\0\1",
        b"\xff\xff\xff\xffabcd",
        b"\0\0\0\1a\0\0\0\0",
        b"\0\0\0\4a\0bc",
    ],
    ids=["empty", "cut off", "padding", "negative", "too long", "NUL"],
)
def test_malformed_strings_are_the_peers_error(body: bytes) -> None:
    with pytest.raises(Malformed):
        compile_args_decoder(tables.declared("remote")["domain_lookup_by_name"])(body)


def test_counts_are_believed_only_as_far_as_the_bytes_go() -> None:
    decode = reply_decoder(tables.declared("remote")["connect_list_all_domains"])
    with pytest.raises(Malformed, match="announces"):
        decode(b"\0\0\x40\0" + bytes(8))
    with pytest.raises(Malformed, match="at most"):
        decode(b"\0\1\0\0" + bytes(8))


def test_a_reply_past_its_limit_is_an_error_of_the_call() -> None:
    encode = encoder(tables.declared("remote")["connect_list_all_domains"])
    with pytest.raises(RPCError, match="16385"):
        encode([("a", bytes(16), 1)] * 16385)
