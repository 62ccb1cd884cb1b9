"""What a definition gets at start and not before: firmware, whole sizes, backends of host devices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyvirtd.conf.domain.hostdev import PciSource
from pyvirtd.drivers.qemu.command.firmware import settle_firmware
from pyvirtd.drivers.qemu.postparse.machine import devices_of

if TYPE_CHECKING:
    from pyvirtd.conf.domain.domain import DomainDef
    from pyvirtd.drivers.qemu.capabilities import QemuCapabilities
    from pyvirtd.drivers.qemu.command.context import LaunchContext

MODULE_ALIGNMENT = 2 * 1024  # KiB; x86 and ARM memory modules


def settle_live(definition: DomainDef, caps: QemuCapabilities, context: LaunchContext) -> None:
    """Completes the live copy of a definition before its command line is built. Reads firmware descriptors.

    Raises OperationFailed when no firmware fits.
    """
    settle_firmware(definition, context.firmware_dirs, context.nvram_dir)
    for memory in devices_of(definition).memories:
        memory.target.size = -(-memory.target.size // MODULE_ALIGNMENT) * MODULE_ALIGNMENT
    for hostdev in devices_of(definition).hostdevs:
        if isinstance(hostdev.source, PciSource) and hostdev.driver is None:
            hostdev.driver = "vfio"
