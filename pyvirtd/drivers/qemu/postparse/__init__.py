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
    from pyvirtd.conf.domain.controller import Controller
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
    number_controllers(definition)
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


COMPANION_PORTS = {"ich9-uhci1": 0, "ich9-uhci2": 2, "ich9-uhci3": 4}
ICH9_USB = ("ich9-ehci1", *COMPANION_PORTS)


def number_controllers(definition: DomainDef) -> None:
    """Indexes for controllers without one: the first free of their kind.

    EHCI and its companions, one after the other in the document, share an index.
    """
    controllers = devices_of(definition).controllers
    used = {(c.type, c.index) for c in controllers if c.index is not None}
    group: set[str] = set()
    previous: Controller | None = None
    for controller in controllers:
        ich9 = controller.type == "usb" and controller.model in ICH9_USB
        if not ich9 or controller.model in group:
            group.clear()
        if controller.index is None:
            if ich9 and group and previous is not None:
                controller.index = previous.index
            else:
                controller.index = next(i for i in range(len(used) + 1) if (controller.type, i) not in used)
                used.add((controller.type, controller.index))
        if ich9:
            group.add(controller.model or "")
            if controller.model in COMPANION_PORTS and controller.master_startport is None:
                controller.master_startport = COMPANION_PORTS[controller.model or ""]
        previous = controller
