"""A domain's network interfaces: their figures, their limits, their addresses."""

from __future__ import annotations

from typing import Any, Final

from pyvirtd.conf.domain.domain import DomainDef
from pyvirtd.conf.domain.interface import Inbound, Interface, Outbound
from pyvirtd.core.calls.change import seen
from pyvirtd.core.domain import Domain
from pyvirtd.core.modifies import queries
from pyvirtd.drivers.qemu.guest import ask_agent, entries, strange
from pyvirtd.drivers.qemu.noun import Noun, machine_of
from pyvirtd.errors import HostSystemError, InternalError, InvalidArg
from pyvirtd.host import netdev
from pyvirtd.host.procfile import read_text
from pyvirtd.protocol.calls import supports
from pyvirtd.protocol.constants.domain import DomainInterfaceAddressesSource as Source
from pyvirtd.protocol.constants.domain import DomainModificationImpact as Impact
from pyvirtd.protocol.constants.domain_fields import DomainBandwidthField as Field
from pyvirtd.protocol.remote.domain import DomainInterfaceStats
from pyvirtd.protocol.remote.domain_guest import DomainInterface, DomainIpAddr
from pyvirtd.protocol.remote.limits import DOMAIN_INTERFACE_MAX, DOMAIN_IP_ADDR_MAX
from pyvirtd.protocol.types import TypedParams, UInt

_FAMILY: Final = {"ipv4": 0, "ipv6": 1}
"""VIR_IP_ADDR_TYPE_* by the agent's word."""
_HOST_BITS: Final = {0: 32, 1: 128}
_COMPLETE: Final = 0x2
"""ATF_COM: the kernel knows the hardware address (arp(7))."""


class InterfaceCalls(Noun):
    """See the module."""

    @queries
    def domain_interface_stats(self, dom: Domain, device: str) -> DomainInterfaceStats:
        machine_of(dom)
        interface = find_interface(dom.current, device)
        if not interface.target:
            raise InternalError(f"{dom}: interface '{device}' has no device on the host whose figures could be told")
        # The host sends what the guest receives.
        return DomainInterfaceStats(*netdev.stats(interface.target).swapped())

    @supports(Impact.LIVE | Impact.CONFIG)
    @queries
    def domain_get_interface_parameters(self, dom: Domain, device: str, flags: int) -> TypedParams:
        definition = seen(dom, flags)
        bandwidth = find_interface(definition, device).bandwidth if device else None
        inbound = (bandwidth.inbound if bandwidth is not None else None) or Inbound()
        outbound = (bandwidth.outbound if bandwidth is not None else None) or Outbound()
        return {
            Field.IN_AVERAGE: UInt(inbound.average or 0),
            Field.IN_PEAK: UInt(inbound.peak or 0),
            Field.IN_BURST: UInt(inbound.burst or 0),
            Field.IN_FLOOR: UInt(inbound.floor or 0),
            Field.OUT_AVERAGE: UInt(outbound.average or 0),
            Field.OUT_PEAK: UInt(outbound.peak or 0),
            Field.OUT_BURST: UInt(outbound.burst or 0),
        }

    @queries
    async def domain_interface_addresses(self, dom: Domain, source: int, flags: int) -> list[DomainInterface]:
        machine_of(dom)
        if source == Source.AGENT:
            return interfaces_told(dom, await ask_agent(dom, "guest-network-get-interfaces"))
        if source == Source.ARP:
            return _neighbours(dom)
        if source == Source.LEASE:
            # Leases are a network driver's; none of the interfaces is on a network that this daemon serves.
            return await _leases(self, dom)
        raise InvalidArg(f"addresses come from leases (0), the agent (1) or the ARP table (2), not from {source}")


def find_interface(definition: DomainDef, device: str) -> Interface:
    """The interface with that device on the host, or that MAC address. Raises InvalidArg for none."""
    for interface in definition.devices.interfaces:
        if device and (interface.target == device or str(interface.mac).lower() == device.lower()):
            return interface
    raise InvalidArg(f"domain '{definition.name}' has no interface '{device}'")


def interfaces_told(dom: Domain, reply: Any) -> list[DomainInterface]:
    """The answer to guest-network-get-interfaces, checked. Aliases (eth0:1) count as their interface."""
    command = "guest-network-get-interfaces"
    found: dict[str, tuple[str | None, list[DomainIpAddr]]] = {}
    for entry in entries(dom, command, reply, DOMAIN_INTERFACE_MAX):
        name, hardware = entry.get("name"), entry.get("hardware-address")
        if not isinstance(name, str) or not name:
            raise strange(dom, command, "a list of named interfaces")
        known = found.setdefault(name.partition(":")[0], (hardware if isinstance(hardware, str) else None, []))[1]
        for told in entries(dom, command, entry.get("ip-addresses") or [], DOMAIN_IP_ADDR_MAX):
            family, address = _FAMILY.get(str(told.get("ip-address-type"))), told.get("ip-address")
            prefix = told.get("prefix")
            if family is None or not isinstance(address, str) or not isinstance(prefix, int):
                raise strange(dom, command, "addresses with their type and prefix")
            if not 0 <= prefix <= _HOST_BITS[family] or len(known) >= DOMAIN_IP_ADDR_MAX:
                raise strange(dom, command, "addresses in the range that there is")
            known.append(DomainIpAddr(family, address, prefix))
    return [DomainInterface(name, hardware, addresses) for name, (hardware, addresses) in found.items()]


def _neighbours(dom: Domain) -> list[DomainInterface]:
    """Addresses that this host has seen lately, by the MAC addresses of the domain's interfaces."""
    try:
        lines = read_text("/proc/net/arp").splitlines()[1:]
    except OSError as error:
        raise HostSystemError(f"cannot read /proc/net/arp: {error.strerror}") from error
    by_mac: dict[str, list[DomainIpAddr]] = {}
    for line in lines:
        words = line.split()
        if len(words) >= 6 and int(words[2], 16) & _COMPLETE:
            by_mac.setdefault(words[3].lower(), []).append(DomainIpAddr(0, words[0], 0))
    return [
        DomainInterface(str(interface.target), str(interface.mac), by_mac[str(interface.mac).lower()])
        for interface in dom.current.devices.interfaces
        if interface.target and str(interface.mac).lower() in by_mac
    ]


async def _leases(noun: Noun, dom: Domain) -> list[DomainInterface]:
    """Of interfaces on networks; a daemon without a network driver runs no DHCP server and knows of no lease."""
    networks: Any = noun.runtime.context.drivers.get("network")
    found = []
    for interface in dom.current.devices.interfaces:
        name = interface.source.network if interface.type == "network" and interface.source is not None else None
        if networks is None or not name:
            continue
        leases = networks.network_get_dhcp_leases(networks.network_lookup_by_name(name), str(interface.mac), 0)
        leases = await leases if hasattr(leases, "__await__") else leases
        addresses = [DomainIpAddr(lease.type, lease.ipaddr, lease.prefix) for lease in leases]
        if addresses:
            found.append(DomainInterface(str(interface.target), str(interface.mac), addresses))
    return found
