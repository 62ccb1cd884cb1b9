"""Whether a network's definition makes sense, as far as the host needs not be asked.

Runs after post-parse. The driver adds what needs the host: whether a bridge's name is taken, whether a PCI device is
a virtual function (ConfigUnsupported).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NoReturn

from pyvirtd.conf.domain.interface import Bandwidth
from pyvirtd.conf.inet import BITS, family_of, packed, prefix_of, within
from pyvirtd.conf.network.dns import Dns
from pyvirtd.conf.network.forward import Forward, Nat
from pyvirtd.conf.network.ip import DhcpHost, DhcpRange, Ip, Lease, NetworkRoute
from pyvirtd.conf.network.network import NetworkDef
from pyvirtd.conf.repeated import repeated
from pyvirtd.errors import ConfigUnsupported, ErrorDomain, InternalError, VirtError, XMLDetail, XMLError

SHORTEST_LEASE = 120  # seconds
MAX_RANGE = 65535  # addresses in one DHCP range
DEVICES = ("bridge", "private", "vepa", "passthrough", "hostdev")


def check_network(network: NetworkDef) -> None:
    """Raise the first thing that is wrong with a completed definition."""
    if "/" in network.name:
        _refuse(XMLDetail, f"network name {network.name!r} has a '/'; it is a file's name, too")
    if "\n" in network.name:
        _refuse(XMLDetail, f"network name {network.name!r} has a line break")
    if network.title is not None and "\n" in network.title:
        _refuse(XMLError, f"line {network.line}, <title>: has a line break, it has to be one line")
    if network.dns is not None:
        check_dns(network.dns)
    for ip in network.ips:
        check_ip(ip)
    for route in network.routes:
        check_route(route)
    if network.forward is not None:
        check_forward(network.name, network.forward)
    _check_mode(network)
    _check_bridge(network)
    _check_devices(network)
    _check_dhcp(network)
    _check_gateways(network)
    _check_vlans(network)
    if network.mac is not None and int(network.mac[:2], 16) & 1:
        _refuse(XMLError, f"network {network.name!r}: MAC {network.mac} is a group's, not a bridge's")
    for bandwidth in (network.bandwidth, *(group.bandwidth for group in network.portgroups)):
        if bandwidth is not None:
            _check_bandwidth(bandwidth)
    defaults = [group.name for group in network.portgroups if group.default]
    if len(defaults) > 1:
        _refuse(ConfigUnsupported, f"portgroups {', '.join(defaults)} are all default; only one can be")
    names = [group.name for group in network.portgroups]
    if len(set(names)) < len(names):
        _refuse(ConfigUnsupported, f"network {network.name!r} has two portgroups of one name: {', '.join(names)}")


def _check_bandwidth(bandwidth: Bandwidth) -> None:
    if bandwidth.inbound is not None and bandwidth.inbound.floor is not None:
        _refuse(ConfigUnsupported, f"line {bandwidth.line}: a floor is what one interface asks of a network")
    for side in (bandwidth.inbound, bandwidth.outbound):
        if side is not None and side.average is None:
            _refuse(XMLDetail, f"line {side.line}: <{side.TAG}> needs an average")


def check_forward(name: str, forward: Forward) -> None:
    """Devices once each, of one kind; NAT settings only for NAT."""
    if forward.mode == "hostdev" and forward.interfaces:
        _refuse(ConfigUnsupported, f"line {forward.line}: mode hostdev takes <address>, not <interface>")
    kinds = [kind for kind, items in (("interface", forward.interfaces), ("address", forward.addresses)) if items]
    if len(kinds) > 1:
        _refuse(
            XMLError,
            f"line {forward.line}: <forward> of network {name!r} has <interface> and <address>; only one kind can be",
        )
    if len(forward.functions) > 1:
        _refuse(
            XMLError,
            f"line {forward.line}: <forward> of network {name!r} has {len(forward.functions)} <pf>, one can be",
        )
    if forward.dev is not None and forward.interfaces and forward.interfaces[0].dev != forward.dev:
        _refuse(
            XMLError,
            f"line {forward.line}: <forward> has dev {forward.dev!r}, but starts with {forward.interfaces[0].dev!r}",
        )
    for what in ([i.dev for i in forward.interfaces], [str(a) for a in forward.addresses]):
        twice = repeated(what)
        if twice is not None:
            _refuse(XMLError, f"line {forward.line}: {twice} is listed twice in <forward> of network {name!r}")
    if forward.mode != "nat" and forward.nat is not None:
        _refuse(
            XMLError, f"line {forward.line}: <nat> is of mode nat only, the mode of network {name!r} is {forward.mode}"
        )
    if forward.nat is not None:
        _check_nat(forward.nat)


def _check_nat(nat: Nat) -> None:
    first, last = nat.address_start, nat.address_end
    if any(address is not None and family_of(address) != "ipv4" for address in (first, last)):
        _refuse(XMLError, f"line {nat.line}: NAT addresses are IPv4, not {first}-{last}")
    if first is not None and last is not None and packed(first) > packed(last):
        _refuse(InternalError, f"line {nat.line}: NAT addresses {first}-{last} run backwards")
    if (first is None) != (last is None):
        _refuse(XMLError, f"line {nat.line}: NAT addresses have a start and an end")
    if (nat.port_start or 0) > (nat.port_end or 65535):
        _refuse(XMLDetail, f"line {nat.line}: NAT ports {nat.port_start}-{nat.port_end} run backwards")


def check_functions(network: NetworkDef, is_function: Callable[[str], bool]) -> None:
    """For the driver, which knows the host: every <address> of a hostdev network is a virtual function.

    `is_function` is asked with PCI addresses like 0000:03:00.1.
    """
    for address in network.forward.addresses if network.forward is not None else ():
        if not is_function(str(address)):
            _refuse(
                ConfigUnsupported,
                f"line {address.line}: PCI device {address} of network {network.name!r} is no SR-IOV virtual function",
            )


def _check_mode(network: NetworkDef) -> None:
    mode, forward, bridge = network.mode, network.forward, network.bridge
    interfaces = forward.interfaces if forward is not None else []
    if mode in ("nat", "route", "open"):
        if not network.ips:
            _refuse(XMLError, f"network {network.name!r}: forward mode {mode} needs an <ip>")
        if len(interfaces) > 1:
            _refuse(
                XMLError, f"network {network.name!r}: forward mode {mode} takes one interface, not {len(interfaces)}"
            )
        if mode == "open" and interfaces:
            _refuse(XMLError, f"network {network.name!r}: forward mode open takes no dev")
    elif mode in DEVICES[1:] and bridge is not None and bridge.name is not None:
        _refuse(XMLError, f"network {network.name!r}: forward mode {mode} takes no bridge name")
    elif (
        mode == "bridge"
        and bridge is not None
        and bridge.name is not None
        and (interfaces or (forward is not None and forward.functions))
    ):
        _refuse(XMLError, f"network {network.name!r}: forward mode bridge takes a bridge or a dev, not both")


def _check_bridge(network: NetworkDef) -> None:
    bridge, mode = network.bridge, network.mode
    if not network.owns_bridge and network.mtu:
        _refuse(
            XMLError,
            f"network {network.name!r}: forward mode {mode} takes no <mtu>; its interfaces have their own",
        )
    if bridge is None or network.owns_bridge:
        return
    if bridge.delay or bridge.stp:
        _refuse(
            XMLError,
            f"network {network.name!r}: forward mode {mode} takes no stp or delay; the bridge is not libvirt's",
        )
    if bridge.zone is not None:
        _refuse(XMLError, f"network {network.name!r}: forward mode {mode} takes no zone; the bridge is not libvirt's")
    if bridge.mac_table_manager is not None and mode != "bridge":
        _refuse(XMLError, f"network {network.name!r}: forward mode {mode} takes no macTableManager; there is no bridge")


def _check_devices(network: NetworkDef) -> None:
    """Networks that only lend devices have no services of their own."""
    mode = network.mode
    if mode not in DEVICES:
        return
    for tag, there in (("ip", network.ips), ("mac", network.mac), ("dns", network.dns), ("domain", network.domain)):
        if there:
            _refuse(ConfigUnsupported, f"network {network.name!r}: forward mode {mode} takes no <{tag}>")
    if network.bandwidth is not None and mode == "hostdev":
        _refuse(ConfigUnsupported, f"network {network.name!r}: forward mode {mode} takes no <bandwidth>")


def _check_dhcp(network: NetworkDef) -> None:
    for family in ("ipv4", "ipv6"):
        served = [ip for ip in network.ips if family_of(ip.address) == family and (ip.ranges or ip.hosts)]
        if len(served) > 1:
            _refuse(
                ConfigUnsupported,
                f"network {network.name!r}: DHCP on {len(served)} {family} addresses; one can have it",
            )


def _check_gateways(network: NetworkDef) -> None:
    for route in network.routes:
        if not any(within(route.gateway, ip.address, ip.length) for ip in network.ips):
            _refuse(ConfigUnsupported, f"line {route.line}: gateway {route.gateway} is out of reach")


def _check_vlans(network: NetworkDef) -> None:
    """VLAN tags need something below that can tag: a virtual function, or Open vSwitch."""
    for vlan in (network.vlan, *(group.vlan for group in network.portgroups)):
        if vlan is None:
            continue
        if not vlan.tags:
            _refuse(XMLError, f"line {vlan.line}: <vlan> has no <tag>")
        if vlan.trunk is False and len(vlan.tags) > 1:
            _refuse(XMLError, f"line {vlan.line}: <vlan> with {len(vlan.tags)} tags is a trunk, trunk='no' can't be")
    capable = network.mode in ("hostdev", "passthrough")
    switch = network.mode == "bridge"
    port = network.virtualport.type if network.virtualport is not None else None
    if network.vlan is not None and not (capable or (switch and port == "openvswitch")):
        used = [group for group in network.portgroups if group.virtualport is not None]
        if not (switch and any(g.virtualport is not None and g.virtualport.type == "openvswitch" for g in used)):
            _refuse(ConfigUnsupported, f"network {network.name!r}: <vlan> needs hostdev, passthrough or Open vSwitch")
    for group in network.portgroups:
        ports = (port, group.virtualport.type if group.virtualport is not None else None)
        if group.vlan is not None and not (capable or (switch and "openvswitch" in ports)):
            _refuse(
                ConfigUnsupported,
                f"network {network.name!r}, group {group.name!r}: <vlan> needs hostdev, passthrough or Open vSwitch",
            )


def check_dns(dns: Dns) -> None:
    """Records that can be served."""
    if dns.enable is False and (dns.forwarders or dns.txts or dns.srvs or dns.hosts):
        _refuse(XMLError, f"line {dns.line}: <dns enable='no'> with records in it")
    for forwarder in dns.forwarders:
        if forwarder.domain is None and forwarder.address is None:
            _refuse(XMLError, f"line {forwarder.line}: <forwarder> needs addr, domain or both")
    for txt in dns.txts:
        if " " in txt.name:
            _refuse(XMLDetail, f"line {txt.line}: TXT record name {txt.name!r} has a blank")
    for srv in dns.srvs:
        if srv.target is None and (srv.port is not None or srv.priority or srv.weight):
            _refuse(XMLDetail, f"line {srv.line}: SRV port, priority and weight are of a target, which is missing")
    for host in dns.hosts:
        if not host.hostnames:
            _refuse(XMLDetail, f"line {host.line}: DNS host {host.ip} has no <hostname>")


def check_ip(ip: Ip) -> None:
    """An address, its mask, and what is given out beside it."""
    _check_mask(ConfigUnsupported, "ip", ip.line, ip.family, ip.address, ip.netmask, ip.prefix)
    for lease in (*(each.lease for each in ip.ranges), *(host.lease for host in ip.hosts)):
        _check_lease(lease)
    for each in ip.ranges:
        check_range(ip, each)
    for host in ip.hosts:
        check_host(ip, host)


def check_route(route: NetworkRoute) -> None:
    """A route's addresses are of one family."""
    _check_mask(XMLError, "route", route.line, route.family, route.address, route.netmask, route.prefix)
    if family_of(route.gateway) != family_of(route.address):
        _refuse(
            XMLError, f"line {route.line}: <route> to {route.address} has gateway {route.gateway} of the other family"
        )
    hosts = BITS[family_of(route.address)] - route.length
    if packed(route.address) & ((1 << hosts) - 1):
        _refuse(XMLError, f"line {route.line}: <route> address {route.address} is a host, not the network of its mask")


