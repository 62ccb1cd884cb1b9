"""A client of the raw wire for tests of the server: a socket pair, our codec, no client library."""

from __future__ import annotations

import array
import asyncio
import os
import socket
from collections.abc import Callable
from typing import Any

from pyvirtd.core.driver import Driver, DriverContext, Drivers
from pyvirtd.core.events import EventBus
from pyvirtd.core.paths import Paths
from pyvirtd.core.stream import Hole, Stream
from pyvirtd.errors import ErrorDomain, NoDomain, VirtError
from pyvirtd.protocol.calls import Call, Passed, supports
from pyvirtd.protocol.codec import args_encoder, reply_decoder
from pyvirtd.protocol.error_body import decode_error
from pyvirtd.protocol.events import decode_event
from pyvirtd.protocol.frame import (
    CALL,
    CALL_WITH_FILES,
    CONTINUE,
    ERROR,
    MESSAGE,
    OK,
    PING,
    PONG,
    REPLY,
    REPLY_WITH_FILES,
    STREAM,
    STREAM_HOLE,
    Framer,
    Keepalive,
    Message,
    decode_hole,
    encode_hole,
    encode_message,
)
from pyvirtd.protocol.qemu import QemuCalls
from pyvirtd.protocol.remote.domain import DomainGetState
from pyvirtd.protocol.remote.events import DomainEventLifecycle
from pyvirtd.protocol.remote.hypervisor import HypervisorCalls
from pyvirtd.protocol.remote.network import NetworkCalls
from pyvirtd.protocol.remote.session import SessionCalls
from pyvirtd.protocol.remote.storage import StorageCalls
from pyvirtd.protocol.types import DomainRef, StorageVolRef
from pyvirtd.server.connections import Connections
from pyvirtd.server.desk import SessionDesk
from pyvirtd.server.server import Limits, Server

DOMAIN = DomainRef("one", b"1" * 16, 3)
SCREEN = bytes(range(256)) * 400
"""A fiftieth of what the fake driver's screenshots show."""
OTHER = DomainRef("two", b"2" * 16, -1)
VOLUME = StorageVolRef("pool", "vol", "key")


class AllCalls(SessionCalls, HypervisorCalls, NetworkCalls, StorageCalls, QemuCalls):
    """What the peer can call by name."""


class FakeDriver(Driver, HypervisorCalls, QemuCalls):
    """A hypervisor of two domains that does what the tests ask of it."""

    name = "fake"
    schemes = ("fake",)
    error_domain = ErrorDomain.TEST

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.started = 0
        self.ended: list[str] = []
        self.got: list[bytes | Hole] = []
        self.files: list[int] = []
        self.release = asyncio.Event()

    async def start(self, context: DriverContext) -> None:
        self.context = context

    def default_uri(self) -> str | None:
        return "fake:///"

    def connect_get_type(self) -> str:
        return "Fake"

    def domain_lookup_by_name(self, name: str) -> DomainRef:
        for domain in (DOMAIN, OTHER):
            if domain.name == name:
                return domain
        raise NoDomain(f"no domain '{name}'")

    def connect_get_hostname(self) -> str:
        raise ValueError("a bug")

    def connect_get_max_vcpus(self, type: str | None) -> int:
        return "not a number"  # type: ignore[return-value]

    @supports(1)
    async def domain_shutdown_flags(self, dom: DomainRef, flags: int) -> None:
        self.started += 1
        await self.gate.wait()
        if dom == OTHER:
            raise NoDomain("it went away", domain=ErrorDomain.QEMU)

    def domain_create_with_files(self, dom: DomainRef, flags: int, files: list[int]) -> DomainRef:
        self.files = [os.dup(descriptor) for descriptor in files]
        return dom

    def domain_open_graphics_fd(self, dom: DomainRef, idx: int, flags: int) -> Passed[None]:
        read, write = os.pipe()
        self.files = [write]
        return Passed(None, [read])

    def domain_get_state(self, dom: DomainRef, flags: int) -> DomainGetState:
        return DomainGetState(1, 1)

    def domain_suspend(self, dom: DomainRef) -> None:
        self.context.events.emit(DomainEventLifecycle(dom, 3, 0))

    def domain_screenshot(self, dom: DomainRef, screen: int, flags: int, stream: Stream) -> str:
        async def send(stream: Stream) -> None:
            for _ in range(50):
                await stream.write(SCREEN)

        stream.serve(send)
        return "image/x-portable-pixmap"

    def domain_open_console(self, dom: DomainRef, dev_name: str | None, flags: int, stream: Stream) -> None:
        async def echo(stream: Stream) -> None:
            try:
                while data := await stream.read():
                    assert isinstance(data, bytes)
                    await stream.write(data)
            finally:
                self.ended.append("console")

        if dev_name != "unserved":
            stream.serve(echo)


