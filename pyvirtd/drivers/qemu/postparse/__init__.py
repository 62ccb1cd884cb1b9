"""What only QEMU knows of a definition: default machine, implicit devices, addresses, aliases."""

from __future__ import annotations

import os
import platform
from typing import TYPE_CHECKING

from pyvirtd.conf.domain import postparse as common
from pyvirtd.conf.domain.os import FirmwareFeature
from pyvirtd.drivers.qemu.postparse.addresses import assign_addresses
from pyvirtd.drivers.qemu.postparse.aliases import assign_aliases
from pyvirtd.drivers.qemu.postparse.controllers import (
    add_default_controllers,
    add_needed_controllers,
    settle_controller_models,
    settle_pci_options,
)
from pyvirtd.drivers.qemu.postparse.cpu import settle_cpu
from pyvirtd.drivers.qemu.postparse.defaults import add_default_devices, settle_device_models
from pyvirtd.drivers.qemu.postparse.machine import canonical_machine, devices_of, os_of
from pyvirtd.drivers.qemu.postparse.paths import drop_generated_paths
from pyvirtd.errors import ConfigUnsupported, ErrorDomain, HostSystemError, XMLError

if TYPE_CHECKING:
    from pyvirtd.conf.domain.domain import DomainDef
    from pyvirtd.drivers.qemu.capabilities import QemuCapabilities

__all__ = ["assign_aliases", "emulator_of", "post_parse"]

NVRAM_DIR = "/var/lib/libvirt/qemu/nvram"
EMULATORS = {"i686": "qemu-system-i386", "ppc64le": "qemu-system-ppc64", "armv7l": "qemu-system-arm",
             "armv6l": "qemu-system-arm", "armv7b": "qemu-system-arm"}  # fmt: skip


def emulator_of(definition: DomainDef) -> str:
    """The binary that a definition asks for; the architecture's own where it names none.

    HostSystemError when there is no such program (libvirt's code for a binary that can't be looked at).
    """
    check_kind(definition)
    binary = devices_of(definition).emulator
    if binary is None:
        arch = os_of(definition).arch or platform.machine()
        binary = f"/usr/bin/{EMULATORS.get(arch, f'qemu-system-{arch}')}"
        if not os.path.exists(binary):
            raise ConfigUnsupported(f"os: no emulator for architecture '{arch}' is installed here ({binary})")
    elif not os.path.exists(binary):
        raise HostSystemError(f"devices: there is no emulator {binary}; install it or correct <emulator>")
    return binary


def check_kind(definition: DomainDef) -> None:
    """Raises XMLError without an <os><type>, ConfigUnsupported for one that QEMU doesn't run."""
    kind = os_of(definition).type
    if not kind:
        raise XMLError("os: <type> is missing; hvm would be right", domain=ErrorDomain.DOMAIN)
    if kind != "hvm":
        raise ConfigUnsupported(f"os: QEMU runs guests of type hvm, not {kind}")


def settle_firmware_parts(definition: DomainDef, nvram_dir: str) -> None:
    """Keys need Secure Boot; variables of flash firmware with a template and no path get a place."""
    loader, nvram = os_of(definition).loader, os_of(definition).nvram
    features = {feature.name: feature.enabled for feature in os_of(definition).firmware_features}
    if features.get("enrolled-keys") and "secure-boot" not in features:
        os_of(definition).firmware_features.append(FirmwareFeature(name="secure-boot", enabled=True))
    if loader is None or loader.type != "pflash" or nvram is None or os_of(definition).firmware is not None:
        return
    if nvram.path is None and nvram.source is None and nvram.template is not None:
        nvram.path = f"{nvram_dir}/{definition.name}_VARS.fd"


def post_parse(definition: DomainDef, caps: QemuCapabilities, *, nvram_dir: str = NVRAM_DIR) -> None:
    """Completes a parsed definition in place; again on its own result it changes nothing.

    `nvram_dir` is where firmware variables are kept that the definition gives no path.

    Raises XMLError, ConfigUnsupported or InternalError where the definition contradicts itself or this QEMU.
    """
    devices = devices_of(definition)
    devices.emulator = devices.emulator or caps.binary
    system = os_of(definition)
    system.arch = system.arch or caps.arch
    common.prepare(definition)
    if definition.type not in ("qemu", "kvm") or (definition.type == "kvm" and not caps.kvm):
        raise ConfigUnsupported(f"domain: {caps.binary} runs no guests of type '{definition.type}' here")
    canonical_machine(definition, caps)
    settle_firmware_parts(definition, nvram_dir)
    common.arrange_devices(definition)
    add_default_controllers(definition, caps)
    add_default_devices(definition, caps)
    settle_device_models(definition, caps)
    common.complete_devices(definition)
    common.add_implied(definition)
    settle_device_models(definition, caps)
    drop_generated_paths(definition)
    settle_cpu(definition, caps)
    add_needed_controllers(definition)
    settle_controller_models(definition, caps)
    assign_addresses(definition, caps)
    settle_pci_options(definition, caps)