def _check_mask(
    error: type[VirtError],
    tag: str,
    line: int,
    family: str | None,
    address: str,
    netmask: str | None,
    prefix: int | None,
) -> None:
    actual = family_of(address)
    if (family or "ipv4") != actual:
        _refuse(
            error,
            f"line {line}: <{tag}> address {address} is {actual}, family says {family or 'ipv4 (as none is given)'}",
        )
    if netmask is not None:
        if prefix:
            _refuse(error, f"line {line}: <{tag}> has netmask and prefix; one is enough")
        if actual == "ipv6" or family_of(netmask) != "ipv4":
            _refuse(error, f"line {line}: <{tag}>: netmask is for IPv4; for {address} give a prefix")
        try:
            prefix_of(netmask)
        except ValueError:
            _refuse(error, f"line {line}: <{tag}> netmask {netmask} has holes")
    if prefix is not None and prefix > BITS[actual]:
        _refuse(error, f"line {line}: <{tag}> prefix {prefix} is more than {BITS[actual]}")


def check_range(ip: Ip, given: DhcpRange) -> None:
    """A DHCP range is inside the network, forwards, and not endless."""
    if family_of(given.start) != family_of(given.end):
        _refuse(InternalError, f"line {given.line}: DHCP range {given.start}-{given.end} mixes families")
    first, last, length = packed(given.start), packed(given.end), ip.length
    if not (within(given.start, ip.address, length) and within(given.end, ip.address, length)):
        _refuse(
            InternalError, f"line {given.line}: DHCP range {given.start}-{given.end} is outside {ip.address}/{length}"
        )
    if first > last:
        _refuse(InternalError, f"line {given.line}: DHCP range {given.start}-{given.end} runs backwards")
    if last - first >= MAX_RANGE:
        _refuse(
            InternalError,
            f"line {given.line}: DHCP range {given.start}-{given.end} has more than {MAX_RANGE} addresses",
        )
    hosts = BITS[family_of(ip.address)] - length
    if family_of(ip.address) == "ipv4" and hosts > 1:
        base = packed(ip.address) >> hosts << hosts
        if first == base or last == base + (1 << hosts) - 1:
            _refuse(
                InternalError,
                f"line {given.line}: DHCP range {given.start}-{given.end} holds the network's own address",
            )


