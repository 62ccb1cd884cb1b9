"""The machine: its canonical name and what kind of board it is."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

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
_PCI_BOARDS = ("g3beige", "mac99", "prep", "ppce500", "versatilepb", "malta", "sun4u")


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


class Board(NamedTuple):
    """What kind of board a machine type is. An architecture and a name decide it."""

    x86: bool
    q35: bool  # Intel Q35: pcie-root, ICH9
    i440fx: bool  # Intel 440FX: pci-root, PIIX3; names of distributions' own types count
    isapc: bool
    microvm: bool
    arm_virt: bool
    riscv_virt: bool
    pseries: bool
    s390: bool
    pci_root: bool  # a conventional PCI bus at the root
    pcie_root: bool
    builtin_ide: bool  # the board carries an IDE controller of its own


@lru_cache(maxsize=256)
def board(arch: str, name: str) -> Board:
    """The board of a machine type, by its canonical name or an alias."""
    x86 = arch in X86
    q35 = x86 and (name == "q35" or name.startswith("pc-q35"))
    i440fx = x86 and (name == "pc" or re.match(r"pc-(\d|i440)", name) is not None or name.startswith("rhel"))
    virt = name == "virt" or name.startswith("virt-")
    arm_virt, riscv_virt = arch in ARM and virt, arch in RISCV and virt
    pseries = arch in PPC64 and (name == "pseries" or name.startswith("pseries-"))
    return Board(
        x86=x86,
        q35=q35,
        i440fx=i440fx,
        isapc=x86 and name == "isapc",
        microvm=x86 and name == "microvm",
        arm_virt=arm_virt,
        riscv_virt=riscv_virt,
        pseries=pseries,
        s390=arch in S390,
        pci_root=i440fx or pseries or name in _PCI_BOARDS,
        pcie_root=q35 or arm_virt or riscv_virt,
        builtin_ide=i440fx or name in ("malta", "sun4u", "g3beige"),
    )


def board_of(definition: DomainDef) -> Board:
    """The board of a definition, as far as it names one."""
    system = definition.os
    return board(system.arch or "x86_64", system.machine or "") if system is not None else board("x86_64", "")


def is_q35(definition: DomainDef) -> bool:
    return board_of(definition).q35


def is_i440fx(definition: DomainDef) -> bool:
    return board_of(definition).i440fx


def is_isapc(definition: DomainDef) -> bool:
    return board_of(definition).isapc


def is_microvm(definition: DomainDef) -> bool:
    return board_of(definition).microvm


def is_x86(definition: DomainDef) -> bool:
    return board_of(definition).x86


def is_arm_virt(definition: DomainDef) -> bool:
    return board_of(definition).arm_virt


def is_riscv_virt(definition: DomainDef) -> bool:
    return board_of(definition).riscv_virt


def is_pseries(definition: DomainDef) -> bool:
    return board_of(definition).pseries


def is_s390(definition: DomainDef) -> bool:
    return board_of(definition).s390


def has_pci_root(definition: DomainDef) -> bool:
    return board_of(definition).pci_root


def has_pcie_root(definition: DomainDef) -> bool:
    return board_of(definition).pcie_root


def has_builtin_ide(definition: DomainDef) -> bool:
    return board_of(definition).builtin_ide


def root_alias(definition: DomainDef) -> str:
    """What QEMU calls the root PCI bus."""
    return "pcie.0" if has_pcie_root(definition) else "pci.0"


def canonical_machine(definition: DomainDef, caps: QemuCapabilities) -> None:
    """Fills in the default machine type and replaces an alias by the version it stands for.

    Raises ConfigUnsupported when this QEMU doesn't know the machine type.
    """
    wanted = os_of(definition).machine
    if not wanted:
        default = caps.default_machine()
        wanted = default.name if default is not None else None
    if wanted is None:
        raise ConfigUnsupported(
            f"os: <type> has no machine attribute and {caps.binary} has no default machine type"
        )
    machine = caps.machine(wanted)
    if machine is None:
        raise ConfigUnsupported(f"os: machine type '{wanted}' is not one of {caps.binary}")
    os_of(definition).machine = machine.name
