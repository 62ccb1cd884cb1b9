"""The machine: its canonical name and what kind of board it is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pyvirtd.conf.domain.devices import Devices
from pyvirtd.conf.domain.os import Os
from pyvirtd.errors import ConfigUnsupported

if TYPE_CHECKING:
    from pyvirtd.conf.domain.domain import DomainDef
    from pyvirtd.drivers.qemu.capabilities import QemuCapabilities

X86 = ("x86_64", "i686")
ARM = ("aarch64", "armv7l", "armv6l", "armv7b")
PPC64 = ("ppc64", "ppc64le")
S390 = ("s390", "s390x")
RISCV = ("riscv64", "riscv32")


def devices_of(definition: DomainDef) -> Devices:
    """The devices, an empty element where the document has none."""
    if definition.devices is None:
        definition.devices = Devices()
    return definition.devices


def os_of(definition: DomainDef) -> Os:
    """The <os> element, an empty one where the document has none."""
    if definition.os is None:
        definition.os = Os()
    return definition.os


def machine_of(definition: DomainDef) -> str:
    """The machine type as the definition names it, "" before it has one."""
    return os_of(definition).machine or ""


def arch_of(definition: DomainDef) -> str:
    return os_of(definition).arch or "x86_64"


def is_q35(definition: DomainDef) -> bool:
    """An Intel Q35 board: pcie-root, ICH9."""
    name = machine_of(definition)
    return arch_of(definition) in X86 and (name == "q35" or name.startswith("pc-q35"))


def is_i440fx(definition: DomainDef) -> bool:
    """An Intel 440FX board: pci-root, PIIX3. Names of distributions' own types count."""
    name = machine_of(definition)
    if arch_of(definition) not in X86:
        return False
    return name == "pc" or bool(re.match(r"pc-(\d|i440)", name)) or name.startswith("rhel")


def is_isapc(definition: DomainDef) -> bool:
    return arch_of(definition) in X86 and machine_of(definition) == "isapc"


def is_microvm(definition: DomainDef) -> bool:
    return arch_of(definition) in X86 and machine_of(definition) == "microvm"


def is_x86(definition: DomainDef) -> bool:
    return arch_of(definition) in X86


def is_arm_virt(definition: DomainDef) -> bool:
    name = machine_of(definition)
    return arch_of(definition) in ARM and (name == "virt" or name.startswith("virt-"))


def is_riscv_virt(definition: DomainDef) -> bool:
    name = machine_of(definition)
    return arch_of(definition) in RISCV and (name == "virt" or name.startswith("virt-"))


def is_pseries(definition: DomainDef) -> bool:
    name = machine_of(definition)
    return arch_of(definition) in PPC64 and (name == "pseries" or name.startswith("pseries-"))


def is_s390(definition: DomainDef) -> bool:
    return arch_of(definition) in S390


def has_pci_root(definition: DomainDef) -> bool:
    """A conventional PCI bus at the root."""
    name = machine_of(definition)
    old_boards = ("g3beige", "mac99", "prep", "ppce500", "versatilepb", "malta", "sun4u")
    return is_i440fx(definition) or is_pseries(definition) or name in old_boards


def has_pcie_root(definition: DomainDef) -> bool:
    return is_q35(definition) or is_arm_virt(definition) or is_riscv_virt(definition)


def has_builtin_ide(definition: DomainDef) -> bool:
    """The board carries an IDE controller of its own."""
    return is_i440fx(definition) or machine_of(definition) in ("malta", "sun4u", "g3beige")


def root_alias(definition: DomainDef) -> str:
    """What QEMU calls the root PCI bus."""
    return "pcie.0" if has_pcie_root(definition) else "pci.0"


def canonical_machine(definition: DomainDef, caps: QemuCapabilities) -> None:
    """Fills in the default machine type and replaces an alias by the version it stands for.

    Raises ConfigUnsupported when this QEMU doesn't know the machine type.
    """
    default = caps.default_machine()
    wanted = os_of(definition).machine or (default.name if default is not None else None)
    if wanted is None:
        raise ConfigUnsupported(
            f"os: <type> has no machine attribute and {caps.binary} has no default machine type"
        )
    machine = caps.machine(wanted)
    if machine is None:
        raise ConfigUnsupported(f"os: machine type '{wanted}' is not one of {caps.binary}")
    os_of(definition).machine = machine.name
