"""The <capabilities> of this host: what `host` tells, and what the installed binaries can do."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Final

from pyvirtd.conf.capabilities import (
    CacheBank,
    Capabilities,
    CpuTopology,
    Guest,
    GuestFeature,
    GuestMachine,
    HostCell,
    HostCellCpu,
    HostCpu,
    SecurityModel,
    TscCounter,
)
from pyvirtd.drivers.qemu.capabilities.cache import QemuCapabilitiesCache
from pyvirtd.drivers.qemu.capabilities.emulators import host_arch, installed, word_size
from pyvirtd.drivers.qemu.capabilities.model import QemuCapabilities
from pyvirtd.drivers.qemu.capabilities.probe import RunAs
from pyvirtd.drivers.qemu.cpu.host import host_cpu
from pyvirtd.errors import VirtError
from pyvirtd.host import cpuid, cpus, nodeinfo, numa, power
from pyvirtd.host.procfile import format_cpulist

log = logging.getLogger(__name__)

TRANSPORTS: Final = ("tcp", "rdma")


async def host_capabilities_xml(
    cache: QemuCapabilitiesCache, *, run_as: RunAs | None = None, uuid: str | None = None, kvm_works: bool = True
) -> str:
    """virConnectGetCapabilities. `run_as` is whom guests run as; `uuid` the host's configured one. Unless `kvm_works`,
    guests of type kvm are not offered."""
    return (await host_capabilities(cache, run_as=run_as, uuid=uuid, kvm_works=kvm_works)).format()


async def host_capabilities(
    cache: QemuCapabilitiesCache, *, run_as: RunAs | None = None, uuid: str | None = None, kvm_works: bool = True
) -> Capabilities:
    """The document as a model. Binaries that aren't known yet are asked; one that doesn't answer is left out."""
    binaries = installed()
    known = await _all(cache, set(binaries.values()))
    return Capabilities(
        uuid=uuid or str(nodeinfo.host_uuid()),
        cpu=_cpu(),
        power=power.suspend_targets(),
        iommu=power.has_iommu(),
        transports=TRANSPORTS,
        cells=[_cell(cell) for cell in numa.cells()],
        caches=[CacheBank(b.id, b.level, b.type, b.size, format_cpulist(b.cpus)) for b in cpus.cache_banks()],
        security=_security(run_as),
        guests=[_guest(arch, binary, known[binary], kvm_works) for arch, binary in binaries.items() if binary in known],
    )


async def _all(cache: QemuCapabilitiesCache, binaries: set[str]) -> Mapping[str, QemuCapabilities]:
    async def one(binary: str) -> QemuCapabilities | None:
        try:
            return await cache.get(binary)
        except VirtError as e:
            log.warning("guests of %s are not offered: %s", binary, e)
            return None

    ordered = sorted(binaries)
    found = await asyncio.gather(*map(one, ordered))
    return {binary: caps for binary, caps in zip(ordered, found, strict=True) if caps is not None}


def _cpu() -> HostCpu:
    info = nodeinfo.node_info()
    host = host_cpu()
    dies = max(len({c.die for c in cpus.topology() if c.socket == s}) for s in {c.socket for c in cpus.topology()})
    topology = CpuTopology(info.sockets, dies, max(info.cores // dies, 1), info.threads)
    pages = numa.page_sizes()
    if host is None:
        return HostCpu(arch=host_arch(), topology=topology, pages=pages)
    counter = cpuid.tsc()
    described = host.described
    return HostCpu(
        arch=host_arch(),
        model=described.model if described else None,
        vendor=host.vendor,
        microcode=cpuid.microcode_version(),
        signature=host.signature,
        tsc=TscCounter(*counter) if counter else None,
        topology=topology,
        physical_bits=cpuid.physical_address_bits(),
        features=described.require if described else (),
        pages=pages,
    )


def _cell(cell: numa.Cell) -> HostCell:
    by_id = {cpu.id: cpu for cpu in cpus.topology()}
    members = []
    for number in cell.cpus:
        cpu = by_id.get(number)
        if cpu is None or not cpu.online:
            members.append(HostCellCpu(number, None, None, None, ""))
        else:
            members.append(HostCellCpu(number, cpu.socket, cpu.die, cpu.core, format_cpulist(cpu.siblings)))
    return HostCell(cell.id, cell.memory, [(pool.size, pool.total) for pool in cell.pages], cell.distances, members)


def _security(run_as: RunAs | None) -> list[SecurityModel]:
    models = [SecurityModel("none", "0", ())]
    if run_as is not None:
        label = f"+{run_as.uid}:+{run_as.gid}"
        models.append(SecurityModel("dac", "0", [("kvm", label), ("qemu", label)]))
    return models


def _guest(arch: str, binary: str, caps: QemuCapabilities, kvm_works: bool) -> Guest:
    kvm = caps.kvm and kvm_works and (arch == host_arch() or (host_arch(), arch) == ("x86_64", "i686"))
    return Guest(
        arch=arch,
        word_size=word_size(arch),
        emulator=binary,
        machines=_machines(caps),
        domain_types=["qemu", "kvm"] if kvm else ["qemu"],
        features=_features(arch),
    )


def _machines(caps: QemuCapabilities) -> list[GuestMachine]:
    """The default first, then QEMU's order; an alias follows what it stands for."""
    machines = [m for m in caps.machines() if m.name != "none"]
    machines.sort(key=lambda m: not m.default)
    found = []
    for m in machines:
        found.append(GuestMachine(m.name, None, m.max_cpus, m.deprecated))
        if m.alias is not None:
            found.append(GuestMachine(m.alias, m.name, m.max_cpus, m.deprecated))
    return found


def _features(arch: str) -> list[GuestFeature]:
    features = []
    if arch == "i686":
        features += [GuestFeature("pae"), GuestFeature("nonpae")]
    if arch in ("i686", "x86_64", "aarch64"):
        features.append(GuestFeature("acpi", True, True))
    if arch in ("i686", "x86_64"):
        features.append(GuestFeature("apic", True, False))
    features += [GuestFeature("cpuselection"), GuestFeature("deviceboot"), GuestFeature("disksnapshot", True, False)]
    return features
