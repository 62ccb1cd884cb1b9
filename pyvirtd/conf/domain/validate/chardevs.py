"""What is checked of character devices' backends."""

from __future__ import annotations

from collections.abc import Iterator

from pyvirtd.conf.domain.chardev import Backend, Chardev
from pyvirtd.conf.domain.domain import DomainDef
from pyvirtd.errors import ErrorDomain, InternalError, XMLError

DOMAIN = ErrorDomain.DOMAIN
WITH_PATH = ("dev", "file", "pipe")


def check_chardevs(domain: DomainDef) -> None:
    """Every backend has what its type needs. (A virtio channel's unix path is the driver's to choose.)"""
    for backend, chosen in _backends(domain):
        check_backend(backend, path_chosen=chosen)


def _backends(domain: DomainDef) -> Iterator[tuple[Backend, bool]]:
    devices = domain.devices
    for channel in devices.channels:
        yield channel.backend, channel.target_type in ("virtio", "xen")
    ports: list[Chardev] = [*devices.serials, *devices.parallels, *devices.consoles]
    for port in ports:
        yield port.backend, False
    for redirdev in devices.redirdevs:
        yield redirdev.backend, redirdev.backend.type == "dbus"
    for card in devices.smartcards:
        if card.mode == "passthrough":
            yield card.backend, False
    for rng in devices.rngs:
        if rng.backend.model == "egd":
            yield rng.backend.chardev, False


def check_backend(backend: Backend, *, path_chosen: bool = False) -> None:
    """One backend."""
    kind = backend.type
    most = 2 if kind == "udp" else 1
    if len(backend.sources) > most:
        raise XMLError(f"a {kind} character device has at most {most} <source>, not {len(backend.sources)}",
                       domain=DOMAIN)  # fmt: skip
    source = backend.source
    if kind in WITH_PATH and (source is None or not source.path):
        raise InternalError(f"a {kind} character device has to have a source path", domain=DOMAIN)
    if kind == "unix" and not path_chosen and (source is None or not source.path):
        raise InternalError("a unix character device has to have a source path", domain=DOMAIN)
    if kind == "tcp":
        if source is None or not source.host:
            raise InternalError("a tcp character device has to have a source host", domain=DOMAIN)
        if not source.service:
            raise InternalError("a tcp character device has to have a source service", domain=DOMAIN)
    if kind == "udp" and not ((end := backend.end("connect")) is not None and end.service):
        raise InternalError("a udp character device has to have a service to connect to", domain=DOMAIN)
    if kind == "nmdm" and (source is None or not source.master or not source.slave):
        raise InternalError("an nmdm character device has to have a master and a slave", domain=DOMAIN)
    if kind in ("spiceport", "dbus") and not path_chosen and (source is None or not source.channel):
        raise InternalError(f"a {kind} character device has to have a channel", domain=DOMAIN)
    if source is None or source.reconnect is None or not source.reconnect.enabled or kind not in ("tcp", "unix"):
        return
    if source.mode == "bind" or (kind == "unix" and path_chosen and not source.path):
        raise InternalError("reconnect is for character devices that connect, not for those that bind", domain=DOMAIN)
