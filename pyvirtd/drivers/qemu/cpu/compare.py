"""Which CPUs a host can give to guests, and which CPU several hosts have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from pyvirtd.drivers.qemu.capabilities.emulators import host_arch
from pyvirtd.drivers.qemu.cpu.cpu_map import CpuMap, Features
from pyvirtd.drivers.qemu.cpu.decode import decode
from pyvirtd.drivers.qemu.cpu.document import CpuDocument, features_with, format_guest_cpu, parse
from pyvirtd.errors import CPUIncompatible, ErrorDomain, InvalidArg, NoSupport, OperationFailed

INCOMPATIBLE: Final = 0
IDENTICAL: Final = 1
SUPERSET: Final = 2

X86: Final = ("x86_64", "i686")
_OPERATING_SYSTEMS: Final = frozenset({"osxsave", "ospke"})
"""What CPUID says of the operating system that runs, not of the CPU."""


def compare(
    cpu_map: CpuMap, host: Features, host_vendor: str | None, xml: str, *, fail_incompatible: bool = False
) -> int:
    """Whether a host (or hypervisor) with these features can give a guest that CPU: VIR_CPU_COMPARE_*.

    With `fail_incompatible`, CPUIncompatible says why instead of INCOMPATIBLE. Errors of `document.parse`, and
    InternalError for unknown names.
    """
    reason = None
    result = SUPERSET
    cpu = parse(xml)
    if cpu.arch is not None and (cpu.arch not in X86 or host_arch() not in X86):
        reason = f"a {cpu.arch} CPU cannot be had on a {host_arch()} host"
    elif cpu.vendor is not None and cpu.vendor != host_vendor:
        reason = f"the CPU's vendor is {cpu.vendor}, the host's is {host_vendor or 'unknown'}"
    else:
        result, reason = _compare(cpu_map, host, cpu)
    if reason is None:
        return result
    if fail_incompatible:
        raise CPUIncompatible(reason, domain=ErrorDomain.CPU)
    return INCOMPATIBLE


def _compare(cpu_map: CpuMap, host: Features, cpu: CpuDocument) -> tuple[int, str | None]:
    force, require, optional, disable, forbid = (
        features_with(cpu_map, cpu, policy) for policy in ("force", "require", "optional", "disable", "forbid")
    )
    host = host | force
    if host & forbid:
        return INCOMPATIBLE, f"the host has what the CPU must not have: {', '.join(cpu_map.sort(host & forbid))}"
    require = require - optional - disable - forbid
    if not require <= host:
        return INCOMPATIBLE, f"the host lacks features of the CPU: {', '.join(cpu_map.sort(require - host))}"
    more = host - require - optional - disable - force
    if more and not cpu.is_host and cpu.match == "strict":
        return INCOMPATIBLE, f"the host has more than the CPU, which is to match strictly: {', '.join(sorted(more))}"
    return (SUPERSET if more else IDENTICAL), None


def baseline(
    cpu_map: CpuMap,
    documents: Sequence[str],
    *,
    usable: Callable[[str], bool] = lambda name: True,
    known: Features | None = None,
    expand: bool = False,
    migratable: bool = False,
    forbid_fallback: bool = False,
) -> str:
    """The best CPU that all these hosts can give, as a guest's <cpu>.

    `usable` and `known` narrow it to a hypervisor's models and features. `expand` lists the model's features, too;
    `migratable` leaves out what would tie a guest to its host. OperationFailed when the hosts have nothing in common.
    """
    if not documents:
        raise InvalidArg("there is no CPU to take the common part of; give one at least", domain=ErrorDomain.CPU)
    cpus = [parse(xml, must_be_host=True) for xml in documents]
    _require_x86(cpus)
    common = frozenset(features_with(cpu_map, cpus[0], None))
    for cpu in cpus[1:]:
        common &= features_with(cpu_map, cpu, None)
    common -= _OPERATING_SYSTEMS
    if known is not None:
        common &= known
    vendor = _common_vendor(cpu_map, cpus)
    if not common:
        raise OperationFailed("these CPUs have no feature in common", domain=ErrorDomain.CPU)
    first = cpus[0].model
    preferred = first if all(cpu.model == first for cpu in cpus) else None
    found = decode(cpu_map, common, vendor, None, usable=usable, preferred=preferred)
    if found is None:
        raise OperationFailed("no CPU model fits what these CPUs have in common", domain=ErrorDomain.CPU)
    listed = [("require", name) for name in found.require if not (migratable and name in cpu_map.not_migratable)]
    listed += [("disable", name) for name in found.disable]
    if expand:
        named = {name for _, name in listed}
        inherited = cpu_map.models[found.model].features - named
        if migratable:
            inherited -= cpu_map.not_migratable
        listed = sorted(listed + [("require", name) for name in inherited], key=lambda item: item[1])
    return format_guest_cpu(
        found.model,
        found.vendor if all(cpu.vendor for cpu in cpus) else None,
        listed,
        fallback=not forbid_fallback and found.model != preferred,
    )


def _require_x86(cpus: Sequence[CpuDocument]) -> None:
    for cpu in cpus:
        if cpu.arch not in X86:
            raise NoSupport(f"CPUs of {cpu.arch} cannot be compared here; those of x86 can", domain=ErrorDomain.CPU)
        if cpu.arch != cpus[0].arch:
            raise OperationFailed(
                f"CPUs of {cpus[0].arch} and of {cpu.arch} have nothing in common", domain=ErrorDomain.CPU
            )


def _common_vendor(cpu_map: CpuMap, cpus: Sequence[CpuDocument]) -> str | None:
    """The vendor that all share. The first CPU's counts as it says; the others' models have vendors, too."""
    vendor = cpus[0].vendor
    if vendor is not None and vendor not in cpu_map.vendors:
        raise OperationFailed(f"no CPU vendor is named {vendor!r}", domain=ErrorDomain.CPU)
    for cpu in cpus[1:]:
        model_vendor = cpu_map.models[cpu.model].vendor if cpu.model in cpu_map.models else None
        if cpu.vendor is not None and model_vendor is not None and cpu.vendor != model_vendor:
            raise OperationFailed(
                f"CPU model {cpu.model} is of {model_vendor}, not of {cpu.vendor}", domain=ErrorDomain.CPU
            )
        own = cpu.vendor or model_vendor
        if own is not None and vendor is not None and own != vendor:
            raise OperationFailed(f"CPUs of {vendor} and of {own} have nothing in common", domain=ErrorDomain.CPU)
        vendor = vendor or own
    return vendor
