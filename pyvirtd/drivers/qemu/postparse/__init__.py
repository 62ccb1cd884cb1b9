"""What only QEMU knows of a definition: default machine, implicit devices, addresses, aliases."""

from __future__ import annotations

import os
import platform
from typing import TYPE_CHECKING

from pyvirtd.conf.domain import postparse as common
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
from pyvirtd.errors import ConfigUnsupported, HostSystemError

if TYPE_CHECKING:
    from pyvirtd.conf.domain.domain import DomainDef
    from pyvirtd.drivers.qemu.capabilities import QemuCapabilities

__all__ = ["assign_aliases", "emulator_of", "post_parse"]

EMULATORS = {"i686": "qemu-system-i386", "ppc64le": "qemu-system-ppc64", "armv7l": "qemu-system-arm",
             "armv6l": "qemu-system-arm", "armv7b": "qemu-system-arm"}  # fmt: skip


def emulator_of(definition: DomainDef) -> str:
    """The binary that a definition asks for; the architecture's own where it names none.

    HostSystemError when there is no such program (libvirt's code for a binary that can't be looked at).
    """
    binary = devices_of(definition).emulator
    if binary is None:
        arch = os_of(definition).arch or platform.machine()
        binary = f"/usr/bin/{EMULATORS.get(arch, f'qemu-system-{arch}')}"
        if not os.path.exists(binary):
            raise ConfigUnsupported(f"os: no emulator for architecture '{arch}' is installed here ({binary})")
    elif not os.path.exists(binary):
        raise HostSystemError(f"devices: there is no emulator {binary}; install it or correct <emulator>")
    return binary


def post_parse(definition: DomainDef, caps: QemuCapabilities) -> None:
    """Completes a parsed definition in place; again on its own result it changes nothing.

    Raises XMLError, ConfigUnsupported or InternalError where the definition contradicts itself or this QEMU.
    """
    devices = devices_of(definition)
    devices.emulator = devices.emulator or caps.binary
    system = os_of(definition)
    system.arch = system.arch or caps.arch
    common.prepare(definition)
    canonical_machine(definition, caps)
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
