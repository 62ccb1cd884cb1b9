"""How a word of QEMU's command line is written: JSON objects, key=value lists and their quoting.

QEMU takes most of its objects either as JSON (-device, -object, -netdev, -blockdev, -audiodev) or as the older
``kind,key=value,...``, where a comma inside a value is doubled (qemu(1)). JSON words are written without spaces and
in the order the keys were given: that order is part of what two command lines are compared by.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

JsonValue: TypeAlias = "str | int | float | bool | Sequence[JsonValue] | Mapping[str, JsonValue]"
Props: TypeAlias = "dict[str, JsonValue]"

# A double keeps every integer only up to here; QEMU's parser takes larger ones, so nothing is limited.
_SEPARATORS = (",", ":")


def json_word(props: Mapping[str, JsonValue]) -> str:
    """`props` as one JSON word, keys in the given order; bytes that were no UTF-8 stay what they were."""
    return json.dumps(props, separators=_SEPARATORS, ensure_ascii=False)


def escape(value: str) -> str:
    """`value` as it may stand in a key=value list: commas doubled."""
    return value.replace(",", ",,")


def compact(**props: JsonValue | None) -> Props:
    """The properties that have a value, in order; an underscore at a name's end is dropped (Python's keywords)."""
    return {key.rstrip("_"): value for key, value in props.items() if value is not None}


def option_word(head: str | None, pairs: Iterable[tuple[str, str | int | bool | None]]) -> str:
    """``head,key=value,...``: booleans as on/off, values that are None left out, commas doubled."""
    words = [] if head is None else [head]
    for key, value in pairs:
        if value is None:
            continue
        if isinstance(value, bool):
            value = "on" if value else "off"
        words.append(f"{key}={escape(str(value))}")
    return ",".join(words)


def on_off(value: bool) -> str:
    """QEMU's spelling of a switch."""
    return "on" if value else "off"
