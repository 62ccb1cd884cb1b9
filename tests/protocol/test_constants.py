"""Every constant against the tables: nothing missing, nothing invented, values as published."""

from __future__ import annotations

import importlib
import json
import pkgutil
from typing import Any

from pyvirtd.protocol import constants
from pyvirtd.protocol.constants import numbers
from tests.protocol.tables import shared

OURS_ELSEWHERE = {"virErrorDomain", "virErrorLevel", "virErrorNumber"}
"""Enums that pyvirtd.errors holds."""


def classes() -> dict[str, tuple[str, dict[str, Any]]]:
    """docstring's name -> (class name, members)."""
    found = {}
    for module in pkgutil.iter_modules(constants.__path__):
        for name, cls in vars(importlib.import_module(f"{constants.__name__}.{module.name}")).items():
            if isinstance(cls, type):
                members = {key: value for key, value in vars(cls).items() if not key.startswith("__")}
                found[str(cls.__doc__).rstrip(".")] = (name, members)
    return found


def test_every_public_enum_is_here() -> None:
    facts = json.loads(shared("protocol", "api-constants.json").read_text())["enums"]
    ours = classes()
    for enum, members in facts.items():
        if enum in OURS_ELSEWHERE:
            continue
        _, found = ours[enum]
        assert list(found.values()) == list(members.values()), enum
        for full, short in zip(members, found, strict=True):
            assert full.endswith("_" + short.strip("_")), (enum, full, short)


def test_every_field_name_is_here() -> None:
    facts = json.loads(shared("protocol", "api-constants.json").read_text())["strings"]
    ours = {doc.rstrip("*"): members for doc, (_, members) in classes().items() if doc.endswith("_*")}
    named = {prefix + key: value for prefix, members in ours.items() for key, value in members.items()}
    assert {key: named.get(key) for key in facts} == facts


def test_driver_features() -> None:
    facts = json.loads(shared("protocol", "api-constants.json").read_text())["internal"]["virDrvFeature"]
    _, members = classes()["VIR_DRV_FEATURE_*"]
    assert {f"VIR_DRV_FEATURE_{key}": value for key, value in members.items()} == facts


def test_numbers() -> None:
    facts = json.loads(shared("protocol", "api-constants.json").read_text())["numbers"]
    ours = {f"VIR_{key}": value for key, value in vars(numbers).items() if isinstance(value, int)}
    assert ours == facts
