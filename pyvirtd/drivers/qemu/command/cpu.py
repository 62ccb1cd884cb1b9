"""-cpu: the model, its features, and what hides behind other elements (clock, Hyper-V, KVM)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyvirtd.drivers.qemu.command.words import escape, on_off
from pyvirtd.drivers.qemu.cpu.cpu_map import x86
from pyvirtd.drivers.qemu.cpu.hypervisor import expand_host_model
from pyvirtd.drivers.qemu.postparse.cpu import can_be_migratable
from pyvirtd.errors import ConfigUnsupported

if TYPE_CHECKING:
    from pyvirtd.conf.domain.cpu import Cpu, CpuFeature
    from pyvirtd.drivers.qemu.capabilities.model import Accelerator
    from pyvirtd.drivers.qemu.command.builder import Builder

VALUES = {"force": "on", "require": "on", "disable": "off", "forbid": "off"}
HYPERV = (
    ("relaxed", "hv-relaxed"), ("vapic", "hv-vapic"), ("spinlocks", "hv-spinlocks"), ("vpindex", "hv-vpindex"),
    ("runtime", "hv-runtime"), ("synic", "hv-synic"), ("stimer", "hv-stimer"), ("reset", "hv-reset"),
    ("vendor_id", "hv-vendor-id"), ("frequencies", "hv-frequencies"),
    ("reenlightenment", "hv-reenlightenment"), ("tlbflush", "hv-tlbflush"), ("ipi", "hv-ipi"),
    ("evmcs", "hv-evmcs"), ("avic", "hv-avic"), ("emsr_bitmap", "hv-emsr-bitmap"), ("xmm_input", "hv-xmm-input"),
)  # fmt: skip


def feature_name(name: str) -> str:
    """QEMU's name of a feature."""
    return x86().to_qemu(name).replace("_", "-")


def add_cpu(b: Builder) -> None:
    words = model_words(b)
    words += clock_words(b)
    words += feature_words(b)
    if words and words[0]:
        b.add("-cpu", ",".join(words))


def model_words(b: Builder) -> list[str]:
    """The model and the features that <cpu> names."""
    cpu = b.definition.cpu
    if cpu is None:
        return [default_model(b)]
    words: list[str]
    match cpu.mode:
        case "host-passthrough":
            if b.definition.type != "kvm":
                raise ConfigUnsupported("cpu: mode host-passthrough needs KVM; mode maximum works without")
            words = ["host"]
            if cpu.migratable is not None and can_be_migratable(b.definition, b.caps):
                words.append(f"migratable={on_off(cpu.migratable)}")
        case "maximum":
            words = ["max"]
            if cpu.migratable is not None and can_be_migratable(b.definition, b.caps):
                words.append(f"migratable={on_off(cpu.migratable)}")
        case "host-model":
            return host_model_words(b, cpu)
        case _ if cpu.match == "minimum" and b.definition.type == "kvm":
            return host_model_words(b, cpu)  # at least this model: as much as the host can give
        case _:
            words = [cpu.model or default_model(b)]
            if cpu.vendor_id:
                words.append(f"vendor={cpu.vendor_id}")
    for feature in cpu.features:
        value = feature_value(feature)
        if value is not None:
            words.append(f"{feature_name(feature.name)}={value}")
    return words


def feature_value(feature: CpuFeature) -> str | None:
    """Whether a feature is switched on or off; None leaves it to the model."""
    return VALUES.get(feature.policy or "require")


def host_model_words(b: Builder, cpu: Cpu) -> list[str]:
    """What QEMU can give of the host's CPU: a model, what the host has on top or lacks, and the guest's own wishes."""
    accelerator: Accelerator = "kvm" if b.definition.type == "kvm" else "tcg"
    own = [(feature.name, feature.policy or "require") for feature in cpu.features]
    expanded = expand_host_model(b.caps, accelerator, own)
    if expanded is None:
        raise ConfigUnsupported("cpu: host-model is asked for, but QEMU doesn't tell what the host's CPU is")
    model, features = expanded
    words = [model]
    if cpu.vendor_id:
        words.append(f"vendor={cpu.vendor_id}")
    for name, policy in features.items():
        value = VALUES.get(policy)
        if value is not None:
            words.append(f"{feature_name(name)}={value}")
    return words


