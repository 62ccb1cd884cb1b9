"""<domainCapabilities>: what a guest of one emulator, architecture, machine and type can be made of.

Document: https://libvirt.org/formatdomaincaps.html. Sections are in the order of the document; an enum is the
values that an attribute of the domain's XML may have.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from pyvirtd.conf.outline import Outline

Enum = tuple[str, Sequence[str]]
"""The name of an attribute and the values it may have here."""


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a guest: whether there can be one, and of which kinds. `values` are plain <value>s before the enums."""

    name: str
    supported: bool
    enums: Sequence[Enum] = ()
    values: Sequence[str] = ()


class UsableCpu(NamedTuple):
    """A CPU model: whether this host can run it (None: not known), and whose it is."""

    name: str
    usable: bool | None
    vendor: str
    deprecated: bool


class HostModelCpu(NamedTuple):
    """What <cpu mode='host-model'> becomes: a model, (policy, feature) in print order."""

    model: str
    vendor: str | None
    features: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class CpuModes:
    """The <cpu> section. None where a mode is not supported."""

    host_passthrough: Sequence[str] | None
    maximum: Sequence[str] | None
    host_model: HostModelCpu | None
    custom: Sequence[UsableCpu] | None


class Sev(NamedTuple):
    """AMD's encrypted guests, as the host offers them."""

    cbitpos: int
    reduced_phys_bits: int
    max_guests: int
    max_es_guests: int


class SgxSection(NamedTuple):
    """A part of the host's enclave memory, in KiB."""

    node: int
    size: int


class Sgx(NamedTuple):
    """Intel's enclaves, as the host offers them; `size` in KiB."""

    flc: bool
    sgx1: bool
    sgx2: bool
    size: int
    sections: Sequence[SgxSection]


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainCapabilities:
    """The whole document. `features` are Sections in document order, with SEV and SGX after those named before."""

    path: str
    domain: str
    machine: str | None
    arch: str
    max_vcpus: int
    iothreads: bool
    firmware: Sequence[str]
    loader: Section
    cpu: CpuModes
    memory_backing: Section
    devices: Sequence[Section]
    features: Sequence[Section] = ()
    sev: Sev | None = None
    sgx: Sgx | None = None
    hyperv: Section | None = field(default=None)

    def format(self) -> str:
        """The document, as libvirt lays it out."""
        out = Outline()
        with out.inside("domainCapabilities"):
            out.element("path", self.path)
            out.element("domain", self.domain)
            if self.machine is not None:
                out.element("machine", self.machine)
            out.element("arch", self.arch)
            if self.max_vcpus:
                out.element("vcpu", max=self.max_vcpus)
            out.element("iothreads", supported=_yes(self.iothreads))
            with out.inside("os", supported="yes"):
                _enum(out, ("firmware", self.firmware))
                _section(out, self.loader)
            with out.inside("cpu"):
                _cpu(out, self.cpu)
            _section(out, self.memory_backing)
            with out.inside("devices"):
                for section in self.devices:
                    _section(out, section)
            with out.inside("features"):
                for section in self.features:
                    _section(out, section)
                _sev(out, self.sev)
                _sgx(out, self.sgx)
                if self.hyperv is not None:
                    _section(out, self.hyperv)
        return out.text()


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _enum(out: Outline, enum: Enum) -> None:
    name, values = enum
    with out.inside("enum", name=name):
        for value in values:
            out.element("value", value)


def _section(out: Outline, section: Section) -> None:
    with out.inside(section.name, supported=_yes(section.supported)):
        if not section.supported:
            return
        for value in section.values:
            out.element("value", value)
        for enum in section.enums:
            _enum(out, enum)


def _cpu(out: Outline, cpu: CpuModes) -> None:
    for name, values, enum in (
        ("host-passthrough", cpu.host_passthrough, "hostPassthroughMigratable"),
        ("maximum", cpu.maximum, "maximumMigratable"),
    ):
        with out.inside("mode", name=name, supported=_yes(values is not None)):
            if values is not None:
                _enum(out, (enum, values))
    with out.inside("mode", name="host-model", supported=_yes(cpu.host_model is not None)):
        if cpu.host_model is not None:
            out.element("model", cpu.host_model.model, fallback="forbid")
            if cpu.host_model.vendor is not None:
                out.element("vendor", cpu.host_model.vendor)
            for policy, name in cpu.host_model.features:
                out.element("feature", policy=policy, name=name)
    with out.inside("mode", name="custom", supported=_yes(cpu.custom is not None)):
        for model in cpu.custom or ():
            usable = "unknown" if model.usable is None else _yes(model.usable)
            deprecated = "yes" if model.deprecated else None
            out.element("model", model.name, usable=usable, deprecated=deprecated, vendor=model.vendor)


def _sev(out: Outline, sev: Sev | None) -> None:
    with out.inside("sev", supported=_yes(sev is not None)):
        if sev is not None:
            out.element("cbitpos", sev.cbitpos)
            out.element("reducedPhysBits", sev.reduced_phys_bits)
            out.element("maxGuests", sev.max_guests)
            out.element("maxESGuests", sev.max_es_guests)


def _sgx(out: Outline, sgx: Sgx | None) -> None:
    with out.inside("sgx", supported=_yes(sgx is not None)):
        if sgx is not None:
            out.element("flc", _yes(sgx.flc))
            out.element("sgx1", _yes(sgx.sgx1))
            out.element("sgx2", _yes(sgx.sgx2))
            out.element("section_size", sgx.size, unit="KiB")
            with out.inside("sections"):
                for part in sgx.sections:
                    out.element("section", node=part.node, size=part.size, unit="KiB")
