"""The guest's CPU where the definition leaves it to us."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyvirtd.conf.domain.cpu import Cpu
from pyvirtd.drivers.qemu.postparse.machine import is_x86, os_of

if TYPE_CHECKING:
    from pyvirtd.conf.domain.domain import DomainDef
    from pyvirtd.drivers.qemu.capabilities import QemuCapabilities

_SUFFIXES = ("-x86_64-cpu", "-i386-cpu", "-arm-cpu", "-riscv-cpu", "-s390x-cpu", "-powerpc64-cpu")


def machine_cpu(definition: DomainDef, caps: QemuCapabilities) -> str | None:
    """The CPU model that the machine type itself would take."""
    machine = caps.machine(os_of(definition).machine or "")
    name = machine.default_cpu if machine is not None else None
    for suffix in _SUFFIXES:
        if name is not None and name.endswith(suffix):
            return name.removesuffix(suffix)
    return name


def settle_cpu(definition: DomainDef, caps: QemuCapabilities) -> None:
    """A model where there is none, and how strictly it is held to: nothing may change it behind the guest's back."""
    set_default_cpu(definition, caps)
    cpu = definition.cpu
    if cpu is None or (cpu.mode in (None, "custom") and cpu.model is None):
        return
    if cpu.mode in ("host-passthrough", "maximum"):
        if cpu.migratable is None and is_x86(definition) and (cpu.mode != "maximum" or definition.type == "kvm"):
            cpu.migratable = can_be_migratable(definition, caps)
        cpu.check = cpu.check or "none"
        cpu.match = cpu.match or "exact" if cpu.model else cpu.match
    elif cpu.mode == "host-model":
        if cpu.model is None:
            cpu.fallback = None
        cpu.check = cpu.check or "partial"
    else:
        cpu.mode = "custom"
        cpu.match = cpu.match or "exact"
        cpu.check = cpu.check or ("none" if definition.type == "qemu" else "partial")
        cpu.fallback = cpu.fallback or "allow"


def can_be_migratable(definition: DomainDef, caps: QemuCapabilities) -> bool:
    """Whether -cpu host knows to hide what can't be migrated."""
    return definition.type == "kvm" and caps.arch == "x86_64"


def set_default_cpu(definition: DomainDef, caps: QemuCapabilities) -> None:
    """The machine type's own CPU, written down so that it stays the same."""
    cpu = definition.cpu
    if cpu is not None and (cpu.model is not None or cpu.mode not in (None, "custom")):
        return
    model = machine_cpu(definition, caps)
    if model is None:
        return
    if cpu is None:
        cpu = definition.cpu = Cpu()
    if model == "host":
        cpu.mode = "host-passthrough"
        return
    cpu.mode = "custom"
    cpu.match = "exact"
    cpu.check = "none"
    cpu.fallback = "forbid"
    cpu.model = model
