"""How single words are written."""

from __future__ import annotations

from pyvirtd.drivers.qemu.command.words import compact, escape, json_word, option_word


def test_json_keeps_order_and_has_no_spaces() -> None:
    assert json_word({"driver": "x", "id": "ä", "on": True}) == '{"driver":"x","id":"ä","on":true}'


def test_options_double_commas_and_spell_switches() -> None:
    pairs = [("id", "c"), ("path", "/a,b"), ("server", True), ("wait", False), ("gone", None)]
    assert option_word("socket", pairs) == "socket,id=c,path=/a,,b,server=on,wait=off"
    assert escape("a,b,,") == "a,,b,,,,"


def test_compact_leaves_out_what_has_no_value() -> None:
    assert compact(type_="tap", fd=None, id="n") == {"type": "tap", "id": "n"}
