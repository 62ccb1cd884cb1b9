"""Every declaration against the tables of protocol facts: numbers, fields, types, limits, permissions, the rest."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pyvirtd.protocol.bind import is_read
from pyvirtd.protocol.calls import EVENTS, Call, When
from pyvirtd.protocol.remote.permissions import SAVES
from pyvirtd.protocol.shapes import (
    BytesShape,
    CharsShape,
    FixedShape,
    ListShape,
    NumberShape,
    OptionalShape,
    ParamsShape,
    Shape,
    StructShape,
    TextShape,
    call_shape,
    struct_shape,
)
from tests.protocol import tables
from tests.protocol.tables import PROGRAMS, Procedure, Wire, flag_value, shared, snake, table

CLOSED_TO_READERS = {
    "domain_set_scheduler_parameters": "it sets something; the table's permission says read",
    "connect_compare_cpu": "takes XML",
    "connect_baseline_cpu": "takes XML",
    "domain_get_launch_security_info": "measurements are for who may start guests; libvirt refuses it, too",
    "node_device_get_autostart": "libvirt refuses it",
    "node_get_sev_info": "keys and certificates of the platform; libvirt refuses it, too",
}
"""Calls that the tables' permissions would open to read-only clients."""

LOOKS_UP = {"domain_block_stats", "domain_block_stats_flags", "domain_get_block_info", "domain_get_block_job_info",
            "storage_vol_lookup_by_path", "storage_pool_lookup_by_target_path"}  # fmt: skip
"""Calls open to read-only clients whose path is a key to look up among known disks and volumes, never opened."""


def wire(shape: Shape | None) -> Wire:
    """A declaration's shape in the tables' form, field names aside."""
    match shape:
        case NumberShape():
            return (shape.code,) if shape.low is None else (shape.code, shape.low, shape.high)
        case TextShape():
            return ("text", shape.limit)
        case BytesShape():
            return ("bytes", shape.limit)
        case FixedShape():
            return ("fixed", shape.size)
        case CharsShape():
            return ("chars", shape.limit, shape.fixed)
        case OptionalShape():
            return ("optional", wire(shape.item))
        case ListShape():
            return ("list", wire(shape.item), shape.limit)
        case ParamsShape():
            return ("params", shape.limit)
        case StructShape():
            return ("struct", tuple((name, wire(item)) for name, item in shape.fields))
    raise AssertionError(shape)


def in_snake(facts: Wire) -> Wire:
    """The tables' names as ours."""
    if facts[0] == "struct":
        return ("struct", tuple((snake(name), in_snake(item)) for name, item in facts[1]))
    return tuple(in_snake(item) if isinstance(item, tuple) else item for item in facts)


def all_calls() -> list[Any]:
    try:
        return [pytest.param(*pair, id=f"{pair[0].program}-{pair[0].name}") for pair in tables.calls()]
    except pytest.skip.Exception:
        return []


def test_every_procedure_is_declared_once() -> None:
    for program, classes in PROGRAMS.items():
        found = [call for cls in classes for call in cls.calls.values()]
        names = {p.name: p for p in table(program).procedures() if p.entry["kind"] == "call"}
        assert len(found) == len({call.name for call in found}) == len({call.number for call in found})
        assert {call.name for call in found} == set(names)
        assert {call.program for call in found} == {table(program).data["program"]}


@pytest.mark.parametrize(("facts", "call"), all_calls())
def test_a_call_is_what_the_tables_say(facts: Procedure, call: Call) -> None:
    entry = facts.entry
    shape = call_shape(call)
    assert call.number == entry["number"]
    assert ("struct", tuple((name, wire(item)) for name, item in shape.args)) == in_snake(facts.args)
    assert reply_fields(call) == [item for _, item in in_snake(facts.ret)[1]]
    if isinstance(shape.ret, StructShape) and len(facts.ret[1]) > 1:
        assert [name for name, _ in shape.ret.fields] == [snake(name) for name, _ in facts.ret[1]]
    assert call.high == (entry["priority"] == "high")
    assert call.stream == entry["stream"]
    assert call.sparse == (flag_value(entry["sparseflag"]) if entry.get("sparseflag") else 0)
    assert call.filter == (entry["aclfilter"][0] if entry["aclfilter"] else None)
    assert call.noauth == (facts.program == "remote" and facts.name in table("remote").data["noauth"])


def reply_fields(call: Call) -> list[Wire]:
    """The reply's fields: a struct declared for the reply is its fields, anything else is the one field."""
    shape = call_shape(call)
    fields: list[Wire] = []
    if isinstance(shape.ret, StructShape) and not shape.ret.cls.__name__.endswith("Ref"):
        fields = [wire(item) for _, item in shape.ret.fields]
    elif shape.ret is not None:
        fields = [wire(shape.ret)]
    return fields + ([wire(shape.number)] if shape.number is not None else [])


