"""Serial ports and consoles: port numbers, and the console that is a serial port by another name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pyvirtd.conf.domain.chardev import Console, Parallel, Serial
from pyvirtd.errors import ConfigUnsupported, ErrorDomain

if TYPE_CHECKING:
    from pyvirtd.conf.domain.devices import Devices

# Serial devices of these kinds aren't what a guest calls its console.
_NO_CONSOLE = frozenset(("usb-serial", "pci-serial", "isa-debug"))


def number_ports(ports: Sequence[Serial | Parallel | Console]) -> None:
    """A port without number gets the next one after the highest."""
    for port in ports:
        if port.port is None:
            port.port = max((other.port for other in ports if other.port is not None), default=-1) + 1


def pair_consoles(devices: Devices) -> None:
    """In a fully virtualised guest the first console and the first serial port are the same, whichever was given.

    Errors: ConfigUnsupported when another console than the first wants to be a serial port.
    """
    consoles, serials = devices.consoles, devices.serials
    first = consoles[0] if consoles else None
    if first is not None and first.target_type in (None, "none", "serial"):
        for console in consoles[1:]:
            if console.target_type in (None, "none", "serial"):
                raise ConfigUnsupported(
                    f"line {console.line}, <console>: only the first console can be a serial port; give this one a "
                    "<target type='virtio'/>", domain=ErrorDomain.DOMAIN,
                )  # fmt: skip
        first.target_type = "serial"
        if not serials:
            serials.append(Serial(backend=first.backend.copy(), port=0, alias=first.alias, address=first.address))
    elif serials and serials[0].target_type not in _NO_CONSOLE:
        consoles.insert(0, Console(target_type="serial"))
    devices.mirror_console()
