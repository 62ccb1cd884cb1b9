"""<cpu>: model, features, topology and NUMA cells of the guest."""

from __future__ import annotations

from typing import Literal

from pyvirtd.conf.domain.numa import Cell, Interconnect
from pyvirtd.conf.xml import Element, at, children, must
from pyvirtd.conf.xml.types import OnOff, Positive, UInt
from pyvirtd.errors import ConfigUnsupported, ErrorDomain, XMLError

Policy = Literal["force", "require", "optional", "disable", "forbid"]


class CpuFeature(Element, tag="feature"):
    """A named CPU feature, and what to do about it. `policy` is None in host CPUs."""

    ERRORS = ErrorDomain.CPU
    policy: Policy | None = at("@policy", bad=ConfigUnsupported)
    name: str = must("@name")
    migratable: Literal["yes", "no"] | None = at("@migratable")


class Cpu(Element, tag="cpu"):
    """The guest's CPU. A bare <cpu> with only a topology or NUMA cells has no mode and no model."""

    ERRORS = ErrorDomain.CPU
    mode: Literal["custom", "host-model", "host-passthrough", "maximum"] | None = at("@mode", bad=ConfigUnsupported)
    match: Literal["minimum", "exact", "strict"] | None = at("@match", bad=ConfigUnsupported)
    check: Literal["none", "partial", "full"] | None = at("@check", bad=ConfigUnsupported)
    migratable: OnOff | None = at("@migratable")
    fallback: Literal["allow", "forbid"] | None = at("model/@fallback", bad=ConfigUnsupported)
    vendor_id: str | None = at("model/@vendor_id")
    model: str | None = at("model")
    vendor: str | None = at("vendor")
    sockets: Positive | None = at("topology/@sockets")
    dies: Positive | None = at("topology/@dies", bare=1)
    cores: Positive | None = at("topology/@cores")
    threads: Positive | None = at("topology/@threads")
    cache_level: UInt | None = at("cache/@level")
    cache_mode: Literal["emulate", "passthrough", "disable"] | None = at("cache/@mode")
    maxphysaddr_mode: Literal["emulate", "passthrough"] | None = at("maxphysaddr/@mode")
    maxphysaddr_bits: UInt | None = at("maxphysaddr/@bits")
    maxphysaddr_limit: UInt | None = at("maxphysaddr/@limit")
    features: list[CpuFeature] = children()
    cells: list[Cell] = children(under="numa")
    interconnects: list[Interconnect] = children(Interconnect, under="numa/interconnects")

    def parsed(self, flags: int) -> None:
        """A topology is complete; a vendor id has the twelve characters of CPUID."""
        topology = (self.sockets, self.cores, self.threads)
        if any(topology) and not all(topology):
            raise XMLError(f"line {self.line}, <topology>: sockets, cores and threads have to be given, each above 0")
        if self.vendor_id is not None and len(self.vendor_id) != 12:
            raise XMLError(f"line {self.line}, <model>: vendor_id={self.vendor_id!r} has to have 12 characters")
        names = [feature.name for feature in self.features]
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise XMLError(f"line {self.line}, <cpu>: feature {twice!r} is there twice, once would be right")
        for feature in self.features:
            if feature.policy is None and self.mode is not None:
                feature.policy = "require"

    @property
    def topology(self) -> tuple[int, int, int, int] | None:
        """sockets, dies, cores, threads; None when there is no <topology>."""
        if self.sockets is None or self.cores is None or self.threads is None:
            return None
        return self.sockets, self.dies or 1, self.cores, self.threads
