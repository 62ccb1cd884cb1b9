"""The protocol facts as the declarations are compared with them: type expressions resolved to nested tuples.

("i",) ... number of that struct format, with range where it has one; ("text", limit); ("bytes", limit);
("fixed", size); ("chars", limit, fixed); ("optional", of); ("list", of, limit); ("params", limit);
("struct", ((name, of), ...)).
"""

from __future__ import annotations

import json
import os
import re
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from pyvirtd.protocol.admin import AdminCalls
from pyvirtd.protocol.calls import Call, Program
from pyvirtd.protocol.lxc import LxcCalls
from pyvirtd.protocol.qemu import QemuCalls
from pyvirtd.protocol.remote import events as remote_events
from pyvirtd.protocol.remote.hypervisor import HypervisorCalls
from pyvirtd.protocol.remote.interface import InterfaceCalls
from pyvirtd.protocol.remote.network import NetworkCalls
from pyvirtd.protocol.remote.nodedev import NodeDeviceCalls
from pyvirtd.protocol.remote.nwfilter import NWFilterCalls
from pyvirtd.protocol.remote.secret import SecretCalls
from pyvirtd.protocol.remote.session import SessionCalls
from pyvirtd.protocol.remote.storage import StorageCalls

assert remote_events

PROGRAMS: dict[str, tuple[type[Program], ...]] = {
    "remote": (
        SessionCalls,
        HypervisorCalls,
        NetworkCalls,
        InterfaceCalls,
        StorageCalls,
        NodeDeviceCalls,
        SecretCalls,
        NWFilterCalls,
    ),
    "qemu": (QemuCalls,),
    "lxc": (LxcCalls,),
    "admin": (AdminCalls,),
}

Wire = tuple[Any, ...]
NUMBERS: dict[str, Wire] = {
    "int": ("i",),
    "uint": ("I",),
    "hyper": ("q",),
    "uhyper": ("Q",),
    "double": ("d",),
    "char": ("i", -128, 127),
    "uchar": ("I", 0, 255),
    "ushort": ("I", 0, 65535),
}


def shared(*parts: str) -> Path:
    """A file of the facts beside the repository; skips where there are none."""
    top = Path(__file__).resolve().parents[2]
    root = Path(os.environ.get("PYVIRTD_SHARED") or top.parent / "shared")
    path = root.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"no {path} (set PYVIRTD_SHARED)")
    return path


class Procedure(NamedTuple):
    """One entry of a table, with its structs resolved; events have `args` only."""

    program: str
    entry: dict[str, Any]
    args: Wire
    ret: Wire

    @property
    def name(self) -> str:
        return str(self.entry["name"])


class Table:
    """One program's facts."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.data = json.loads(shared("protocol", f"{name}.json").read_text())
        self.types: dict[str, list[list[str]]] = {}
        self.limits: dict[str, int] = {}
        for part in filter(None, (self.data.get("imports"), f"{name}.json")):
            facts = json.loads(shared("protocol", part).read_text())
            self.types.update(facts["types"])
            self.limits.update(facts["constants"])
            self.unions = facts["unions"]
            self.string_max = facts["constants"].get(facts.get("string_max", ""), 4194304)
        self.enums = {"remote_auth_type"}

    def struct(self, name: str | None) -> Wire:
        """A named struct's fields."""
        fields = self.types[name] if name is not None else []
        return ("struct", tuple((field, self.expr(expr)) for field, expr in fields))

    def expr(self, text: str) -> Wire:
        """One type expression."""
        found = re.fullmatch(r"(\w+)(\?)?(?:<(\w+)>|\[(\w+)\])?", text)
        assert found, text
        base, optional, limit, count = found.groups()
        if optional:
            return ("optional", self.expr(base))
        if limit or count:
            most = int(limit or count) if (limit or count).isdigit() else self.limits[limit or count]
            if base == "opaque":
                return ("bytes", most) if limit else ("fixed", most)
            if base == "char":
                return ("chars", most, bool(count))
            if base.endswith("_typed_param"):
                return ("params", most)
            return ("list", self.expr(base), most)
        if base == "string":
            return ("text", self.string_max)
        if base in self.enums:
            return ("i",)
        return NUMBERS[base] if base in NUMBERS else self.struct(base)

    def procedures(self) -> list[Procedure]:
        """All entries, calls and events."""
        return [
            Procedure(self.name, entry, self.struct(entry["args"]), self.struct(entry["ret"]))
            for entry in self.data["procedures"]
        ]


@cache
def table(name: str) -> Table:
    """Facts are read once."""
    return Table(name)


def declared(program: str) -> dict[str, Call]:
    """Everything declared for a program, by name."""
    return {name: call for cls in PROGRAMS[program] for name, call in cls.calls.items()}


def calls() -> list[tuple[Procedure, Call]]:
    """Every call of the tables with its declaration."""
    return [
        (procedure, declared(program)[procedure.name])
        for program in PROGRAMS
        for procedure in table(program).procedures()
        if procedure.entry["kind"] == "call"
    ]


def snake(name: str) -> str:
    """callbackID -> callback_id, xmlCPUs -> xml_cpus."""
    name = {"xmlCPUs": "xml_cpus", "newMAC": "new_mac", "oldMAC": "old_mac", "from": "from_"}.get(name, name)
    name = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name)
    return re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", name).lower()


def flag_value(name: str) -> int:
    """A public flag's value."""
    enums = json.loads(shared("protocol", "api-constants.json").read_text())["enums"]
    return next(int(members[name]) for members in enums.values() if name in members)
