"""<capabilities>: what a host is and which guests its hypervisor runs.

Document: https://libvirt.org/formatcaps.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from pyvirtd.conf.outline import Outline


class TscCounter(NamedTuple):
    """The time stamp counter: ticks per second, and whether the hardware can scale it (None: not known)."""

    frequency: int
    scaling: bool | None


class CpuTopology(NamedTuple):
    sockets: int
    dies: int
    cores: int
    threads: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HostCpu:
    """The host's CPU. `features` are those beyond the model; `pages` are page sizes in KiB."""

    arch: str
    model: str | None = None
    vendor: str | None = None
    microcode: int | None = None
    signature: tuple[int, int, int] | None = None
    tsc: TscCounter | None = None
    topology: CpuTopology
    physical_bits: int | None = None
    features: Sequence[str] = ()
    pages: Sequence[int] = ()


class HostCellCpu(NamedTuple):
    """A CPU in a NUMA cell; `siblings` in the kernel's list format. Of an offline one only the number is known."""

    id: int
    socket: int | None
    die: int | None
    core: int | None
    siblings: str


class HostCell(NamedTuple):
    """A NUMA cell: memory in KiB, (size in KiB, count) of pages, (cell, distance), CPUs."""

    id: int
    memory: int
    pages: Sequence[tuple[int, int]]
    distances: Sequence[tuple[int, int]]
    cpus: Sequence[HostCellCpu]


class CacheBank(NamedTuple):
    """A shared cache; `size` in KiB, `cpus` in the kernel's list format."""

    id: int
    level: int
    type: str
    size: int
    cpus: str


class SecurityModel(NamedTuple):
    """A way of keeping guests apart; `labels` are (domain type, label)."""

    model: str
    doi: str
    labels: Sequence[tuple[str, str]]


class GuestMachine(NamedTuple):
    """A machine type as it is offered; `canonical` is set where `name` is an alias."""

    name: str
    canonical: str | None
    max_cpus: int
    deprecated: bool


class GuestFeature(NamedTuple):
    """Something a guest can have; `default` and `toggle` are None where there is nothing to say about them."""

    name: str
    default: bool | None = None
    toggle: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Guest:
    """One guest architecture."""

    os_type: str = "hvm"
    arch: str
    word_size: int
    emulator: str | None = None
    loader: str | None = None
    machines: Sequence[GuestMachine] = ()
    domain_types: Sequence[str] = ()
    features: Sequence[GuestFeature] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """The whole document. `power` are "suspend_mem", "suspend_disk", "suspend_hybrid"; `cells` None: not told."""

    uuid: str
    cpu: HostCpu
    power: Sequence[str] = ()
    iommu: bool | None = None
    live_migration: bool = True
    transports: Sequence[str] = ()
    cells: Sequence[HostCell] = ()
    caches: Sequence[CacheBank] = ()
    security: Sequence[SecurityModel] = ()
    guests: Sequence[Guest] = field(default=())

    def format(self) -> str:
        """The document, as libvirt lays it out."""
        out = Outline()
        with out.inside("capabilities"):
            out.blank()
            with out.inside("host"):
                self._host(out)
            out.blank()
            for guest in self.guests:
                _guest(out, guest)
                out.blank()
        return out.text()

    def _host(self, out: Outline) -> None:
        out.element("uuid", self.uuid)
        _cpu(out, self.cpu)
        with out.inside("power_management"):
            for name in self.power:
                out.element(name)
        if self.iommu is not None:
            out.element("iommu", support=_yes(self.iommu))
        with out.inside("migration_features"):
            if self.live_migration:
                out.element("live")
            if self.transports:
                with out.inside("uri_transports"):
                    for transport in self.transports:
                        out.element("uri_transport", transport)
        if self.cells:
            with out.inside("topology"), out.inside("cells", num=len(self.cells)):
                for cell in self.cells:
                    _cell(out, cell)
        if self.caches:
            with out.inside("cache"):
                for bank in self.caches:
                    _bank(out, bank)
        for model in self.security:
            with out.inside("secmodel"):
                out.element("model", model.model)
                out.element("doi", model.doi)
                for domain_type, label in model.labels:
                    out.element("baselabel", label, type=domain_type)


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _on(value: bool | None) -> str | None:
    return None if value is None else "on" if value else "off"


def _cpu(out: Outline, cpu: HostCpu) -> None:
    with out.inside("cpu"):
        out.element("arch", cpu.arch)
        if cpu.model is not None:
            out.element("model", cpu.model)
        if cpu.vendor is not None:
            out.element("vendor", cpu.vendor)
        if cpu.microcode:
            out.element("microcode", version=cpu.microcode)
        if cpu.signature is not None:
            family, model, stepping = cpu.signature
            out.element("signature", family=family, model=model, stepping=stepping)
        if cpu.tsc is not None:
            scaling = None if cpu.tsc.scaling is None else _yes(cpu.tsc.scaling)
            out.element("counter", name="tsc", frequency=cpu.tsc.frequency, scaling=scaling)
        sockets, dies, cores, threads = cpu.topology
        out.element("topology", sockets=sockets, dies=dies, cores=cores, threads=threads)
        if cpu.physical_bits is not None:
            out.element("maxphysaddr", mode="emulate", bits=cpu.physical_bits)
        for name in cpu.features:
            out.element("feature", name=name)
        for size in cpu.pages:
            out.element("pages", unit="KiB", size=size)


def _cell(out: Outline, cell: HostCell) -> None:
    with out.inside("cell", id=cell.id):
        out.element("memory", cell.memory, unit="KiB")
        for size, count in cell.pages:
            out.element("pages", count, unit="KiB", size=size)
        if cell.distances:
            with out.inside("distances"):
                for other, value in cell.distances:
                    out.element("sibling", id=other, value=value)
        with out.inside("cpus", num=len(cell.cpus)):
            for cpu in cell.cpus:
                out.element(
                    "cpu",
                    id=cpu.id,
                    socket_id=cpu.socket,
                    die_id=cpu.die,
                    core_id=cpu.core,
                    siblings=cpu.siblings or None,
                )


def _bank(out: Outline, bank: CacheBank) -> None:
    whole = bank.size >= 1024 and bank.size % 1024 == 0
    out.element(
        "bank",
        id=bank.id,
        level=bank.level,
        type=bank.type,
        size=bank.size // 1024 if whole else bank.size,
        unit="MiB" if whole else "KiB",
        cpus=bank.cpus,
    )


def _guest(out: Outline, guest: Guest) -> None:
    with out.inside("guest"):
        out.element("os_type", guest.os_type)
        with out.inside("arch", name=guest.arch):
            out.element("wordsize", guest.word_size)
            if guest.emulator is not None:
                out.element("emulator", guest.emulator)
            if guest.loader is not None:
                out.element("loader", guest.loader)
            for machine in guest.machines:
                out.element(
                    "machine",
                    machine.name,
                    canonical=machine.canonical,
                    maxCpus=machine.max_cpus or None,
                    deprecated="yes" if machine.deprecated else None,
                )
            for domain_type in guest.domain_types:
                out.element("domain", type=domain_type)
        if guest.features:
            with out.inside("features"):
                for feature in guest.features:
                    toggle = None if feature.toggle is None else _yes(feature.toggle)
                    out.element(feature.name, default=_on(feature.default), toggle=toggle)
