"""Character devices whose backend doesn't add up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyvirtd.errors import ConfigUnsupported, ErrorDomain, InternalError, InvalidArg, XMLError

if TYPE_CHECKING:
    from pyvirtd.conf.domain.chardev import Backend
    from pyvirtd.conf.domain.domain import DomainDef

NEED_PATH = ("file", "pipe", "dev", "unix")


def check_chardevs(definition: DomainDef) -> None:
    devices = definition.devices
    for kind in ("serials", "parallels", "consoles", "channels", "redirdevs", "smartcards"):
        for device in getattr(devices, kind):
            virtio = kind == "channels" and device.target_type == "virtio"
            if kind == "smartcards" and device.mode != "passthrough":
                continue
            check_backend(device.backend, kind.removesuffix("s"), path_optional=virtio)
    for rng in devices.rngs:
        if rng.backend.model == "egd":
            check_backend(rng.backend.chardev, "rng", path_optional=False)
    spice = any(graphics.type == "spice" for graphics in devices.graphics)
    for serial in devices.serials:
        if serial.backend.type == "spiceport" and not spice:
            raise ConfigUnsupported("serial: a spiceport needs <graphics type='spice'>")


def check_backend(backend: Backend, what: str, *, path_optional: bool) -> None:
    limit = 2 if backend.type == "udp" else 1
    if len(backend.sources) > limit:
        raise XMLError(f"{what}: a {backend.type} backend has {limit} <source> at most", domain=ErrorDomain.DOMAIN)
    source = backend.source
    if backend.type in NEED_PATH and not (source is not None and source.path):
        if not (path_optional and backend.type == "unix"):
            raise InternalError(f"{what}: a {backend.type} backend needs <source path=''/>", domain=ErrorDomain.DOMAIN)
    if backend.type in ("tcp", "udp"):
        end = source if backend.type == "tcp" else backend.end("connect")
        if end is None or not end.service:
            raise InternalError(f"{what}: a {backend.type} backend needs a service (port)", domain=ErrorDomain.DOMAIN)
    check_reconnect(backend, what, generated=path_optional)


def check_reconnect(backend: Backend, what: str, *, generated: bool) -> None:
    source = backend.source
    if source is None or source.reconnect is None or not source.reconnect.enabled:
        return
    listening = source.mode == "bind" or (backend.type == "unix" and generated and not source.path)
    if listening:
        raise InternalError(f"{what}: only the side that connects can reconnect", domain=ErrorDomain.DOMAIN)
    if source.reconnect.timeout == 0:
        raise InvalidArg(f"{what}: reconnect has a timeout of 0, 1 second is the least", domain=ErrorDomain.DOMAIN)
