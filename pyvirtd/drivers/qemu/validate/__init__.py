"""What QEMU cannot do, refused with libvirt's codes: one file for each noun of the definition."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyvirtd.drivers.qemu.validate.chardev import check_chardevs
from pyvirtd.drivers.qemu.validate.cpu import check_cpu
from pyvirtd.drivers.qemu.validate.disk import check_disks
from pyvirtd.drivers.qemu.validate.domain import check_domain
from pyvirtd.drivers.qemu.validate.firmware import check_firmware
from pyvirtd.drivers.qemu.validate.graphics import check_graphics
from pyvirtd.drivers.qemu.validate.host import HostFacts, host_facts
from pyvirtd.drivers.qemu.validate.interface import check_interfaces
from pyvirtd.drivers.qemu.validate.memory import check_memory
from pyvirtd.drivers.qemu.validate.small import check_small_devices
from pyvirtd.drivers.qemu.validate.tuning import check_tuning

if TYPE_CHECKING:
    from pyvirtd.conf.domain.domain import DomainDef
    from pyvirtd.drivers.qemu.capabilities import QemuCapabilities

__all__ = ["HostFacts", "host_facts", "validate"]


def validate(definition: DomainDef, caps: QemuCapabilities, host: HostFacts | None = None) -> None:
    """Refuses what this QEMU can't do. Run at define and start, never on definitions that are reread.

    ConfigUnsupported where QEMU or the host lacks something, XMLError, XMLDetail or InternalError where the
    definition contradicts itself, by libvirt's choice. `host` None asks the host.
    """
    facts = host if host is not None else host_facts()
    check_domain(definition, caps, facts)
    check_firmware(definition)
    check_cpu(definition)
    check_memory(definition)
    check_tuning(definition)
    check_disks(definition)
    check_chardevs(definition)
    check_graphics(definition, facts)
    check_interfaces(definition, caps)
    check_small_devices(definition, caps, facts)
