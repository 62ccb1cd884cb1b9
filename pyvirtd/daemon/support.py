"""The support matrix, rendered from what the drivers' classes override: it cannot say more than they do.

python -m pyvirtd.daemon.support > docs/support.md
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from pyvirtd.daemon.loading import find_drivers
from pyvirtd.protocol.admin import AdminCalls
from pyvirtd.protocol.calls import Call, Program
from pyvirtd.protocol.lxc import LxcCalls
from pyvirtd.protocol.qemu import QemuCalls
from pyvirtd.protocol.remote.hypervisor import HypervisorCalls
from pyvirtd.protocol.remote.interface import InterfaceCalls
from pyvirtd.protocol.remote.network import NetworkCalls
from pyvirtd.protocol.remote.nodedev import NodeDeviceCalls
from pyvirtd.protocol.remote.nwfilter import NWFilterCalls
from pyvirtd.protocol.remote.secret import SecretCalls
from pyvirtd.protocol.remote.session import SessionCalls
from pyvirtd.protocol.remote.storage import StorageCalls
from pyvirtd.server.admin import AdminDesk
from pyvirtd.server.desk import SessionDesk

PROGRAMS: Sequence[type[Program]] = (
    SessionCalls, HypervisorCalls, NetworkCalls, StorageCalls, NodeDeviceCalls, InterfaceCalls, SecretCalls,
    NWFilterCalls, QemuCalls, LxcCalls, AdminCalls,
)  # fmt: skip

INTRODUCTION = """# Support

Every call of libvirt's RPC programs, and who answers it. Written by `python -m pyvirtd.daemon.support`; a call that
nobody overrides answers VIR_ERR_NO_SUPPORT. The server answers what belongs to the connection, for all drivers.
A number is the mask of the flags that are understood; every other flag is refused.
"""


def mask(cls: type[Program], name: str) -> int:
    """The flags that a class's answer to a call understands; those of the call it goes through when it has no own."""
    declared, method = cls.calls[name], getattr(cls, name)
    if method is declared.function and declared.via is not None:
        return mask(cls, declared.via)
    return int(getattr(method, "__supports__", 0))


def answers(cls: type[Program], declared: Call) -> bool:
    """Whether a class answers this call, and not one of that name of another program."""
    return cls.calls.get(declared.name) is declared and cls.implements(declared.name)


def cell(cls: type[Program], declared: Call) -> str:
    """What stands in the table for a call and who may answer it."""
    if not answers(cls, declared):
        return ""
    flags = mask(cls, declared.name)
    return f"yes, {flags:#x}" if flags else "yes"


def groups() -> dict[str, list[Call]]:
    """Heading -> calls, in the order of their numbers; a call is listed once, under the class that declares it."""
    found: dict[str, dict[str, Call]] = {}
    for program in PROGRAMS:
        for name, declared in program.calls.items():
            found.setdefault(declared.owner.__name__.removesuffix("Calls"), {})[name] = declared
    return {heading: sorted(calls.values(), key=lambda c: c.number) for heading, calls in found.items()}


def render(drivers: Sequence[type]) -> str:
    """The whole page, for these drivers' classes."""
    answering: dict[str, type[Program]] = {"server": SessionDesk, "admin": AdminDesk}
    for driver in drivers:
        cls = getattr(driver, "answers", driver)
        if issubclass(cls, Program):
            answering[driver.name] = cls  # type: ignore[attr-defined]
    parts = [INTRODUCTION]
    summary = [["Calls", "all", *answering]]
    for heading, calls in groups().items():
        shown = [who for who, cls in answering.items() if any(answers(cls, c) for c in calls)]
        counts = [sum(answers(cls, c) for c in calls) for cls in answering.values()]
        summary.append([heading, str(len(calls)), *(str(n) if n else "" for n in counts)])
        rows = [["Call", "Number", *shown]]
        rows += [[f"`{c.name}`", str(c.number), *(cell(answering[who], c) for who in shown)] for c in calls]
        parts.append(f"## {heading}\n\n{table(rows)}")
    parts.insert(1, table(summary))
    return "\n".join(parts)


def table(rows: Sequence[Sequence[str]]) -> str:
    """Rows as a Markdown table, the first one its head."""
    head, *body = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([head, "|" + " --- |" * len(rows[0]), *body]).replace("|  |", "| |").replace("|  |", "| |") + "\n"


def main() -> None:
    """Print the page."""
    sys.stdout.write(render(find_drivers()))


if __name__ == "__main__":
    main()
