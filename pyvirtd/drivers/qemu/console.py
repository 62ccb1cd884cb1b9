"""Consoles and channels as streams: a client talks to a guest's serial line through its terminal or socket."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
import socket
from collections.abc import Callable
from typing import Any, Final

from pyvirtd.core.domain import Domain
from pyvirtd.core.modifies import queries
from pyvirtd.core.stream import Hole, Stream
from pyvirtd.drivers.qemu.machine import Machine
from pyvirtd.drivers.qemu.noun import Noun, machine_of
from pyvirtd.errors import InternalError, InvalidArg, OperationAborted, OperationFailed
from pyvirtd.host.pty import open_console
from pyvirtd.protocol.calls import supports
from pyvirtd.protocol.constants.domain import DomainChannelFlags, DomainConsoleFlags

log = logging.getLogger(__name__)

_PIECE: Final = 64 << 10


class ConsoleCalls(Noun):
    """domain_open_console, domain_open_channel."""

    @supports(DomainConsoleFlags.FORCE | DomainConsoleFlags.SAFE)
    @queries
    def domain_open_console(self, dom: Domain, dev_name: str | None, flags: int, stream: Stream) -> None:
        machine = machine_of(dom)
        device = _console(dom, dev_name)
        self._serve(machine, device, stream, force=bool(flags & DomainConsoleFlags.FORCE))

    @supports(DomainChannelFlags.FORCE)
    @queries
    def domain_open_channel(self, dom: Domain, name: str | None, flags: int, stream: Stream) -> None:
        machine = machine_of(dom)
        device = _channel(dom, name)
        self._serve(machine, device, stream, force=bool(flags & DomainChannelFlags.FORCE))

    def _serve(self, machine: Machine, device: Any, stream: Stream, *, force: bool) -> None:
        sessions: dict[str, ConsoleSession] = machine.facts.setdefault("consoles", {})
        alias = str(device.alias)
        before = sessions.get(alias)
        if before is not None:
            if not force:
                raise OperationFailed(f"{machine}: somebody else uses {alias}; they can be cut off with force")
            before.cut_off()
        session = ConsoleSession(_open(device), lambda: _forget(sessions, alias, session))
        sessions[alias] = session
        stream.serve(session.run)


def _forget(sessions: dict[str, ConsoleSession], alias: str, session: ConsoleSession) -> None:
    if sessions.get(alias) is session:
        del sessions[alias]


class ConsoleSession:
    """One client on one line; bytes both ways until either side ends."""

    def __init__(self, fd: int, on_end: Callable[[], None]) -> None:
        self._fd, self._on_end = fd, on_end
        self._cut: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def cut_off(self) -> None:
        """Somebody with more right to it takes over."""
        if not self._cut.done():
            self._cut.set_result(None)
        self._on_end()

    async def run(self, stream: Stream) -> None:
        """The stream's handler."""
        up = asyncio.ensure_future(self._from_guest(stream))
        down = asyncio.ensure_future(self._to_guest(stream))
        try:
            done, _ = await asyncio.wait([up, down, self._cut], return_when=asyncio.FIRST_COMPLETED)
            if self._cut in done:
                raise OperationAborted("somebody else took over this console")
            for task in (up, down):
                if task in done:
                    task.result()
        finally:
            for task in (up, down):
                task.cancel()
            await asyncio.wait([up, down])
            os.close(self._fd)
            self._on_end()

    async def _from_guest(self, stream: Stream) -> None:
        while True:
            try:
                data = os.read(self._fd, _PIECE)
            except BlockingIOError:
                await _ready(self._fd, write=False)
                continue
            except OSError as error:
                if error.errno == errno.EIO:  # the other end of the terminal is closed: QEMU has ended
                    return
                raise OperationFailed(f"cannot read from the console: {error.strerror}") from error
            if not data:
                return
            await stream.write(data)

    async def _to_guest(self, stream: Stream) -> None:
        while data := await stream.read():
            if isinstance(data, Hole):
                raise InvalidArg("a console takes no holes")
            rest = memoryview(data)
            while rest:
                try:
                    rest = rest[os.write(self._fd, rest) :]
                except BlockingIOError:
                    await _ready(self._fd, write=True)
                except OSError as error:
                    raise OperationFailed(f"cannot write to the console: {error.strerror}") from error


async def _ready(fd: int, *, write: bool) -> None:
    """Wait until the descriptor can be read or written."""
    loop = asyncio.get_running_loop()
    ready = loop.create_future()
    add, remove = (loop.add_writer, loop.remove_writer) if write else (loop.add_reader, loop.remove_reader)
    add(fd, lambda: None if ready.done() else ready.set_result(None))
    try:
        await ready
    finally:
        remove(fd)


def _console(dom: Domain, name: str | None) -> Any:
    """The console, serial or parallel line of that alias; the first console, or else serial line, without one."""
    devices = dom.current.devices
    if name is None:
        if devices.consoles:
            first = devices.consoles[0]
            # A first console of the kind "serial" is the first serial line under another name.
            return devices.serials[0] if first.target_type in (None, "serial") and devices.serials else first
        if devices.serials:
            return devices.serials[0]
        raise InternalError(f"{dom} has no console")
    for device in (*devices.consoles, *devices.serials, *devices.parallels):
        if device.alias == name:
            return device
    raise InvalidArg(f"{dom} has no console, serial or parallel device '{name}'")


def _channel(dom: Domain, name: str | None) -> Any:
    """The channel of that name or alias; the first without one."""
    channels = dom.current.devices.channels
    for channel in channels:
        if name is None or name in (channel.name, channel.alias):
            return channel
    raise InvalidArg(f"{dom} has no channel{'' if name is None else f' {name!r}'}")


def _open(device: Any) -> int:
    """A non-blocking descriptor for the host's end. Raises OperationFailed, InternalError."""
    source = device.backend.source
    path = source.path if source is not None else None
    if device.backend.type == "pty" and path:
        return open_console(path)
    if device.backend.type == "unix" and path:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
        with contextlib.closing(sock):
            try:
                sock.connect(path)
            except OSError as error:
                raise OperationFailed(f"cannot connect to {path}: {error.strerror}") from error
            return sock.detach()
    raise InternalError(f"{device.alias} is a {device.backend.type}; only a pty or a unix socket can be talked to")
