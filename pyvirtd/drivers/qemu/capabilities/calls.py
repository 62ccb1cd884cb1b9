"""What clients ask about the host's and the hypervisor's capabilities, through a QEMU connection."""

from __future__ import annotations

from typing import Final

from pyvirtd.drivers.qemu.capabilities.domaindoc import Selection, domain_capabilities_xml, select
from pyvirtd.drivers.qemu.capabilities.emulators import KNOWN_ARCHES, find_emulator, host_arch
from pyvirtd.drivers.qemu.capabilities.hostdoc import host_capabilities_xml
from pyvirtd.drivers.qemu.capabilities.probe import RunAs
from pyvirtd.drivers.qemu.capabilities.sysinfodoc import format_sysinfo
from pyvirtd.drivers.qemu.cpu.compare import baseline, compare
from pyvirtd.drivers.qemu.cpu.cpu_map import x86
from pyvirtd.drivers.qemu.cpu.host import host_cpu
from pyvirtd.drivers.qemu.cpu.hypervisor import X86, host_model, known_features, offered_models
from pyvirtd.drivers.qemu.noun import Noun
from pyvirtd.errors import ConfigUnsupported, ErrorDomain, InvalidArg, NoSupport, OperationFailed, OperationUnsupported
from pyvirtd.host import memory, numa
from pyvirtd.host.sysinfo import system_info
from pyvirtd.protocol.calls import supports
from pyvirtd.protocol.constants.connect import ConnectBaselineCPUFlags as Baseline
from pyvirtd.protocol.constants.connect import ConnectCompareCPUFlags as Compare
from pyvirtd.protocol.constants.node import NodeAllocPagesFlags
from pyvirtd.protocol.types import TypedParams, UInt, ULLong

_KSM_WIDE: Final = frozenset(memory.KSM_FIGURES)
"""Values that are 64 bits wide on the wire; the settings are 32."""


