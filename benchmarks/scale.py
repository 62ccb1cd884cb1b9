"""How long a daemon takes to listen, and what 5,000 definitions on disk cost it."""

from __future__ import annotations

import time
from pathlib import Path

from benchmarks.rpc import Side, define
from benchmarks.wire import Client, number
from tests.harness.daemon import Daemon


def memory_mib(pid: int) -> float:
    """Resident memory of a process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise LookupError(f"process {pid} has no VmRSS")


def listening(daemon: Daemon, rounds: int = 5) -> float:
    """Seconds from the start of the process to a socket that answers: the best of some, files being cached."""
    times = []
    for _ in range(rounds):
        if daemon.process is not None:
            daemon.stop()
        times.append(daemon.start())
    return min(times)


def many_definitions(daemon: Daemon, side: Side, count: int) -> tuple[float, float]:
    """Seconds from process start to the answer of the first list, and resident MiB then, with `count` on disk."""
    client = Client(*side)
    define(client, count)
    client.close()
    daemon.stop()
    began = time.perf_counter()
    daemon.start(timeout=60)
    client = Client(*side)
    listed = client.call(273, number(1) + number(0))
    took = time.perf_counter() - began
    assert int.from_bytes(listed[:4], "big") == count, "not all definitions came back"
    resident = memory_mib(daemon.pid)
    client.close()
    return took, resident
