"""Network cards: a -netdev for the host's side and the device."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyvirtd.drivers.qemu.command.machine import QEMU_8
from pyvirtd.drivers.qemu.command.virtio import virtio_driver, virtio_props
from pyvirtd.drivers.qemu.command.words import JsonValue, Props, json_word, option_word
from pyvirtd.errors import ConfigUnsupported, InternalError

if TYPE_CHECKING:
    from pyvirtd.conf.domain.interface import Interface
    from pyvirtd.drivers.qemu.command.builder import Builder

VIRTIO_MODELS = ("virtio", "virtio-transitional", "virtio-non-transitional")
# Kinds whose tap (or macvtap) is made by us and passed as descriptors.
TAP_TYPES = ("network", "bridge", "ethernet", "direct")


def add_interfaces(b: Builder) -> None:
    for interface in b.devices.interfaces:
        if interface.type != "hostdev":
            add_interface(b, interface)


def add_interface(b: Builder, interface: Interface) -> None:
    alias = interface.alias or ""
    if interface.type == "vhostuser":
        vhost_user_chardev(b, interface)
    b.add("-netdev", json_word(netdev_props(b, interface)))
    b.device(device_props(b, interface))
    del alias


def queues(interface: Interface) -> int:
    """Queue pairs; several only with virtio."""
    return (interface.driver.queues if interface.driver is not None else None) or 1


def netdev_props(b: Builder, interface: Interface) -> Props:
    """The -netdev of a card; `id` is host<alias>, at the end as libvirt has it."""
    ident = f"host{interface.alias}"
    source = interface.source
    props: Props
    match interface.type:
        case "network" | "bridge" | "ethernet" | "direct":
            props = tap_props(b, interface)
        case "user":
            passt = b.context.passt_sockets.get(interface.alias or "")
            if interface.backend_type == "passt":
                if passt is None:
                    raise InternalError(f"interface '{interface.alias}': passt was not started for it")
                b.prepare("passt", interface.alias or "", passt)
                address: dict[str, JsonValue] = {"type": "unix", "path": passt}
                props = {"type": "stream", "addr": address, "server": False}
                if b.caps.version >= QEMU_8:
                    props["reconnect"] = 5
                return props | {"id": ident}
            props = user_props(interface)
        case "client" | "server" | "mcast" | "udp":
            if source is None:
                raise InternalError(f"interface: type '{interface.type}' needs a <source>")
            where = f"{source.address or ''}:{source.port or 0}"
            key = {"client": "connect", "server": "listen", "mcast": "mcast", "udp": "udp"}[interface.type]
            props = {"type": "socket", key: where}
            if interface.type == "udp":
                props["localaddr"] = f"{source.local_address or ''}:{source.local_port or 0}"
        case "vhostuser":
            props = {"type": "vhost-user", "chardev": f"char{interface.alias}"}
            if queues(interface) > 1:
                props["queues"] = queues(interface)
        case "vdpa":
            fd = next(iter(b.context.tap_fds.get(interface.alias or "", ())), None)
            path = source.dev if source is not None else None
            props = {"type": "vhost-vdpa", "vhostdev": b.fdset(fd) if fd is not None else path or ""}
            if queues(interface) > 1:
                props["queues"] = queues(interface)
        case "null":
            raise ConfigUnsupported("interface: QEMU has no network backend of type 'null'")
        case _:
            raise ConfigUnsupported(f"interface: QEMU has no network backend of type '{interface.type}'")
    props["id"] = ident
    return props


def user_props(interface: Interface) -> Props:
    """The built-in user network; addresses of <ip> choose its guest network."""
    props: Props = {"type": "user"}
    for ip in interface.ips:
        if ":" in ip.address:
            props["ipv6-prefix"] = ip.address
            if ip.prefix:
                props["ipv6-prefixlen"] = ip.prefix
        else:
            props["net"] = f"{ip.address}/{ip.prefix}" if ip.prefix else ip.address
    return props


def tap_props(b: Builder, interface: Interface) -> Props:
    """Descriptors of the tap and of vhost-net, one a queue."""
    alias = interface.alias or ""
    taps = [b.inherit(fd) for fd in b.context.tap_fds.get(alias, ())]
    vhosts = [b.inherit(fd) for fd in b.context.vhost_fds.get(alias, ())]
    if not taps:
        raise InternalError(f"interface '{alias}': no tap was opened for it")
    props: Props = {"type": "tap"}
    if len(taps) == 1:
        props["fd"] = str(taps[0])
    else:
        props["fds"] = ":".join(map(str, taps))
    if vhosts:
        props["vhost"] = True
        if len(vhosts) == 1:
            props["vhostfd"] = str(vhosts[0])
        else:
            props["vhostfds"] = ":".join(map(str, vhosts))
    if interface.sndbuf is not None:
        props["sndbuf"] = interface.sndbuf
    return props


def vhost_user_chardev(b: Builder, interface: Interface) -> None:
    source = interface.source
    if source is None or not source.path:
        raise InternalError("interface: type 'vhostuser' needs <source type='unix' path=.../>")
    listening = source.mode == "server"
    pairs: list[tuple[str, str | int | bool | None]] = [("id", f"char{interface.alias}"), ("path", source.path)]
    if listening:
        pairs += [("server", True)]
    if source.reconnect is not None and source.reconnect.enabled:
        pairs.append(("reconnect", source.reconnect.timeout))
    b.add("-chardev", option_word("socket", pairs))


def device_props(b: Builder, interface: Interface) -> Props:
    """The -device of a card, in libvirt's key order."""
    model = interface.model or ""
    props: Props
    if model in VIRTIO_MODELS:
        props = {"driver": virtio_driver(interface, "virtio-net", model)}
        _virtio_net(interface, props)
    else:
        props = {"driver": "usb-net" if model == "usb-net" else model}
    props["netdev"] = f"host{interface.alias}"
    props["id"] = interface.alias or ""
    props["mac"] = interface.mac or ""
    if order := b.boot_index(interface):
        props["bootindex"] = order
    if interface.teaming == "persistent":
        props["failover"] = True
    b.address(interface, props)
    rom(interface, props)
    return props


