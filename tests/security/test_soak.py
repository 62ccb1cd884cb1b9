"""Slow leaks (notices 2013-2, 2015-2, CVE-2020-12430, CVE-2023-2700): 100,000 calls, descriptors and memory flat."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.wire import Client, number, reference, string
from tests.harness.daemon import Daemon
from tests.harness.guests import guest_xml

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
URI = "qemu:///system" if os.geteuid() == 0 else "qemu:///session"
GROWTH = 6 << 20
"""Bytes: what allocators and caches may still take after they have warmed up."""


def figures(daemon: Daemon) -> tuple[int, int]:
    """Descriptors, and resident bytes."""
    pages = int(Path(f"/proc/{daemon.pid}/statm").read_text().split()[1])
    return len(os.listdir(f"/proc/{daemon.pid}/fd")), pages * os.sysconf("SC_PAGE_SIZE")


def repeated(kind: str, client: Client, daemon: Daemon, dom: bytes) -> Callable[[int], None]:
    """One call, or one small life, of that kind."""

    def failing(_: int) -> None:
        with contextlib.suppress(Exception):
            client.call(23, string("nobody"))

    def connection(_: int) -> None:
        Client(str(daemon.socket), URI).close()

    def definition(turn: int) -> None:
        xml = guest_xml(f"soak{turn % 7}", domain_id=f"00000000-0000-0000-0000-{turn % 7 + 1:012}")
        made = reference(client.call(350, string(xml) + number(0)))
        client.call(231, made + number(0))

    return {
        "lookup": lambda _: client.call(23, string("small")) and None,
        "XML": lambda turn: client.call(14, dom + number((0, 2, 3)[turn % 3])) and None,
        "list": lambda _: client.call(273, number(1) + number(0)) and None,
        "stats": lambda _: client.call(344, number(0) * 3) and None,
        "failure": failing,
        "connection": connection,
        "definition": definition,
        "suspend": lambda turn: client.call((34, 28)[turn % 2], dom) and None,
    }[kind]


@pytest.mark.parametrize(
    ("kind", "count"),
    [("lookup", 100_000), ("XML", 100_000), ("list", 100_000), ("failure", 100_000), ("stats", 5_000),
     ("connection", 5_000), ("definition", 2_000), ("suspend", 2_000)],
)  # fmt: skip
def test_a_hundred_thousand_calls_leave_nothing(pyvirtd: Daemon, tmp_path: Path, kind: str, count: int) -> None:
    file = tmp_path / "small.xml"
    file.write_text(guest_xml("small"))
    pyvirtd.virsh("create", str(file)).check()
    client = Client(str(pyvirtd.socket), URI)
    one = repeated(kind, client, pyvirtd, reference(client.call(23, string("small"))))
    for turn in range(count // 10 * 2):
        one(turn)
    time.sleep(0.5)
    descriptors, memory = figures(pyvirtd)
    for turn in range(count):
        one(turn)
    # What was removed is let go of a moment later.
    time.sleep(0.5)
    after, grown = figures(pyvirtd)
    client.close()
    assert abs(after - descriptors) <= 1
    assert grown - memory < GROWTH, f"{(grown - memory) >> 10} KiB more after {count} calls"
