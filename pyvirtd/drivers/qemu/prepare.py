"""What a live definition gets at its start that none on disk has: ports, sockets' paths, firmware variables."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pyvirtd.conf.domain.chardev import ChardevSource
from pyvirtd.conf.domain.domain import DomainDef
from pyvirtd.conf.domain.filesystem import FilesystemBinary
from pyvirtd.conf.domain.graphics import Listen, Spice, Vnc
from pyvirtd.drivers.qemu.helpers import virtiofsd_program
from pyvirtd.errors import ConfigUnsupported, HostSystemError, OperationFailed
from pyvirtd.store.atomic import TEMPORARY
from pyvirtd.store.steps import reach

if TYPE_CHECKING:
    from pyvirtd.drivers.qemu.machine import Machine
    from pyvirtd.drivers.qemu.runtime import Runtime

VNC_PORTS: Final = range(5900, 65536)
WEBSOCKET_PORTS: Final = range(5700, 65536)


def give_places(runtime: Runtime, machine: Machine, live: DomainDef) -> None:
    """Paths and ports for what asks for automatic ones."""
    for channel in live.devices.channels:
        backend = channel.backend
        if backend.type == "unix" and not (backend.source and backend.source.path):
            source = backend.source or ChardevSource(mode="bind")
            source.mode = source.mode or "bind"
            source.path = str(runtime.channel_dir / machine.run_dir.name / (channel.name or channel.alias or "channel"))
            backend.sources = [source]
    for source in _without_tls(live):
        if source.tls is None:
            source.tls = False
    for fs in live.devices.filesystems:
        if fs.driver is not None and fs.driver.type == "virtiofs" and not (fs.source and fs.source.socket):
            fs.binary = fs.binary or FilesystemBinary()
            fs.binary.path = fs.binary.path or virtiofsd_program(machine)
    taken = set(_ports_in_use(runtime))
    for graphics in live.devices.graphics:
        if isinstance(graphics, Vnc):
            _vnc_ports(runtime, graphics, taken)
        elif isinstance(graphics, Spice):
            _spice_ports(runtime, graphics, taken)
        for listen in getattr(graphics, "listens", ()):
            if listen.type == "socket" and not listen.socket:
                listen.socket = str(machine.run_dir / f"{graphics.type}.sock")
                if isinstance(graphics, Vnc) and listen is graphics.listens[0]:
                    graphics.socket = listen.socket
        if isinstance(graphics, Vnc | Spice) and graphics.listens:
            # The old attribute repeats the first element.
            graphics.listen = graphics.listens[0].address


def _without_tls(live: DomainDef) -> Iterator[Any]:
    """Sources that could be encrypted: a live definition says that they are not."""
    devices = live.devices
    for device in (*devices.serials, *devices.parallels, *devices.channels, *devices.consoles):
        if device.backend.type == "tcp":
            yield from device.backend.sources
    for disk in devices.disks:
        if disk.source is not None and disk.source.protocol in ("nbd", "vxhs"):
            yield disk.source


def _vnc_ports(runtime: Runtime, graphics: Vnc, taken: set[int]) -> None:
    address = _address(graphics.listens, runtime.settings.vnc_listen)
    if not _on_network(graphics.listens):
        return
    if graphics.port in (None, -1) or graphics.autoport:
        graphics.port = free_port(VNC_PORTS, address, taken)
    if graphics.websocket == -1:
        graphics.websocket = free_port(WEBSOCKET_PORTS, address, taken)


def _spice_ports(runtime: Runtime, graphics: Spice, taken: set[int]) -> None:
    address = _address(graphics.listens, runtime.settings.spice_listen)
    if not _on_network(graphics.listens):
        return
    if graphics.port == -1 or (graphics.autoport and graphics.port in (None, 0)):
        graphics.port = free_port(VNC_PORTS, address, taken)
    if graphics.tls_port == -1:
        graphics.tls_port = free_port(VNC_PORTS, address, taken)


def _on_network(listens: Iterable[Listen]) -> bool:
    kinds = [listen.type for listen in listens]
    return not kinds or kinds[0] in ("address", "network")


def _address(listens: list[Listen], default: str) -> str:
    """Where it will listen; the live definition says so, too."""
    if not listens:
        return default
    if listens[0].type == "address" and not listens[0].address:
        listens[0].address, listens[0].from_config = default, 1
    return listens[0].address or default


def free_port(ports: Iterable[int], address: str, taken: set[int]) -> int:
    """The first port of the range that nobody has; it is noted in `taken`. Raises OperationFailed."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    for port in ports:
        if port in taken:
            continue
        with socket.socket(family, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
            except OSError:
                continue
        taken.add(port)
        return port
    raise OperationFailed(f"there is no free port for a display on {address}")


def _ports_in_use(runtime: Runtime) -> Iterator[int]:
    """Ports of running guests: one that is being started may not have bound its own yet."""
    for domain in runtime.domains.active:
        for graphics in domain.live.devices.graphics if domain.live is not None else ():
            for name in ("port", "tls_port", "websocket"):
                port = getattr(graphics, name, None)
                if isinstance(port, int) and port > 0:
                    yield port


def make_nvram(runtime: Runtime, live: DomainDef, *, reset: bool) -> None:
    """The firmware's variables: copied from their template the first time, or again. Raises HostSystemError."""
    nvram, loader = live.os.nvram, live.os.loader
    if nvram is None or not nvram.path:
        return
    path = Path(nvram.path)
    if path.exists() and not reset:
        return
    template = nvram.template
    if not template:
        raise ConfigUnsupported(
            f"no template of the firmware's variables is known for {loader.path if loader else 'this firmware'}: "
            f"name one in <nvram template='...'>, or make {path}"
        )
    temporary = path.with_name(path.name + TEMPORARY)
    try:
        path.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
        with open(template, "rb") as source, open(temporary, "wb", opener=_private) as target:
            shutil.copyfileobj(source, target)
            target.flush()
            os.fsync(target.fileno())
        reach("rename", str(path))
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise HostSystemError(f"cannot make {path} from {template}: {error.strerror}") from error


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW, 0o600)
