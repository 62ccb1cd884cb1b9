"""<qemu:commandline> and <qemu:override>: what the user adds, at their own risk."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pyvirtd.drivers.qemu.command.words import JsonValue, json_word
from pyvirtd.errors import XMLError

if TYPE_CHECKING:
    from pyvirtd.conf.domain.namespaces import QemuProperty
    from pyvirtd.drivers.qemu.command.builder import Builder


def add_arguments(b: Builder) -> None:
    """Raw arguments, as they are."""
    if b.definition.qemu is not None:
        b.add(*b.definition.qemu.args)


def add_overrides(b: Builder) -> None:
    """Overridden properties go into the devices that were written."""
    for override in b.definition.qemu.overrides if b.definition.qemu is not None else []:
        override_device(b, override.alias, override.properties)


def override_device(b: Builder, alias: str, properties: list[QemuProperty]) -> None:
    """Raises XMLError when no device has that alias: the override would silently do nothing."""
    for position, option in enumerate(b.argv):
        if option != "-device" or not b.argv[position + 1].startswith("{"):
            continue
        props: dict[str, JsonValue] = json.loads(b.argv[position + 1])
        if props.get("id") != alias:
            continue
        for change in properties:
            if change.type == "remove":
                props.pop(change.name, None)
            else:
                props[change.name] = override_value(change)
        b.argv[position + 1] = json_word(props)
        return
    raise XMLError(f"qemu:override: no device has the alias '{alias}'")


def override_value(change: QemuProperty) -> JsonValue:
    text = change.value or ""
    if change.type == "bool":
        return text in ("true", "yes", "on")
    if change.type in ("signed", "unsigned"):
        try:
            return int(text, 0)
        except ValueError:
            raise XMLError(f"qemu:override: property '{change.name}' has to be a number, not {text!r}") from None
    return text