def _check_lease(lease: Lease | None) -> None:
    """dnsmasq knows no shorter ones; 0 is for ever."""
    if (
        lease is not None
        and 0 < lease.expiry * {"seconds": 1, "hours": 3600}.get(lease.unit or "", 60) < SHORTEST_LEASE
    ):
        _refuse(ConfigUnsupported, f"line {lease.line}: a lease lasts {SHORTEST_LEASE} seconds or more")


def check_host(ip: Ip, host: DhcpHost) -> None:
    """A reservation says whose, and which address."""
    version = family_of(ip.address)
    if host.mac is not None and int(host.mac[:2], 16) & 1:
        _refuse(XMLError, f"line {host.line}: MAC {host.mac} is a group's, not a guest's")
    if version == "ipv6":
        if host.mac is not None:
            _refuse(XMLError, f"line {host.line}: in IPv6 a host is known by id or name, not by MAC {host.mac}")
        if host.id is not None and re.fullmatch("[0-9a-fA-F:]+", host.id) is None:
            _refuse(
                XMLError, f"line {host.line}: client id {host.id!r} has to be hexadecimal bytes with colons between"
            )
        if host.id is None and host.name is None:
            _refuse(XMLError, f"line {host.line}: <host> needs id or name")
    else:
        if host.id is not None:
            _refuse(XMLError, f"line {host.line}: in IPv4 a host is known by MAC or name, not by id {host.id}")
        if host.mac is None and host.name is None:
            _refuse(XMLError, f"line {host.line}: <host> needs mac or name")
    if host.ip is None:
        _refuse(XMLError, f"line {host.line}: <host> has no ip")
    if family_of(host.ip) != version:
        _refuse(XMLError, f"line {host.line}: <host> ip {host.ip} is not of the family of {ip.address}")


def _refuse(error: type[VirtError], message: str) -> NoReturn:
    raise error(message, domain=ErrorDomain.XML if error is XMLError else ErrorDomain.NETWORK)
