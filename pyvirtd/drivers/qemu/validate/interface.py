"""Network cards that QEMU can't have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyvirtd.drivers.qemu.postparse.machine import devices_of
from pyvirtd.errors import ConfigUnsupported

if TYPE_CHECKING:
    from pyvirtd.conf.domain.domain import DomainDef
    from pyvirtd.conf.domain.interface import Interface
    from pyvirtd.drivers.qemu.capabilities import QemuCapabilities

VIRTIO = ("virtio", "virtio-transitional", "virtio-non-transitional")


def check_interfaces(definition: DomainDef, caps: QemuCapabilities) -> None:
    for interface in devices_of(definition).interfaces:
        check_guest_addresses(interface)
        check_queues(interface)


def check_guest_addresses(interface: Interface) -> None:
    """Addresses and routes inside the guest are the guest's business; only user networks lead somewhere by them."""
    if interface.routes:
        raise ConfigUnsupported("interface: QEMU sets no routes inside a guest: remove <route>, or move it to <source>")
    if not interface.ips:
        return
    if interface.type != "user":
        raise ConfigUnsupported(
            "interface: QEMU can't set IP addresses inside a guest; remove <ip> or move it to <source>"
        )
    families = [":" in ip.address for ip in interface.ips]
    if len(families) > 2 or len(set(families)) != len(families):
        raise ConfigUnsupported("interface: a user network takes one IPv4 and one IPv6 address")
    if any(ip.peer for ip in interface.ips):
        raise ConfigUnsupported("interface: a user network takes no peer addresses")


def check_queues(interface: Interface) -> None:
    """Queue sizes are powers of two."""
    driver = interface.driver
    if driver is None or interface.model not in VIRTIO:
        return
    for name, value in (("rx_queue_size", driver.rx_queue_size), ("tx_queue_size", driver.tx_queue_size)):
        if value and value & (value - 1):
            raise ConfigUnsupported(f"interface: {name} is {value}, it has to be a power of two")
