"""Whether a definition makes sense, as far as no hypervisor has to be asked.

Runs after post-parse, at define and at start; never when the daemon rereads its own files. What only a driver can
say (its machine types, its QEMU's devices) is in the driver's room. Errors have libvirt's codes, and VIR_FROM_DOMAIN.
"""

from __future__ import annotations

from pyvirtd.conf.domain.domain import DomainDef
from pyvirtd.conf.domain.validate.chardevs import check_chardevs
from pyvirtd.conf.domain.validate.definition import check_definition
from pyvirtd.conf.domain.validate.devices import check_devices
from pyvirtd.conf.domain.validate.disks import check_disks
from pyvirtd.conf.domain.validate.firmware import check_firmware

__all__ = ["validate"]


def validate(domain: DomainDef) -> None:
    """Raise the first thing that is wrong with a completed definition."""
    check_definition(domain)
    check_firmware(domain)
    check_disks(domain)
    check_chardevs(domain)
    check_devices(domain)
