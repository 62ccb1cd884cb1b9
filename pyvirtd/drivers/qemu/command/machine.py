"""Name, machine, accelerator, sandbox: what the guest's board is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyvirtd.drivers.qemu.command.words import escape, json_word, on_off
from pyvirtd.drivers.qemu.postparse.machine import is_arm_virt, is_q35, is_riscv_virt, is_x86
from pyvirtd.errors import ConfigUnsupported

if TYPE_CHECKING:
    from pyvirtd.drivers.qemu.command.builder import Builder

QEMU_8 = 8_000_000


def add_name(b: Builder) -> None:
    b.add("-name", f"guest={escape(b.definition.name)},debug-threads=on")
    namespace = b.definition.qemu
    if namespace is not None and namespace.deprecation not in (None, "none", "omit-x"):
        modes = {
            "omit": {"deprecated-output": "hide"},
            "reject": {"deprecated-output": "hide", "deprecated-input": "reject"},
            "crash": {"deprecated-output": "hide", "deprecated-input": "crash"},
        }
        mode = modes.get(namespace.deprecation or "")
        if mode is not None:
            b.add("-compat", json_word(mode))
    b.add("-S")
    if b.context.master_key:
        path = f"{b.context.run_dir}/master-key.aes"
        b.object({"qom-type": "secret", "id": "masterKey0", "format": "raw", "file": path})
        b.prepare("master-key", "masterKey0", path)


def machine_ram_id(b: Builder) -> str | None:
    """The name of the board's main memory, when it is a memory backend of its own (no NUMA cells)."""
    if b.definition.cpu is not None and b.definition.cpu.cells:
        return None
    machine = b.caps.machine(b.os.machine or "")
    return machine.default_ram_id if machine is not None else None


def add_machine(b: Builder) -> None:
    """-machine with all its options, in libvirt's order."""
    features = b.definition.features
    words = [b.os.machine or "", "usb=off"]
    if features is not None:
        if features.vmport is not None:
            words.append(f"vmport={on_off(features.vmport)}")
        if features.smm is not None:
            words.append(f"smm={on_off(features.smm)}")
        if features.ioapic is not None:
            words.append("kernel_irqchip=" + ("split" if features.ioapic == "qemu" else "on"))
    dump = b.definition.dump_core
    words.append(f"dump-guest-core={on_off(b.context.dump_guest_core if dump is None else dump)}")
    backing = b.definition.memory_backing
    if backing is not None and backing.nosharepages:
        words.append("mem-merge=off")
    if any(m.model == "nvdimm" for m in b.devices.memories):
        words.append("nvdimm=on")
    if features is not None and features.gic_version is not None and is_arm_virt(b.definition):
        words.append(f"gic-version={features.gic_version}")
    if b.definition.launch_security is not None:
        words.append("confidential-guest-support=lsec0")
    if (ram := machine_ram_id(b)) is not None:
        words.append(f"memory-backend={ram}")
    for index, node in enumerate(b.flash_nodes):
        if node is not None:
            words.append(f"pflash{index}={node}")
    if b.definition.cpu is not None and has_hmat(b):
        words.append("hmat=on")
    if b.os.bios_useserial:
        words.append("graphics=off")
    words += modern_words(b)
    b.add("-machine", ",".join(words))


def has_hmat(b: Builder) -> bool:
    """Whether the definition describes latencies, bandwidths or memory-side caches."""
    cpu = b.definition.cpu
    return cpu is not None and bool(cpu.interconnects or any(cell.caches for cell in cpu.cells))


def modern_words(b: Builder) -> list[str]:
    """ACPI and HPET are machine options since QEMU 8; before that they are options of their own."""
    if b.caps.version < QEMU_8:
        return []
    words = []
    if lacks_acpi(b):
        words.append("acpi=off")
    if hpet(b) is not None:
        words.append(f"hpet={on_off(bool(hpet(b)))}")
    return words


def lacks_acpi(b: Builder) -> bool:
    """Boards that have ACPI unless told otherwise, and a definition that doesn't ask for it."""
    features = b.definition.features
    board = is_x86(b.definition)
    board = board or is_arm_virt(b.definition) or is_riscv_virt(b.definition)
    return board and not (features is not None and features.acpi)


def hpet(b: Builder) -> bool | None:
    """Whether the definition says that there is an HPET, or none; None when it says nothing."""
    for timer in b.definition.clock.timers if b.definition.clock is not None else []:
        if timer.name == "hpet":
            return timer.present
    return None


def add_accelerator(b: Builder) -> None:
    features = b.definition.features
    match b.definition.type:
        case "kvm":
            word = "kvm"
            kvm = features.kvm if features is not None else None
            if kvm is not None and kvm.dirty_ring:
                word += f",dirty-ring-size={kvm.dirty_ring_size or 0}"
        case "qemu":
            word = "tcg"
            if features is not None and features.tcg_tb_cache:
                word += f",tb-size={features.tcg_tb_cache // 1024}"
        case "hvf":
            word = "hvf"
        case other:
            raise ConfigUnsupported(f"domain: QEMU has no accelerator for type '{other}'; kvm, qemu or hvf")
    b.add("-accel", word)
    if features is not None and features.smm and features.smm_tseg:
        if not is_q35(b.definition):
            raise ConfigUnsupported("features: a TSEG size exists on q35 machines only")
        b.add("-global", f"mch.extended-tseg-mbytes={features.smm_tseg}")


def add_sandbox(b: Builder) -> None:
    if b.context.seccomp and b.caps.has_option("sandbox"):
        b.add("-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny")
