"""Calls, lists, definitions: microseconds an operation, the daemons taking turns."""

from __future__ import annotations

import statistics
import threading
import time
import uuid
from collections.abc import Callable
from typing import NamedTuple

from benchmarks.wire import Client, number, reference, string

DOMAIN = """<domain type='qemu'>
  <name>{name}</name>
  <uuid>{uuid}</uuid>
  <memory unit='KiB'>65536</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64' machine='pc'>hvm</type></os>
  <features><acpi/></features>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2'/>
      <source file='/var/tmp/{name}.qcow2'/>
      <target dev='vda' bus='virtio'/>
    </disk>
    <interface type='user'><mac address='{mac}'/><model type='virtio'/></interface>
    <serial type='pty'/>
    <console type='pty'/>
    <memballoon model='virtio'/>
  </devices>
</domain>
"""
NAMESPACE = uuid.UUID("7d7f3a3e-5b7c-4f57-8f4c-2a60a2b0f3aa")


class Side(NamedTuple):
    """A daemon to measure: its socket's path and the URI to open."""

    path: str
    uri: str


def domain_name(index: int) -> str:
    """Name of the index-th definition."""
    return f"bench-{index:05d}"


def domain_xml(index: int) -> str:
    """The index-th definition."""
    mac = f"52:54:00:{index >> 16 & 255:02x}:{index >> 8 & 255:02x}:{index & 255:02x}"
    return DOMAIN.format(name=domain_name(index), uuid=uuid.uuid5(NAMESPACE, str(index)), mac=mac)


def each(count: int, what: Callable[[int], object]) -> float:
    """Mean microseconds of `what(i)`."""
    began = time.perf_counter()
    for index in range(count):
        what(index)
    return (time.perf_counter() - began) / count * 1e6


def define(client: Client, count: int) -> tuple[float, list[bytes]]:
    """Define `count` domains: microseconds each, and their references."""
    documents = [string(domain_xml(i)) + number(0) for i in range(count)]
    references: list[bytes] = []
    took = each(count, lambda i: references.append(reference(client.call(350, documents[i]))))
    return took, references


def one_round(side: Side, client: Client, doms: list[bytes], calls: int) -> dict[str, float]:
    """All operations once."""
    domains = len(doms)

    def pipeline(_: int) -> None:
        for _ in range(100):
            client.send(51)
        for _ in range(100):
            client.receive()

    def many() -> float:
        clients = [Client(side.path, side.uri) for _ in range(20)]

        def work(own: Client) -> None:
            for _ in range(calls // 20):
                own.call(51)

        threads = [threading.Thread(target=work, args=(c,)) for c in clients]
        began = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        took = (time.perf_counter() - began) / (calls // 20 * 20) * 1e6
        for own in clients:
            own.close()
        return took

    return {
        "call: number of domains": each(calls, lambda _: client.call(51)),
        "call: lookup by name": each(calls, lambda i: client.call(23, string(domain_name(i % domains)))),
        "call: domain info": each(calls, lambda i: client.call(16, doms[i % domains])),
        "call: domain XML": each(calls // 3, lambda i: client.call(14, doms[i % domains] + number(0))),
        f"list all {domains} domains": each(20, lambda _: client.call(273, number(1) + number(0))),
        f"list: stats of all {domains} domains": each(5, lambda _: client.call(344, number(0) * 3)),
        "pipelined call, 100 in flight": each(max(1, calls // 300), pipeline) / 100,
        "connect, open, close": each(200, lambda _: Client(side.path, side.uri).close()),
        "20 clients at once, per call": many(),
    }


def compare(ours: Side, theirs: Side, domains: int = 1000, rounds: int = 5, calls: int = 3000
            ) -> dict[str, tuple[float, float]]:
    """Median microseconds an operation: ours and theirs."""
    sides = (ours, theirs)
    clients = [Client(*side) for side in sides]
    result: dict[str, tuple[float, float]] = {}
    defined = [define(client, domains) for client in clients]
    result["define a domain"] = (defined[0][0], defined[1][0])
    found: list[list[dict[str, float]]] = [[], []]
    for _ in range(rounds):
        for which, side in enumerate(sides):
            found[which].append(one_round(side, clients[which], defined[which][1], calls))
    for name in found[0][0]:
        mine, other = (statistics.median(r[name] for r in rows) for rows in found)
        result[name] = (mine, other)
    undefined = [each(domains, lambda i, c=client, d=doms: c.call(231, d[i] + number(0)))  # type: ignore[misc]
                 for client, (_, doms) in zip(clients, defined, strict=True)]
    result["undefine a domain"] = (undefined[0], undefined[1])
    for client in clients:
        client.close()
    return result
