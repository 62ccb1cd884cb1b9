"""A UNIX socket under asyncio that also carries file descriptors, which asyncio's own transports drop."""

from __future__ import annotations

import array
import asyncio
import os
import socket
from collections import deque
from collections.abc import Callable, Iterable

from pyvirtd.errors import VirtError
from pyvirtd.protocol.frame import FILES_MAX, Framer, Message

CHUNK = 1 << 18
HIGH_WATER = 1 << 20
"""Bytes waiting to be sent at which writers are asked to wait."""

_INT = array.array("i").itemsize


class Transport:
    """Messages in through `on_message`, the end through `on_lost` (once, None for an orderly end)."""

    def __init__(
        self,
        sock: socket.socket,
        on_message: Callable[[Message], None],
        on_lost: Callable[[Exception | None], None],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._sock = sock
        self._framer = Framer()
        self._on_message, self._on_lost = on_message, on_lost
        self._out: deque[tuple[memoryview, int | None]] = deque()
        self._waiting = 0
        self._drained: list[asyncio.Future[None]] = []
        self._reading = True
        self.closed = False
        sock.setblocking(False)
        self._loop.add_reader(sock, self._readable)

    @classmethod
    async def open(
        cls, path: str, on_message: Callable[[Message], None], on_lost: Callable[[Exception | None], None]
    ) -> Transport:
        """Connect; OSError where nobody listens."""
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        try:
            sock.setblocking(False)
            await asyncio.get_running_loop().sock_connect(sock, path)
        except BaseException:
            sock.close()
            raise
        return cls(sock, on_message, on_lost)

    # In

    def _readable(self) -> None:
        try:
            data, ancillary, _, _ = self._sock.recvmsg(CHUNK, socket.CMSG_SPACE(FILES_MAX * _INT))
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self.close(error)
            return
        files = _files(ancillary)
        if not data:
            self.close(None)
            return
        try:
            for message in self._framer.feed(data, files):
                self._on_message(message)
        except VirtError as error:
            self.close(error)

    def pause(self, paused: bool) -> None:
        """Stop or go on taking from the socket."""
        if self.closed or paused != self._reading:
            return
        self._reading = not paused
        if paused:
            self._loop.remove_reader(self._sock)
        else:
            self._loop.add_reader(self._sock, self._readable)

    # Out

    def send(self, data: bytes, files: Iterable[int] = ()) -> None:
        """Queue a message, then each file descriptor with a byte of its own; they are duplicated at once."""
        if self.closed:
            return
        idle = not self._out
        self._out.append((memoryview(data), None))
        self._waiting += len(data)
        for file in files:
            self._out.append((memoryview(b"\0"), os.dup(file)))
            self._waiting += 1
        if idle:
            self._writable()

    def _writable(self) -> None:
        try:
            while self._out:
                data, file = self._out[0]
                sent = self._send_one(data, file)
                self._waiting -= sent
                if sent < len(data):
                    self._out[0] = (data[sent:], file)
                else:
                    self._out.popleft()
        except (BlockingIOError, InterruptedError):
            self._loop.add_writer(self._sock, self._writable)
        except OSError as error:
            self.close(error)
            return
        else:
            self._loop.remove_writer(self._sock)
        if self._waiting < HIGH_WATER:
            self._wake()

    def _send_one(self, data: memoryview, file: int | None) -> int:
        if file is None:
            return self._sock.send(data)
        sent = self._sock.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [file]))])
        os.close(file)
        return sent

    def _wake(self) -> None:
        waiters, self._drained = self._drained, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def drain(self) -> None:
        """Wait until less than HIGH_WATER is queued."""
        if self._waiting >= HIGH_WATER and not self.closed:
            waiter = self._loop.create_future()
            self._drained.append(waiter)
            await waiter

    def close(self, error: Exception | None = None) -> None:
        """End it; what is still queued is dropped."""
        if self.closed:
            return
        self.closed = True
        self._loop.remove_reader(self._sock)
        self._loop.remove_writer(self._sock)
        self._sock.close()
        for file in self._framer.take_files():
            os.close(file)
        for _, queued in self._out:
            if queued is not None:
                os.close(queued)
        self._out.clear()
        self._wake()
        self._on_lost(error)


def _files(ancillary: list[tuple[int, int, bytes]]) -> list[int]:
    files = array.array("i")
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            files.frombytes(data[: len(data) - len(data) % _INT])
    for file in files:
        os.set_inheritable(file, False)
    return list(files)
