"""A small guest's start and end: milliseconds from the call to its reply."""

from __future__ import annotations

import statistics
import time
import uuid

from benchmarks.rpc import Side
from benchmarks.wire import Client, number, reference, string
from tests.harness.guests import guest_xml


def measure(side: Side, rounds: int) -> tuple[float, float]:
    """Median milliseconds of create and of destroy."""
    client = Client(*side)
    xml = guest_xml("bench-guest", memory_mib=64, domain_id=str(uuid.uuid4()))
    dom = reference(client.call(350, string(xml) + number(0)))
    started, ended = [], []
    for _ in range(rounds):
        began = time.perf_counter()
        client.call(9, dom)
        middle = time.perf_counter()
        time.sleep(0.5)  # the guest is past its first instructions
        before_end = time.perf_counter()
        client.call(12, dom)
        ended.append(time.perf_counter() - before_end)
        started.append(middle - began)
    client.call(231, dom + number(0))
    client.close()
    return statistics.median(started) * 1000, statistics.median(ended) * 1000


def compare(ours: Side, theirs: Side, rounds: int = 5) -> dict[str, tuple[float, float]]:
    """Milliseconds, ours and theirs."""
    (start, end), (their_start, their_end) = measure(ours, rounds), measure(theirs, rounds)
    return {"start a small guest": (start, their_start), "destroy a small guest": (end, their_end)}