def condition(text: str) -> Any:
    """object:permission[:flag or !flag|flag][::parameter:value] as a declaration has it."""
    parts = text.split(":")
    permission = ":".join(parts[:2])
    if len(parts) <= 2:
        return permission
    if len(parts) == 5:
        return When(permission, param=(parts[3], flag_value(parts[4])))
    if parts[2].startswith("!"):
        return When(permission, without=sum(flag_value(name) for name in parts[2][1:].split("|")))
    return When(permission, flags=flag_value(parts[2]))


def test_permissions_are_what_the_tables_say() -> None:
    wrong = {facts.name: call.acl for facts, call in tables.calls()
             if list(call.acl) != [condition(text) for text in facts.entry["acl"]]}  # fmt: skip
    assert wrong == {}


def test_saving_means_config_or_current() -> None:
    assert [condition("domain:save:!VIR_DOMAIN_AFFECT_CONFIG|VIR_DOMAIN_AFFECT_LIVE"),
            condition("domain:save:VIR_DOMAIN_AFFECT_CONFIG")] == list(SAVES)  # fmt: skip


def may_read(call: Call) -> bool:
    """Whether every permission that is needed unconditionally only looks."""
    plain = [acl for acl in call.acl if isinstance(acl, str)]
    return bool(plain) and all(is_read(permission) for permission in plain)


def test_readers_may_read_and_nothing_else() -> None:
    opened = {call.name for _, call in tables.calls() if call.ro}
    assert opened == {call.name for _, call in tables.calls() if may_read(call)} - set(CLOSED_TO_READERS)


PATHS_AND_XML = {"path", "to", "from_", "file", "xml", "xml_desc", "dxml", "xml_cpus", "xml_cpu", "emulator",
                 "emulatorbin", "domain_xml", "native_config", "src_spec"}  # fmt: skip


def test_readers_hand_in_no_paths_and_no_xml() -> None:
    opened = [call for _, call in tables.calls() if call.ro]
    takes = {call.name for call in opened if PATHS_AND_XML & {name for name, _ in call_shape(call).args}}
    assert takes == LOOKS_UP
    assert [call.name for call in opened if call.files or call.stream] == []


def test_a_special_case_asks_for_nothing_less() -> None:
    """What `via` reaches must not be easier to reach than its target, for readers least of all."""
    for facts, call in tables.calls():
        if call.via is not None:
            assert tables.declared(facts.program)[call.via].ro or not call.ro, call.name


def test_every_event_is_what_the_tables_say() -> None:
    seen = 0
    for program in PROGRAMS:
        number = table(program).data["program"]
        for facts in table(program).procedures():
            if facts.entry["kind"] != "event":
                continue
            seen += 1
            event = EVENTS[number, facts.entry["number"]]
            callback = bool(facts.entry.get("callback"))
            assert (event.callback if callback else event.number) == facts.entry["number"]
            if "object" in facts.entry:
                assert (event.object, event.event_id) == (facts.entry["object"], facts.entry["event_id"])
            assert event_fields(event, callback) == flat(in_snake(facts.args)), facts.name
    assert seen == len(EVENTS)


def event_fields(event: Any, callback: bool) -> list[Any]:
    """An event's fields in that style's order, the callback id first."""
    fields = [(name, wire(item)) for name, item in struct_shape(event.cls).fields]
    extra = [field for field in fields if field[0] == event.extra]
    rest = [field for field in fields if field[0] != event.extra]
    return [("callback_id", ("i",)), *extra, *rest] if callback else rest


def flat(facts: Wire) -> list[Any]:
    """The fields of a message, those of a nested `msg` in its place."""
    fields: list[Any] = []
    for name, item in facts[1]:
        fields.extend(item[1] if name == "msg" else [(name, item)])
    return fields


def test_the_error_struct_is_what_the_tables_say() -> None:
    from pyvirtd.protocol.error_body import ErrorBody

    assert wire(struct_shape(ErrorBody)) == in_snake(table("remote").struct("remote_error"))


def test_framing_numbers() -> None:
    from pyvirtd.protocol import frame

    net = json.loads(shared("protocol", "net.json").read_text())
    assert net["message"]["max_len"] == frame.LENGTH_MAX
    assert net["message"]["min_len"] == frame.HEADER_LEN
    assert net["constants"]["VIR_NET_MESSAGE_NUM_FDS_MAX"] == frame.FILES_MAX
    kinds = [frame.CALL, frame.REPLY, frame.MESSAGE, frame.STREAM, frame.CALL_WITH_FILES, frame.REPLY_WITH_FILES]
    assert list(net["enums"]["virNetMessageType"].values()) == [*kinds, frame.STREAM_HOLE]
    assert list(net["enums"]["virNetMessageStatus"].values()) == [frame.OK, frame.ERROR, frame.CONTINUE]
    keepalive = net["keepalive"]
    assert keepalive["program"] == frame.Keepalive.PROGRAM
    assert keepalive["procedures"] == {"PING": frame.Keepalive.PING, "PONG": frame.Keepalive.PONG}