def default_model(b: Builder) -> str:
    """The model of a guest without one: the machine's."""
    machine = b.caps.machine(b.os.machine or "")
    return ((machine.default_cpu if machine is not None else None) or "").split("-x86_64-cpu")[0].split("-i386-cpu")[0]


def clock_words(b: Builder) -> list[str]:
    words = []
    for timer in b.definition.clock.timers if b.definition.clock is not None else []:
        if timer.name == "kvmclock" and timer.present is not None:
            words.append(f"kvmclock={on_off(timer.present)}")
        elif timer.name == "hypervclock" and timer.present:
            words.append("hv-time=on")
        elif timer.name == "tsc" and timer.frequency:
            words.append(f"tsc-frequency={timer.frequency}")
    return words


def feature_words(b: Builder) -> list[str]:
    """Features that sit in <features> but are CPU properties to QEMU."""
    words: list[str] = []
    features = b.definition.features
    cpu = b.definition.cpu
    if features is not None:
        if features.apic_eoi is not None:
            words.append(f"kvm-pv-eoi={on_off(features.apic_eoi)}")
        if features.pvspinlock is not None:
            words.append(f"kvm-pv-unhalt={on_off(features.pvspinlock)}")
        words += hyperv_words(b)
        words += kvm_words(b)
        if features.pmu is not None:
            words.append(f"pmu={on_off(features.pmu)}")
    if cpu is not None:
        words += cache_words(cpu)
        if cpu.maxphysaddr_mode == "passthrough":
            words.append("host-phys-bits=on")
            if cpu.maxphysaddr_limit:
                words.append(f"host-phys-bits-limit={cpu.maxphysaddr_limit}")
        elif cpu.maxphysaddr_mode == "emulate":
            words.append(f"phys-bits={cpu.maxphysaddr_bits or 0}")
    return words


def hyperv_words(b: Builder) -> list[str]:
    features = b.definition.features
    hyperv = features.hyperv if features is not None else None
    if hyperv is None:
        return []
    if hyperv.mode == "passthrough":
        return ["hv-passthrough=on"]
    words = []
    for name, option in HYPERV:
        if not getattr(hyperv, name):
            continue
        if name == "spinlocks":
            words.append(f"{option}={hyperv.spinlocks_retries or 0:#x}")
        elif name == "vendor_id":
            words.append(f"{option}={escape(hyperv.vendor_id_value or '')}")
        else:
            words.append(f"{option}=on")
        if name == "stimer" and hyperv.stimer_direct:
            words.append("hv-stimer-direct=on")
    return words


def kvm_words(b: Builder) -> list[str]:
    features = b.definition.features
    kvm = features.kvm if features is not None else None
    if kvm is None:
        return []
    words = []
    if kvm.hidden:
        words.append("kvm=off")
    if kvm.hint_dedicated:
        words.append("kvm-hint-dedicated=on")
    if kvm.poll_control:
        words.append("kvm-poll-control=on")
    if kvm.pv_ipi is False:
        words.append("kvm-pv-ipi=off")
    return words


def cache_words(cpu: Cpu) -> list[str]:
    """What the guest sees of caches: the host's, emulated ones, or none."""
    host = cpu.mode in ("host-passthrough", "maximum")
    match cpu.cache_mode:
        case "emulate":
            return ["l3-cache=on", *(["host-cache-info=off"] if host else [])]
        case "passthrough":
            return ["host-cache-info=on", "l3-cache=off"]
        case "disable":
            return [*(["host-cache-info=off"] if host else []), "l3-cache=off"]
    return []
