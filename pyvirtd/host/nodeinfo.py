"""What virNodeGetInfo tells: the shape of the host in eight numbers; and who the host is."""

from __future__ import annotations

import asyncio
import functools
import os
import re
import socket
import time
import uuid
from typing import NamedTuple

from pyvirtd.host.cpus import topology
from pyvirtd.host.memory import total_memory
from pyvirtd.host.numa import cell_cpus, cell_ids
from pyvirtd.host.procfile import read_int, read_text, read_word


class NodeInfo(NamedTuple):
    """`memory` in KiB; `nodes` x `sockets` (a node) x `cores` (a socket) x `threads` (a core) >= `cpus`.

    Where the host is too irregular for a product, nodes, sockets and threads are 1 and cores counts the CPUs.
    """

    model: str
    memory: int
    cpus: int
    mhz: int
    nodes: int
    sockets: int
    cores: int
    threads: int


def node_info() -> NodeInfo:
    """The host at this moment."""
    cpus = topology()
    online = [cpu for cpu in cpus if cpu.online]
    cells = [set(cell_cpus(cell)) for cell in cell_ids()]
    sockets = max((len({c.socket for c in online if c.id in cell}) for cell in cells), default=1) or 1
    cores_of: dict[tuple[int | None, int], set[tuple[int | None, int | None]]] = {}
    for number, cell in enumerate(cells):
        for cpu in online:
            if cpu.id in cell:
                cores_of.setdefault((cpu.socket, number), set()).add((cpu.die, cpu.core))
    cores = max(map(len, cores_of.values()), default=1)
    threads = max((len(cpu.siblings) for cpu in online), default=1)
    nodes = len(cells)
    if nodes * sockets * cores * threads != len(cpus):
        nodes, sockets, cores, threads = 1, 1, len(cpus), 1
    return NodeInfo(os.uname().machine, total_memory() // 1024, len(online), cpu_mhz(), nodes, sockets, cores, threads)


def cpu_mhz() -> int:
    """The first CPU's clock rate in MHz, of this moment; 0 where it is not told."""
    found = re.search(r"^(?:cpu MHz|clock)\s*:\s*(\d+)", read_text("/proc/cpuinfo", 8192), re.MULTILINE)
    if found:
        return int(found[1])
    return (read_int("/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq") or 0) // 1000


class _HostName:
    """The resolver is asked at most once a minute, for it may be slow."""

    def __init__(self) -> None:
        self.short = ""
        self.full = ""
        self.at = float("-inf")


_last = _HostName()


async def hostname(timeout: float = 2) -> str:
    """The host's name: as set when it has a domain part (or is localhost), else the resolver's canonical one."""
    name = socket.gethostname()
    if "." in name or name.startswith("localhost"):
        return name
    if _last.short == name and time.monotonic() - _last.at < 60:
        return _last.full
    full = name
    try:
        async with asyncio.timeout(timeout):
            for *_, canonical, _address in await asyncio.get_running_loop().getaddrinfo(
                name, None, type=socket.SOCK_STREAM, flags=socket.AI_CANONNAME
            ):
                if canonical and not canonical.startswith("localhost"):
                    full = canonical
                    break
    except (OSError, TimeoutError):
        pass
    _last.short, _last.full, _last.at = name, full, time.monotonic()
    return full


@functools.cache
def host_uuid() -> uuid.UUID:
    """The machine's own UUID: SMBIOS's, else the machine id; else one of this start of the daemon."""
    for path in ("/sys/class/dmi/id/product_uuid", "/etc/machine-id"):
        found = _good_uuid(read_word(path) or "")
        if found is not None:
            return found
    return uuid.uuid4()


def _good_uuid(text: str) -> uuid.UUID | None:
    """None unless it is a UUID that a firmware did not leave at one repeated digit."""
    try:
        value = uuid.UUID(text)
    except ValueError:
        return None
    return value if len(set(value.hex)) > 1 else None
