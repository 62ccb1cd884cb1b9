"""Memory and block I/O: <blkiotune>, <memtune>, <memoryBacking>."""

from __future__ import annotations

from typing import Final, Literal

from pyvirtd.conf.xml import Element, at, child, children, flag, must, size
from pyvirtd.conf.xml.types import CpuSet, UInt, ULong
from pyvirtd.errors import ConfigUnsupported

UNLIMITED: Final = 9007199254740991  # KiB; what libvirt's API says for "no limit"


class BlkioDevice(Element, tag="device"):
    """Limits for one host block device."""

    path: str = must("path")
    weight: UInt | None = at("weight", omit=0)
    read_iops_sec: UInt | None = at("read_iops_sec", omit=0)
    write_iops_sec: UInt | None = at("write_iops_sec", omit=0)
    read_bytes_sec: ULong | None = at("read_bytes_sec", omit=0)
    write_bytes_sec: ULong | None = at("write_bytes_sec", omit=0)


class Blkiotune(Element, tag="blkiotune"):
    """The guest's share of block I/O; weights 100 to 1000, 0 for none."""

    weight: UInt | None = at("weight", omit=0)
    devices: list[BlkioDevice] = children()


def _limited(value: int, flags: int) -> bool:
    return value < UNLIMITED


class Memtune(Element, tag="memtune"):
    """Limits on the guest's process, KiB."""

    hard_limit: int | None = size("hard_limit", keep=_limited)
    soft_limit: int | None = size("soft_limit", keep=_limited)
    min_guarantee: int | None = size("min_guarantee")
    swap_hard_limit: int | None = size("swap_hard_limit", keep=_limited)


class HugePage(Element, tag="page"):
    """A size of huge pages, KiB, and the guest NUMA cells that get them (none: all)."""

    size: int | None = size("@size")
    nodeset: CpuSet | None = at("@nodeset")


class MemoryBacking(Element, tag="memoryBacking"):
    """What the guest's memory is made of on the host."""

    hugepages: bool = flag("hugepages")
    pages: list[HugePage] = children(under="hugepages")
    nosharepages: bool = flag("nosharepages")
    locked: bool = flag("locked")
    source: Literal["anonymous", "file", "memfd"] | None = at("source/@type")
    access: Literal["shared", "private"] | None = at("access/@mode")
    allocation: Literal["immediate", "ondemand"] | None = at("allocation/@mode")
    allocation_threads: UInt | None = at("allocation/@threads", omit=0)
    discard: bool = flag("discard")


class NumaMemory(Element, tag="memory"):
    """Where the guest's memory comes from as a whole."""

    mode: Literal["strict", "preferred", "interleave", "restrictive"] | None = at("@mode", bad=ConfigUnsupported)
    nodeset: CpuSet | None = at("@nodeset")
    placement: Literal["static", "auto"] | None = at("@placement", bad=ConfigUnsupported, omit="static")


class MemNode(Element, tag="memnode"):
    """Where one guest cell's memory comes from."""

    cellid: UInt = must("@cellid")
    mode: Literal["strict", "preferred", "interleave", "restrictive"] | None = at("@mode")
    nodeset: CpuSet | None = at("@nodeset")


class Numatune(Element, tag="numatune"):
    """Host NUMA policy."""

    memory: NumaMemory | None = child()
    memnodes: list[MemNode] = children()
