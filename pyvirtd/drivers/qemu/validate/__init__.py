"""What QEMU cannot do, refused with libvirt's codes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyvirtd.conf.domain.domain import DomainDef
    from pyvirtd.drivers.qemu.capabilities import QemuCapabilities

__all__ = ["validate"]


def validate(definition: DomainDef, caps: QemuCapabilities) -> None:
    """Refuses what this QEMU can't do. Run at define and start, never on definitions that are reread.

    ConfigUnsupported where QEMU lacks something, XMLError where the definition contradicts itself.
    """
    from pyvirtd.drivers.qemu.validate.interface import check_interfaces

    check_interfaces(definition, caps)
