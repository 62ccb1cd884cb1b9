"""What libvirt fills into a network's definition, and the names that only a driver can choose."""

from __future__ import annotations

from collections.abc import Container
from os import urandom

from pyvirtd.conf.domain.interface import Vlan
from pyvirtd.conf.domain.postparse.definition import new_uuid
from pyvirtd.conf.network.network import Bridge, NetworkDef


def complete_network(network: NetworkDef) -> None:
    """UUID, bridge defaults and bridge MAC. The bridge's name is the driver's (`free_bridge_name`)."""
    network.uuid = network.uuid or new_uuid()
    if network.forward is not None and network.forward.mode == "none":
        network.forward = None
    if network.domain is None:
        network.domain_local_only = network.domain_register = None
    if network.forward is not None:  # who takes devices from the host and gives them back: of that mode only
        network.forward.managed = bool(network.forward.managed) if network.mode == "hostdev" else None
    for vlan in (network.vlan, *(group.vlan for group in network.portgroups)):
        if vlan is not None:
            _complete_vlan(vlan)
    if not network.owns_bridge:
        return
    bridge = network.bridge = network.bridge or Bridge()
    bridge.stp = True if bridge.stp is None else bridge.stp
    bridge.delay = bridge.delay or 0
    network.mac = network.mac or new_mac()


def _complete_vlan(vlan: Vlan) -> None:
    if vlan.trunk is None and (len(vlan.tags) > 1 or any(tag.native_mode for tag in vlan.tags)):
        vlan.trunk = True


def new_mac() -> str:
    """A random address with the prefix of QEMU and KVM."""
    return "52:54:00:" + urandom(3).hex(":")


def free_bridge_name(taken: Container[str], template: str = "virbr%d") -> str:
    """For the driver: the first name of the template that is neither an interface of the host nor a network's bridge.

    A bridge's name that holds %d is such a template, as in libvirt.
    """
    number = 0
    while (name := template.replace("%d", str(number), 1)) in taken:
        number += 1
    return name
