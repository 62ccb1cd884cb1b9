"""The CPU that a guest really got, in terms of the one that it was defined with.

What QEMU (or KVM) gave beyond the model is required from here on, and what it left out is disabled: only a CPU that is
spelled out to the last feature can be found again, or refused, by another host.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pyvirtd.conf.domain.cpu import Cpu, CpuFeature
from pyvirtd.drivers.qemu.cpu.cpu_map import CpuMap, Features, Registers, x86
from pyvirtd.drivers.qemu.cpu.hypervisor import X86, expand_host_model, host_model
from pyvirtd.errors import OperationFailed

if TYPE_CHECKING:
    from pyvirtd.conf.domain.domain import DomainDef
    from pyvirtd.drivers.qemu.capabilities import QemuCapabilities
    from pyvirtd.drivers.qemu.capabilities.model import Accelerator

_ON: Final = ("force", "require")
_OFF: Final = ("disable", "forbid")
_REGISTERS: Final = {"EAX": 0, "EBX": 1, "ECX": 2, "EDX": 3}


def settle_live_cpu(live: DomainDef, caps: QemuCapabilities, words: Any, missing: Any) -> None:
    """Put the real CPU into the live definition; what it had stays in `original_cpu`.

    `words`, `missing`: QEMU's "feature-words" and "unavailable-features" of the first vCPU. Raises OperationFailed for
    answers that are none, and when check='full' was asked for and the CPU is another one than the definition says.
    """
    cpu = live.cpu
    if cpu is None or caps.arch not in X86 or (cpu.mode in (None, "custom") and cpu.model is None):
        return
    cpu_map = x86()
    enabled = cpu_map.features_of(registers(words))
    lacking = frozenset(cpu_map.from_qemu(name) for name in missing if isinstance(name, str))
    real = spelled_out(cpu, caps, "kvm" if live.type == "kvm" else "tcg")
    update(real, cpu_map, enabled, lacking)
    if live.original_cpu is None:
        live.original_cpu = cpu
    real.check = "full"
    live.cpu = real


def registers(words: Any) -> Registers:
    """CPUID results from QEMU's feature words. Raises OperationFailed."""
    found: dict[tuple[int | str, int], list[int]] = {}
    try:
        for word in words:
            leaf, subleaf = int(word["cpuid-input-eax"]), int(word.get("cpuid-input-ecx", 0))
            found.setdefault((leaf, subleaf), [0, 0, 0, 0])[_REGISTERS[word["cpuid-register"]]] = int(word["features"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise OperationFailed(f"QEMU's description of the guest's CPU is none: {error!r:.100}") from None
    return {key: (values[0], values[1], values[2], values[3]) for key, values in found.items()}


def spelled_out(cpu: Cpu, caps: QemuCapabilities, accelerator: Accelerator) -> Cpu:
    """A copy with a model of its own where it had the host's."""
    copy = cpu.copy()
    if cpu.mode != "host-model":
        return copy
    own = [(feature.name, feature.policy or "require") for feature in cpu.features]
    expanded, described = expand_host_model(caps, accelerator, own), host_model(caps, accelerator, migratable=True)
    if expanded is None or described is None:
        return copy
    copy.mode, copy.match, copy.fallback, copy.check = "custom", "exact", "forbid", "partial"
    copy.model, features = expanded
    copy.vendor = cpu.vendor or described.vendor
    copy.features = [feature(name, policy) for name, policy in features.items()]
    return copy


def update(cpu: Cpu, cpu_map: CpuMap, enabled: Features, lacking: Features) -> None:
    """Name what differs from the CPU's model and its own features. Raises OperationFailed under check='full'."""
    policies = {f.name: f.policy for f in cpu.features}
    whole = cpu.mode in ("host-passthrough", "maximum")
    model = cpu_map.models.get(cpu.model or "")
    has = set(model.features if model is not None else ())
    has |= {name for name, policy in policies.items() if policy in _ON}
    has -= {name for name, policy in policies.items() if policy in _OFF}
    added, removed = [], []
    for name in cpu_map.order:
        if name in lacking or (name in has and name not in enabled and not cpu_map.in_msr(name)):
            if name in has or policies.get(name) not in _OFF:
                removed.append(name)
        elif name in enabled and name not in has and (not whole or policies.get(name) in _OFF):
            added.append(name)
    if cpu.check == "full" and (added or removed):
        raise OperationFailed(
            "the guest's CPU is not the one that is defined: "
            f"it has also {', '.join(added) or 'nothing'}, and lacks {', '.join(removed) or 'nothing'}"
        )
    for names, policy in ((added, "require"), (removed, "disable")):
        for name in names:
            listed = next((f for f in cpu.features if f.name == name), None)
            if listed is None:
                cpu.features.append(feature(name, policy))
            else:
                listed.policy = "require" if policy == "require" else "disable"


def feature(name: str, policy: str) -> CpuFeature:
    """A feature of a guest's CPU."""
    made = CpuFeature(name=name)
    made.policy = policy  # type: ignore[assignment]
    return made
