"""What a definition gets at start and not before: firmware, whole sizes, backends of host devices."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pyvirtd.conf.domain.graphics import DBus, EglHeadless, Graphics, Spice
from pyvirtd.conf.domain.hostdev import PciSource
from pyvirtd.drivers.qemu.command.cpu_check import check_host_cpu
from pyvirtd.drivers.qemu.command.firmware import settle_firmware
from pyvirtd.drivers.qemu.postparse.machine import devices_of
from pyvirtd.errors import HostSystemError, InternalError, OperationFailed

if TYPE_CHECKING:
    from pyvirtd.conf.domain.domain import DomainDef
    from pyvirtd.drivers.qemu.capabilities import QemuCapabilities
    from pyvirtd.drivers.qemu.command.context import LaunchContext

VFIO = "/dev/vfio/vfio"
DRI = "/dev/dri"
MODULE_ALIGNMENT = 2 * 1024  # KiB; x86 and ARM memory modules


def settle_live(definition: DomainDef, caps: QemuCapabilities, context: LaunchContext) -> None:
    """Completes the live copy of a definition before its command line is built. Reads firmware descriptors.

    Raises OperationFailed when no firmware fits.
    """
    check_host_cpu(definition, caps)
    settle_firmware(definition, context.firmware_dirs, context.nvram_dir)
    align_memory(definition)
    for hostdev in devices_of(definition).hostdevs:
        if isinstance(hostdev.source, PciSource) and hostdev.driver is None:
            if not os.path.exists(VFIO):
                raise InternalError("hostdev: this host has no VFIO, so no PCI device can be handed to a guest")
            hostdev.driver = "vfio"
    for tpm in devices_of(definition).tpms:
        path = tpm.backend.device or "/dev/tpm0"
        if tpm.backend.type == "passthrough" and not os.path.exists(path):
            raise HostSystemError(f"tpm: this host has no {path}")
    for graphics in devices_of(definition).graphics:
        settle_rendering(graphics)
    if needs_numad(definition) and context.numad_nodes is None:
        raise InternalError("numatune: automatic placement needs numad's advice, which isn't there")


def align_memory(definition: DomainDef) -> None:
    """Memory modules are whole multiples of two MiB; the guest's total grows with them."""
    for memory in devices_of(definition).memories:
        size = -(-memory.target.size // MODULE_ALIGNMENT) * MODULE_ALIGNMENT
        if definition.memory is not None:
            definition.memory += size - memory.target.size
        memory.target.size = size


def needs_numad(definition: DomainDef) -> bool:
    memory = definition.numatune.memory if definition.numatune is not None else None
    return definition.vcpu_placement == "auto" or (memory is not None and memory.placement == "auto")


def settle_rendering(graphics: Graphics) -> None:
    """OpenGL is rendered by the host's first render node unless the definition names one."""
    if isinstance(graphics, EglHeadless) or (isinstance(graphics, Spice | DBus) and graphics.gl):
        if graphics.rendernode is None:
            graphics.rendernode = first_render_node()


def first_render_node() -> str:
    try:
        nodes = sorted(name for name in os.listdir(DRI) if name.startswith("renderD"))
    except OSError as e:
        raise HostSystemError(f"graphics: OpenGL needs a render node of the host, but {DRI}: {e.strerror}") from None
    if not nodes:
        raise OperationFailed(f"graphics: OpenGL needs a render node of the host, but {DRI} has none")
    return f"{DRI}/{nodes[0]}"
