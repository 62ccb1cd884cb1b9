"""Whether this host can run the CPU that a definition asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyvirtd.drivers.qemu.cpu.cpu_map import x86
from pyvirtd.drivers.qemu.cpu.host import host_cpu
from pyvirtd.drivers.qemu.cpu.hypervisor import guest_cpu
from pyvirtd.drivers.qemu.postparse.machine import is_x86
from pyvirtd.errors import CPUIncompatible

if TYPE_CHECKING:
    from pyvirtd.conf.domain.domain import DomainDef
    from pyvirtd.drivers.qemu.capabilities import QemuCapabilities


def check_host_cpu(definition: DomainDef, caps: QemuCapabilities) -> None:
    """Raises CPUIncompatible with the features that are missing. Only for KVM, and where the definition asks for
    the comparison before the start (check partial; full is compared with what QEMU made of it)."""
    cpu = definition.cpu
    if cpu is None or definition.type != "kvm" or not is_x86(definition) or cpu.check != "partial":
        return
    offered = guest_cpu(caps, "kvm")
    if offered is None or cpu.mode not in (None, "custom"):
        return
    model = x86().models.get(cpu.model or "")
    wanted = set(model.features) if model is not None else set()
    forbidden = set()
    for feature in cpu.features:
        if feature.policy in ("require", None):
            wanted.add(feature.name)
        else:
            wanted.discard(feature.name)
        if feature.policy == "forbid":
            forbidden.add(feature.name)
    real = host_cpu()
    features = offered.features | (real.features if real is not None else frozenset())
    missing = wanted - features
    if missing:
        raise CPUIncompatible(f"cpu: this host lacks features that the guest needs: {', '.join(sorted(missing))}")
    present = forbidden & features
    if present:
        raise CPUIncompatible(f"cpu: this host has features that the guest must not have: {', '.join(sorted(present))}")
