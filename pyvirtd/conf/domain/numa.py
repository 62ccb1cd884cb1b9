"""<numa> in <cpu>: the guest's NUMA cells, their distances, caches and interconnects."""

from __future__ import annotations

from typing import Literal

from pyvirtd.conf.xml import Element, at, children, must, size
from pyvirtd.conf.xml.types import CpuSet, UInt, ULong, YesNo

Access = Literal["access", "read", "write"]


class Sibling(Element, tag="sibling"):
    """The distance to another cell; 10 is the cell itself."""

    id: UInt = must("@id")
    value: UInt = must("@value")


class CellCache(Element, tag="cache"):
    """A memory-side cache (ACPI HMAT). Size in KiB, line in bytes."""

    level: UInt = must("@level")
    associativity: Literal["none", "direct", "full"] = at("@associativity", "none", omit="none")
    policy: Literal["none", "writeback", "writethrough"] = at("@policy", "none", omit="none")
    capacity: int = size("size/@value", required=True)
    line_size: int = size("line/@value", unit="B", required=True)


class Cell(Element, tag="cell"):
    """A guest NUMA cell. Memory in KiB."""

    id: UInt | None = at("@id")
    cpus: CpuSet | None = at("@cpus")
    memory: int = size("@memory", required=True)
    mem_access: Literal["shared", "private"] | None = at("@memAccess")
    discard: YesNo | None = at("@discard")
    distances: list[Sibling] = children(under="distances")
    caches: list[CellCache] = children()


class Interconnect(Element, family=True):
    """Latency or bandwidth between cells, in the order given."""


class Latency(Interconnect, tag="latency", variant="latency"):
    """In nanoseconds."""

    initiator: UInt = must("@initiator")
    target: UInt = must("@target")
    cache: UInt | None = at("@cache", omit=0)
    type: Access = must("@type")
    value: ULong = must("@value")


class Bandwidth(Interconnect, tag="bandwidth", variant="bandwidth"):
    """In KiB a second."""

    initiator: UInt = must("@initiator")
    target: UInt = must("@target")
    cache: UInt | None = at("@cache", omit=0)
    type: Access = must("@type")
    value: int = size("@value", required=True)