def rom(device: object, props: Props) -> None:
    """Option ROM: none, shown or hidden, from a file."""
    enabled = getattr(device, "rom_enabled", None)
    if enabled is False:
        props["romfile"] = ""
        return
    bar, path = getattr(device, "rom_bar", None), getattr(device, "rom_file", None)
    if bar is not None:
        props["rombar"] = 1 if bar else 0
    if path is not None:
        props["romfile"] = path


def _virtio_net(interface: Interface, props: Props) -> None:
    driver = interface.driver
    if driver is None:
        if interface.mtu:
            props["host_mtu"] = interface.mtu
        return
    virtio_props(driver, props)
    if driver.txmode:
        props["tx"] = {"iothread": "bh", "timer": "timer"}.get(driver.txmode, "bh")
    if driver.ioeventfd is not None:
        props["ioeventfd"] = driver.ioeventfd
    if driver.event_idx is not None:
        props["event_idx"] = driver.event_idx
    _offloads(interface, props)
    if (driver.queues or 0) > 1 and interface.type in (*TAP_TYPES, "vhostuser", "vdpa"):
        props["mq"] = True
        props["vectors"] = 2 * (driver.queues or 0) + 2
    if driver.rss is not None:
        props["rss"] = driver.rss
    if driver.rss_hash_report is not None:
        props["hash"] = driver.rss_hash_report
    if driver.rx_queue_size:
        props["rx_queue_size"] = driver.rx_queue_size
    if driver.tx_queue_size:
        props["tx_queue_size"] = driver.tx_queue_size
    if interface.mtu:
        props["host_mtu"] = interface.mtu


def _offloads(interface: Interface, props: Props) -> None:
    driver = interface.driver
    if driver is None:
        return
    if driver.host is not None:
        for name in ("csum", "gso", "tso4", "tso6", "ecn", "ufo"):
            value = getattr(driver.host, name)
            if value is not None:
                props["csum" if name == "csum" else "gso" if name == "gso" else f"host_{name}"] = value
        if driver.host.mrg_rxbuf is not None:
            props["mrg_rxbuf"] = driver.host.mrg_rxbuf
    if driver.guest is not None:
        for name in ("csum", "tso4", "tso6", "ecn", "ufo"):
            value = getattr(driver.guest, name)
            if value is not None:
                props[f"guest_{name}"] = value