class CapabilityCalls(Noun):
    """Capabilities, CPU models, firmware tables, memory pools and page sharing of the host."""

    async def kvm_works(self) -> bool:
        """Whether KVM is what guests should get where nobody says: it runs guests of the host's architecture."""
        binary = find_emulator(host_arch())
        return binary is not None and (await self.runtime.kvm.verdict(binary)).works

    async def connect_get_capabilities(self) -> str:
        ownership = self.runtime.ownership
        run_as = RunAs(ownership.uid, ownership.gid)
        return await host_capabilities_xml(self.runtime.capabilities, run_as=run_as, kvm_works=await self.kvm_works())

    async def connect_get_domain_capabilities(
        self, emulatorbin: str | None, arch: str | None, machine: str | None, virttype: str | None, flags: int
    ) -> str:
        kvm_works = True if virttype is not None else await self.kvm_works()
        return await domain_capabilities_xml(
            self.runtime.capabilities, emulatorbin, arch, machine, virttype, kvm_works=kvm_works
        )

    def connect_get_cpu_model_names(self, arch: str, flags: int) -> list[str]:
        if arch not in KNOWN_ARCHES:
            raise InvalidArg(f"{arch!r} is no architecture; x86_64 and aarch64 are, for example")
        if arch in X86:
            return list(x86().models)
        return x86().other_models.get("ppc64" if arch in ("ppc64", "ppc64le") else arch, [])

    # CPUs of hosts and guests

    @supports(Compare.FAIL_INCOMPATIBLE | Compare.VALIDATE_XML)
    def connect_compare_cpu(self, xml: str, flags: int) -> int:
        host = host_cpu()
        if host is None or host.described is None:
            raise NoSupport(f"CPUs cannot be compared on a {host_arch()} host", domain=ErrorDomain.CPU)
        fail = bool(flags & Compare.FAIL_INCOMPATIBLE)
        return compare(x86(), host.features, host.vendor, xml, fail_incompatible=fail)

    @supports(Baseline.EXPAND_FEATURES | Baseline.MIGRATABLE)
    def connect_baseline_cpu(self, xml_cpus: list[str], flags: int) -> str:
        return baseline(
            x86(),
            xml_cpus,
            expand=bool(flags & Baseline.EXPAND_FEATURES),
            migratable=bool(flags & Baseline.MIGRATABLE),
        )

    @supports(Compare.FAIL_INCOMPATIBLE | Compare.VALIDATE_XML)
    async def connect_compare_hypervisor_cpu(
        self,
        emulator: str | None,
        arch: str | None,
        machine: str | None,
        virttype: str | None,
        xml_cpu: str,
        flags: int,
    ) -> int:
        chosen = await self._x86_selection(emulator, arch, machine, virttype)
        described = host_model(chosen.caps, chosen.accelerator)
        if described is None:
            raise OperationUnsupported(f"{chosen.caps.binary} does not tell what CPU it can give to guests")
        model = x86().models[described.model]
        features = (model.features | set(described.require)) - set(described.disable)
        fail = bool(flags & Compare.FAIL_INCOMPATIBLE)
        return compare(x86(), features, described.vendor, xml_cpu, fail_incompatible=fail)

    @supports(Baseline.EXPAND_FEATURES | Baseline.MIGRATABLE)
    async def connect_baseline_hypervisor_cpu(
        self,
        emulator: str | None,
        arch: str | None,
        machine: str | None,
        virttype: str | None,
        xml_cpus: list[str],
        flags: int,
    ) -> str:
        chosen = await self._x86_selection(emulator, arch, machine, virttype)
        migratable = bool(flags & Baseline.MIGRATABLE)
        models = {model.name for model in offered_models(chosen.caps, chosen.accelerator)}
        return baseline(
            x86(),
            xml_cpus,
            usable=models.__contains__,
            known=known_features(chosen.caps, chosen.accelerator, migratable=migratable),
            expand=bool(flags & Baseline.EXPAND_FEATURES),
            migratable=migratable,
            forbid_fallback=True,
        )

    async def _x86_selection(
        self, emulator: str | None, arch: str | None, machine: str | None, virttype: str | None
    ) -> Selection:
        kvm_works = True if virttype is not None else await self.kvm_works()
        chosen = await select(self.runtime.capabilities, emulator, arch, machine, virttype, kvm_works=kvm_works)
        if chosen.arch not in X86:
            raise OperationUnsupported(f"CPUs of {chosen.arch} guests cannot be compared or combined; those of x86 can")
        return chosen

    # The host

    def connect_get_sysinfo(self, flags: int) -> str:
        info = system_info()
        if info is None:
            raise ConfigUnsupported("this host has no SMBIOS tables that could be read in /sys/firmware/dmi")
        return format_sysinfo(info)

    def node_get_memory_parameters(self, flags: int) -> TypedParams:
        found = memory.ksm_parameters()
        return {f"shm_{name}": ULLong(v) if name in _KSM_WIDE else UInt(v) for name, v in found.items()}

    def node_set_memory_parameters(self, params: TypedParams, flags: int) -> None:
        wanted = {}
        for name, value in params.items():
            setting = name.removeprefix("shm_")
            if name == setting or setting not in memory.KSM_TUNABLE:
                settings = ", ".join(f"shm_{known}" for known in memory.KSM_TUNABLE)
                raise InvalidArg(f"{name!r} is no setting of page sharing; there are {settings}")
            if not isinstance(value, UInt):
                raise InvalidArg(f"{name} has to be an unsigned int")
            wanted[setting] = int(value)
        memory.set_ksm_parameters(wanted)

    def node_get_free_pages(self, pages: list[int], start_cell: int, cell_count: int, flags: int) -> list[int]:
        cells = _cells(start_cell, cell_count)
        return [numa.free_pages(cell, size) for cell in cells for size in pages]

    @supports(NodeAllocPagesFlags.SET)
    def node_alloc_pages(
        self, page_sizes: list[int], page_counts: list[int], start_cell: int, cell_count: int, flags: int
    ) -> int:
        add = not flags & NodeAllocPagesFlags.SET
        if len(page_sizes) != len(page_counts):
            raise InvalidArg("there have to be as many page counts as page sizes")
        done = 0
        for cell in _cells(start_cell, cell_count):
            for size, count in zip(page_sizes, page_counts, strict=True):
                numa.allocate_pages(cell, size, count, add=add)
                done += 1
        return done

    async def node_get_sev_info(self, flags: int) -> TypedParams:
        binary = find_emulator(host_arch())
        caps = await self.runtime.capabilities.get(binary) if binary is not None else None
        if caps is None or caps.sev is None:
            raise OperationUnsupported("this host has no SEV: its CPU, kernel or QEMU cannot encrypt guests")
        sev = caps.sev
        params: TypedParams = {
            "pdh": str(sev["pdh"]),
            "cert-chain": str(sev["cert-chain"]),
            "cbitpos": UInt(sev["cbitpos"]),
            "reduced-phys-bits": UInt(sev["reduced-phys-bits"]),
        }
        if "cpu0-id" in sev:
            params["cpu0-id"] = str(sev["cpu0-id"])
        return params


def _cells(start: int, count: int) -> list[int]:
    """Cells from `start` on; -1 is the host as its only cell. OperationFailed for a start beyond the last."""
    ids = numa.cell_ids()
    first = 0 if start == -1 else start
    if first > max(ids) or first < 0:
        raise OperationFailed(f"NUMA cell {start} is beyond the last one of this host, {max(ids)}")
    return [cell for cell in ids if first <= cell < first + count]
