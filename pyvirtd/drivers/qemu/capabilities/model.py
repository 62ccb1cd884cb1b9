"""What one QEMU binary can do, with questions that cost a set look-up.

Built from facts (see `gather`), which are plain JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, Final, Literal, NamedTuple

from pyvirtd.drivers.qemu.capabilities.schema import QmpSchema

Accelerator = Literal["kvm", "tcg"]

ARCH_OF_TARGET: Final = {"i386": "i686", "arm": "armv7l", "sh4": "sh4", "or1k": "or32"}
"""libvirt's architecture names where they are not QEMU's target names."""

DEFAULT_MACHINE: Final = {
    "x86_64": "pc",
    "i686": "pc",
    "ppc64": "pseries",
    "ppc64le": "pseries",
    "s390x": "s390-ccw-virtio",
    "aarch64": "virt",
    "armv7l": "virt",
    "riscv64": "virt",
    "riscv32": "virt",
    "loongarch64": "virt",
}


class Machine(NamedTuple):
    """A machine type. `name` is canonical; `alias` is the short name that QEMU has for it ("q35")."""

    name: str
    alias: str | None
    max_cpus: int
    hotplug_cpus: bool
    numa_mem: bool
    default_cpu: str | None
    deprecated: bool
    default: bool
    default_ram_id: str | None
    acpi: bool | None


class CpuDefinition(NamedTuple):
    """A CPU model of QEMU's. `blockers` are the features this host lacks for it; None: QEMU doesn't tell."""

    name: str
    type_name: str
    blockers: tuple[str, ...] | None
    deprecated: bool
    alias_of: str | None

    @property
    def usable(self) -> bool | None:
        """Whether this host can run it; None when QEMU doesn't tell."""
        return None if self.blockers is None else not self.blockers


