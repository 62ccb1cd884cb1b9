"""The <domainCapabilities> of a binary: what its guests can be made of."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Final

from pyvirtd.conf.domaincaps import (
    CpuModes,
    DomainCapabilities,
    HostModelCpu,
    Section,
    Sev,
    Sgx,
    SgxSection,
    UsableCpu,
)
from pyvirtd.drivers.qemu.capabilities.cache import QemuCapabilitiesCache
from pyvirtd.drivers.qemu.capabilities.devicesdoc import device_sections, feature_sections, hyperv_section
from pyvirtd.drivers.qemu.capabilities.emulators import COMPATIBLE, KNOWN_ARCHES, find_emulator, host_arch
from pyvirtd.drivers.qemu.capabilities.model import Accelerator, Machine, QemuCapabilities
from pyvirtd.drivers.qemu.cpu.hypervisor import X86, host_model, offered_models
from pyvirtd.errors import ConfigUnsupported, HostSystemError, InvalidArg
from pyvirtd.host import firmware
from pyvirtd.host.cpuid import kvm_max_vcpus
from pyvirtd.host.swtpm import tpm_versions

VIRT_TYPES: Final = (
    "none", "qemu", "kqemu", "kvm", "xen", "lxc", "uml", "openvz", "test", "vmware", "hyperv", "vbox", "phyp",
    "parallels", "bhyve", "vz", "hvf",
)  # fmt: skip
"""Every domain type that libvirt has a name for."""

DEFAULT_LOADERS: Final = (
    "/usr/share/OVMF/OVMF_CODE.fd",
    "/usr/share/OVMF/OVMF_CODE.secboot.fd",
    "/usr/share/AAVMF/AAVMF_CODE.fd",
    "/usr/share/AAVMF/AAVMF32_CODE.fd",
)
"""Firmware that is offered where no descriptor is for the machine, if it is there."""


class Selection:
    """Which binary, architecture, machine and type a question is about."""

    def __init__(self, caps: QemuCapabilities, arch: str, machine: Machine, virt_type: str) -> None:
        self.caps, self.arch, self.machine, self.virt_type = caps, arch, machine, virt_type

    @property
    def accelerator(self) -> Accelerator:
        return "kvm" if self.virt_type == "kvm" else "tcg"


async def select(
    cache: QemuCapabilitiesCache,
    emulator: str | None,
    arch: str | None,
    machine: str | None,
    virt_type: str | None,
    *,
    kvm_works: bool = True,
) -> Selection:
    """Fill in what isn't given: the host's architecture, the installed binary, the default machine,
    and KVM where it can be had and `kvm_works`, else QEMU's own emulation.

    InvalidArg for a name that is none or that the binary doesn't have; ConfigUnsupported when nothing is installed
    for the architecture; HostSystemError when there is no such binary.
    """
    if virt_type is not None and virt_type not in VIRT_TYPES:
        raise InvalidArg(f"{virt_type!r} is no type of domain; here there are qemu and, with KVM, kvm")
    if arch is not None and arch not in KNOWN_ARCHES:
        raise InvalidArg(f"{arch!r} is no architecture; x86_64 and aarch64 are, for example")
    if emulator is None:
        wanted = arch or host_arch()
        emulator = find_emulator(wanted)
        if emulator is None:
            raise ConfigUnsupported(f"no emulator for {wanted} guests is installed: there is no qemu-system-{wanted}")
    elif not os.access(emulator, os.X_OK):
        reason = "not executable" if os.path.exists(emulator) else "no such file"
        raise HostSystemError(f"cannot use {emulator} as emulator: {reason}")
    caps = await cache.get(emulator)
    arch = arch or host_arch()
    if arch != caps.arch and (caps.arch, arch) not in COMPATIBLE:
        raise InvalidArg(f"{emulator} runs {caps.arch} guests, not {arch} ones")
    return choose(caps, arch, machine, virt_type, kvm_works=kvm_works)


def choose(
    caps: QemuCapabilities, arch: str, machine: str | None, virt_type: str | None, *, kvm_works: bool = True
) -> Selection:
    """The part of `select` that is about machine and type."""
    kvm = caps.kvm and (arch == host_arch() or (host_arch(), arch) in COMPATIBLE)
    found = caps.default_machine() if machine is None else caps.machine(machine)
    if found is None or found.name == "none":
        raise InvalidArg(f"{caps.binary} has no machine {machine!r}")
    if virt_type is None:
        virt_type = "kvm" if kvm and kvm_works else "qemu"
    if virt_type not in ("qemu", "kvm") or (virt_type == "kvm" and not kvm):
        has = "qemu and kvm" if kvm else "qemu"
        raise InvalidArg(f"{caps.binary} cannot run {arch} guests of type {virt_type} on this host; it can {has}")
    return Selection(caps, arch, found, virt_type)


async def domain_capabilities_xml(
    cache: QemuCapabilitiesCache,
    emulator: str | None,
    arch: str | None,
    machine: str | None,
    virt_type: str | None,
    *,
    kvm_works: bool = True,
    firmware_directories: Sequence[str] = firmware.DIRECTORIES,
) -> str:
    """virConnectGetDomainCapabilities: the document for what `select` makes of the arguments."""
    selection = await select(cache, emulator, arch, machine, virt_type, kvm_works=kvm_works)
    return describe(selection, firmware.installed(firmware_directories), await tpm_versions()).format()


def describe(
    selection: Selection, firmwares: Sequence[firmware.Firmware], tpm: tuple[str, ...] | None
) -> DomainCapabilities:
    """The document as a model, from what is installed here: firmware, and the versions of the TPM emulator."""
    caps, machine = selection.caps, selection.machine
    limit = machine.max_cpus
    if selection.virt_type == "kvm":
        limit = min(limit, kvm_max_vcpus() or limit)
    fitting = [f for f in firmwares if f.fits(selection.arch, machine.name)]
    names = {"bios": "bios", "uefi": "efi"}
    return DomainCapabilities(
        path=caps.binary,
        domain=selection.virt_type,
        machine=machine.name,
        arch=selection.arch,
        max_vcpus=limit,
        iothreads=caps.has_object("iothread"),
        firmware=[v for k, v in names.items() if any(k in f.interfaces for f in fitting)],
        loader=_loader(fitting),
        cpu=_cpu(selection),
        memory_backing=_memory_backing(caps),
        devices=device_sections(caps, selection.arch, machine.name, tpm),
        features=feature_sections(caps, selection.arch),
        sev=_sev(caps) if selection.arch in X86 else None,
        sgx=_sgx(caps) if selection.arch in X86 else None,
        hyperv=hyperv_section(caps, selection.arch),
    )


def _loader(fitting: Sequence[firmware.Firmware]) -> Section:
    paths = list(dict.fromkeys(f.executable for f in fitting if "uefi" in f.interfaces and f.device == "flash"))
    if not paths:
        paths = [path for path in DEFAULT_LOADERS if os.path.exists(path)]
    secure = (["yes"] if any(f.secure for f in fitting) else []) + ["no"]
    return Section(
        "loader",
        True,
        [("type", ["rom", "pflash"]), ("readonly", ["yes", "no"]), ("secure", secure)],
        [path for path in paths if os.path.exists(path)],
    )


def _cpu(selection: Selection) -> CpuModes:
    caps, kvm = selection.caps, selection.virt_type == "kvm"
    described = host_model(caps, selection.accelerator)
    passthrough = None
    if kvm:
        passthrough = (["on"] if caps.has_property("max-x86_64-cpu", "migratable") else []) + ["off"]
    models = offered_models(caps, selection.accelerator)
    return CpuModes(
        host_passthrough=passthrough,
        maximum=["on", "off"] if any(c.name == "max" for c in caps.cpus(selection.accelerator)) else None,
        host_model=HostModelCpu(
            described.model,
            described.vendor,
            [("require", name) for name in described.require] + [("disable", name) for name in described.disable],
        )
        if described
        else None,
        custom=[UsableCpu(m.name, m.usable, m.vendor, m.deprecated) for m in models] or None,
    )


def _memory_backing(caps: QemuCapabilities) -> Section:
    kinds = [("file", "memory-backend-file"), ("anonymous", ""), ("memfd", "memory-backend-memfd")]
    return Section(
        "memoryBacking",
        True,
        [("sourceType", [name for name, needs in kinds if not needs or caps.has_object(needs)])],
    )


def _sev(caps: QemuCapabilities) -> Sev | None:
    if caps.sev is None:
        return None
    return Sev(int(caps.sev["cbitpos"]), int(caps.sev["reduced-phys-bits"]), 0, 0)


def _sgx(caps: QemuCapabilities) -> Sgx | None:
    sgx = caps.sgx
    if sgx is None:
        return None
    parts = [SgxSection(int(s["node"]), int(s["size"]) // 1024) for s in sgx.get("sections", ())]
    size = int(sgx.get("section-size", 0)) // 1024 or sum(part.size for part in parts)
    return Sgx(bool(sgx["flc"]), bool(sgx["sgx1"]), bool(sgx["sgx2"]), size, parts)