class FakeStorage(Driver, StorageCalls):
    """A secondary driver of one volume."""

    name = "fakestorage"
    error_domain = ErrorDomain.STORAGE

    def __init__(self, hypervisor: FakeDriver) -> None:
        self.hypervisor = hypervisor

    def storage_vol_upload(self, vol: StorageVolRef, offset: int, length: int, flags: int, stream: Stream) -> None:
        async def take(stream: Stream) -> None:
            try:
                await self.hypervisor.release.wait()
                while (data := await stream.read()) != b"":
                    self.hypervisor.got.append(data)
                if vol.name == "bad":
                    raise NoDomain("it cannot be written")
            finally:
                self.hypervisor.ended.append("upload")

        stream.serve(take)

    @supports(1)
    async def storage_vol_download(
        self, vol: StorageVolRef, offset: int, length: int, flags: int, stream: Stream
    ) -> None:
        async def give(stream: Stream) -> None:
            try:
                await stream.hole(offset)
                for at in range(0, length, 1 << 20):
                    await stream.write(b"z" * min(1 << 20, length - at))
                if vol.name == "bad":
                    raise RuntimeError("a bug")
            finally:
                self.hypervisor.ended.append("download")

        stream.serve(give)


async def until(condition: Callable[[], object], seconds: float = 10.0) -> None:
    """Waits for something that has no event to wait for."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


class Peer:
    """One client: `call` waits for its reply; what comes unasked is in `events` and `inbox`."""

    def __init__(self, world: World, sock: socket.socket) -> None:
        self.world, self.sock = world, sock
        self.framer = Framer()
        self.serial = 0
        self.inbox: list[Message] = []
        self.closed = False

    async def call(self, name: str, *args: Any, files: tuple[int, ...] = ()) -> Any:
        """Raises the VirtError that comes back; the value is a Passed where descriptors came."""
        serial = await self.send_call(name, *args, files=files)
        return await self.reply(name, serial)

    async def send_call(self, name: str, *args: Any, files: tuple[int, ...] = ()) -> int:
        declared = AllCalls.calls[name]
        return await self.send_body(declared, args_encoder(declared)(*args), files)

    async def send_body(self, declared: Call, body: bytes, files: tuple[int, ...] = ()) -> int:
        self.serial += 1
        kind = CALL_WITH_FILES if files else CALL
        await self.send(
            encode_message(declared.program, 1, declared.number, kind, self.serial, OK, body, len(files))
        )
        for descriptor in files:
            self.sock.sendmsg([b"\0"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [descriptor]))])
        return self.serial

    async def send(self, data: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(self.sock, data)

    async def stream(self, name: str, serial: int, data: bytes | Hole = b"", status: int = CONTINUE) -> None:
        declared = AllCalls.calls[name]
        body = encode_hole(data.length) if isinstance(data, Hole) else data
        kind = STREAM_HOLE if isinstance(data, Hole) else STREAM
        await self.send(encode_message(declared.program, 1, declared.number, kind, serial, status, body))

    async def reply(self, name: str, serial: int) -> Any:
        message = await self.find(lambda m: m.type in (REPLY, REPLY_WITH_FILES) and m.serial == serial)
        if message.status == ERROR:
            raise decode_error(message.body)
        value = reply_decoder(AllCalls.calls[name])(message.body)
        return Passed(value, list(message.files)) if message.files else value

    async def stream_message(self, serial: int) -> tuple[str, Any]:
        """("data", bytes), ("hole", length), ("finish", None) or ("error", VirtError)."""
        message = await self.find(lambda m: m.type in (STREAM, STREAM_HOLE) and m.serial == serial)
        if message.type == STREAM_HOLE:
            return "hole", decode_hole(message.body)[0]
        if message.status == CONTINUE:
            return "data", message.body
        return ("finish", None) if message.status == OK else ("error", decode_error(message.body))

    async def event(self) -> tuple[int | None, Any]:
        """(callback id or None, event)."""
        message = await self.find(lambda m: m.type == MESSAGE and m.program != Keepalive.PROGRAM)
        return decode_event(message.program, message.procedure, message.body)

    async def keepalive(self) -> bytes:
        message = await self.find(lambda m: m.program == Keepalive.PROGRAM)
        return PING if message.procedure == Keepalive.PING else PONG

    async def find(self, wanted: Any, timeout: float = 5.0) -> Message:
        """The first message that fits, also of those that came before; EOFError when the daemon closes."""
        async with asyncio.timeout(timeout):
            while True:
                for index, message in enumerate(self.inbox):
                    if wanted(message):
                        return self.inbox.pop(index)
                if self.closed:
                    raise EOFError("the daemon closed the connection")
                await self.more()

    async def more(self) -> None:
        loop = asyncio.get_running_loop()
        ready = loop.create_future()
        loop.add_reader(self.sock, ready.set_result, None)
        try:
            await ready
        finally:
            loop.remove_reader(self.sock)
        try:
            data, files, _, _ = socket.recv_fds(self.sock, 1 << 20, 8)
        except ConnectionResetError:
            data, files = b"", []
        if not data:
            self.closed = True
        self.inbox += self.framer.feed(data, files)

    async def is_cut_off(self, timeout: float = 5.0) -> bool:
        """Whether the daemon closes the connection; throws away what comes before."""
        async with asyncio.timeout(timeout):
            while not self.closed:
                await self.more()
        return True

    async def quiet(self, seconds: float = 0.05) -> bool:
        """Whether nothing comes for that long."""
        try:
            async with asyncio.timeout(seconds):
                await self.more()
        except TimeoutError:
            return not self.inbox
        return False

    def close(self) -> None:
        self.sock.close()


class World:
    """A server with the fake drivers; `peer` connects a client."""

    def __init__(self, root: Any, limits: Limits | None = None) -> None:
        self.driver = FakeDriver()
        self.storage = FakeStorage(self.driver)
        self.drivers = Drivers()
        self.events, self.storage_events = EventBus(), EventBus()
        self.driver.context = DriverContext(Paths.under(root), self.events, self.drivers, False)
        self.drivers.add(self.storage)
        self.drivers.add(self.driver)
        buses = {"fake": self.events, "fakestorage": self.storage_events}
        self.desk = SessionDesk(Connections(self.drivers, buses))
        self.server = Server("libvirtd", self.desk.greeting, [AllCalls], limits or Limits())
        self.peers: list[Peer] = []

    def connect(self, *, readonly: bool = False, send_buffer: int = 0) -> Peer:
        ours, theirs = socket.socketpair()
        if send_buffer:  # what the kernel holds of the server's words, whatever the host's default
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
        theirs.setblocking(False)
        self.server._accepted(ours, readonly)
        self.peers.append(peer := Peer(self, theirs))
        return peer

    async def peer(
        self, uri: str | None = "fake:///", flags: int = 0, *, readonly: bool = False, send_buffer: int = 0
    ) -> Peer:
        peer = self.connect(readonly=readonly, send_buffer=send_buffer)
        await peer.call("auth_list")
        await peer.call("connect_open", uri, flags)
        return peer

    def close(self) -> None:
        for peer in self.peers:
            peer.close()
        self.server.close()


__all__ = ["DOMAIN", "OTHER", "VOLUME", "AllCalls", "FakeDriver", "Peer", "VirtError", "World", "until"]