class QemuCapabilities:
    """One binary, from the JSON object that `gather` made of it."""

    def __init__(self, binary: str, gathered: Mapping[str, Any]) -> None:
        self.binary = binary
        self.schema = QmpSchema(gathered["schema"])
        self._facts: Mapping[str, Any] = gathered["facts"]
        self._properties = {kind: frozenset(names) for kind, names in gathered["properties"].items()}
        facts = self._facts
        self.version: int = facts["version"]
        """major * 1,000,000 + minor * 1,000 + micro, as virConnectGetVersion has it."""
        self.package: str = facts["package"]
        self.target: str = facts["target"]
        self.arch: str = ARCH_OF_TARGET.get(self.target, self.target)
        """libvirt's name of the guest architecture."""
        self.kvm: bool = facts["kvm"]
        """Whether QEMU could open KVM when it was asked. Whether KVM runs guests is the self-test's to say."""
        self._types = frozenset(facts["types"])
        self._options: Mapping[str, list[str]] = facts["options"]

    # -- what there is ------------------------------------------------------------------------------------------

    def has_device(self, name: str) -> bool:
        """Whether `-device name` exists."""
        return name in self._types

    def has_object(self, name: str) -> bool:
        """Whether `-object name` exists."""
        return name in self._types

    def has_property(self, kind: str, name: str) -> bool:
        """Whether a device or object type has a property. False for types this binary lacks.

        LookupError for a type whose properties are not among those that are asked for: `gather.TYPES` must name it.
        """
        known = self._properties.get(kind)
        if known is not None:
            return name in known
        from pyvirtd.drivers.qemu.capabilities.gather import TYPES

        if kind in self._types and kind not in TYPES:
            raise LookupError(f"properties of {kind} are not probed; add it to TYPES of capabilities.gather")
        return False

    def has_schema(self, path: str) -> bool:
        """Whether the QMP schema has something at a path; see `schema`."""
        return self.schema.has(path)

    def has_command(self, name: str) -> bool:
        """Whether QMP has a command (or event) of that name."""
        return self.schema.has(name)

    def has_option(self, option: str, parameter: str | None = None) -> bool:
        """Whether `-option` exists (of those that QEMU describes), and takes `parameter`."""
        parameters = self._options.get(option)
        return parameters is not None and (parameter is None or parameter in parameters)

    @cached_property
    def migration_capabilities(self) -> frozenset[str]:
        return frozenset(self._facts["migration"])

    @property
    def tpm_models(self) -> list[str]:
        return list(self._facts["tpm_models"])

    @property
    def tpm_types(self) -> list[str]:
        return list(self._facts["tpm_types"])

    @property
    def sev(self) -> Mapping[str, Any] | None:
        """query-sev-capabilities; None where the host has no SEV."""
        sev: Mapping[str, Any] | None = self._facts["sev"]
        return sev

    @property
    def sgx(self) -> Mapping[str, Any] | None:
        """query-sgx-capabilities; None where the host has no SGX."""
        sgx: Mapping[str, Any] | None = self._facts["sgx"]
        return sgx

    @property
    def gic(self) -> list[Mapping[str, Any]]:
        """query-gic-capabilities: ARM's interrupt controllers."""
        return list(self._facts["gic"])

    # -- machines and CPUs --------------------------------------------------------------------------------------

    def _accelerated(self, accelerator: Accelerator | None) -> Mapping[str, Any]:
        """The facts of an accelerator; of KVM's, else TCG's, when None."""
        by_accelerator: Mapping[str, Mapping[str, Any]] = self._facts["accelerators"]
        return by_accelerator.get(accelerator or self._preferred(), {"machines": [], "cpus": [], "host": None})

    def accelerators(self) -> list[Accelerator]:
        """ "kvm" where QEMU could open it, "tcg" where it was built in."""
        kinds: tuple[Accelerator, ...] = ("kvm", "tcg")
        return [kind for kind in kinds if kind in self._facts["accelerators"]]

    def _preferred(self) -> str:
        return "kvm" if "kvm" in self._facts["accelerators"] else "tcg"

    @cached_property
    def _machines(self) -> dict[str, dict[str, Machine]]:
        return {kind: {m[0]: Machine(*m) for m in self._accelerated(kind)["machines"]} for kind in self.accelerators()}

    @cached_property
    def _aliases(self) -> dict[str, dict[str, Machine]]:
        """The first machine of each alias."""
        return {
            kind: {m.alias: m for m in reversed(machines.values()) if m.alias is not None}
            for kind, machines in self._machines.items()
        }

    def machines(self, accelerator: Accelerator | None = None) -> list[Machine]:
        """In QEMU's order."""
        wanted = accelerator or self._preferred()
        return list(self._machines.get(wanted, {}).values())

    def machine(self, name: str, accelerator: Accelerator | None = None) -> Machine | None:
        """The machine of that name or alias; None when this binary has no such machine."""
        wanted = accelerator or self._preferred()
        return self._machines.get(wanted, {}).get(name) or self._aliases.get(wanted, {}).get(name)

    def canonical_machine(self, name: str) -> str:
        """The name behind an alias; any other name as it is."""
        found = self.machine(name)
        return found.name if found is not None else name

    def default_machine(self, accelerator: Accelerator | None = None) -> Machine | None:
        """libvirt's choice for an architecture where it has one, else QEMU's; None when there is neither."""
        preferred = self.machine(DEFAULT_MACHINE.get(self.arch, ""), accelerator)
        return preferred or next((m for m in self.machines(accelerator) if m.default), None)

    def cpus(self, accelerator: Accelerator | None = None) -> list[CpuDefinition]:
        """The CPU models of an accelerator, in QEMU's order."""
        return [
            CpuDefinition(name, type_name, tuple(blockers) if blockers is not None else None, deprecated, alias)
            for name, type_name, blockers, deprecated, alias in self._accelerated(accelerator)["cpus"]
        ]

    def host_cpu(self, accelerator: Accelerator | None = None) -> Mapping[str, Any] | None:
        """What QEMU can give a guest of the host's CPU: {"model": name, "props": {name: value}, "migratable": the
        names of true properties that survive migration, "hyperv": enlightenments}; None where it doesn't tell."""
        host: Mapping[str, Any] | None = self._accelerated(accelerator)["host"]
        return host
