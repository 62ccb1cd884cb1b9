"""One connected UNIX socket: bytes and file descriptors both ways, writes coalesced, both queues bounded.

asyncio's own transports drop passed file descriptors, so this reads by add_reader and recvmsg.
"""

from __future__ import annotations

import array
import asyncio
import errno
import logging
import os
import select
import socket
from collections import deque
from collections.abc import Sequence
from typing import Final, Protocol

log = logging.getLogger(__name__)

HIGH_WATER: Final = 1 << 20
"""Bytes waiting to be sent above which no more calls are read and streams pause."""
LOW_WATER: Final = 1 << 18
CUT_OFF: Final = 16 << 20
"""Bytes waiting to be sent above which a client is too slow for events and is cut off."""

_BUFFER: Final = memoryview(bytearray(1 << 18))
"""What is received goes through here: one for all channels, which read in turn, and no fresh pages for each read."""
_FDS_MAX: Final = 32
_ANCILLARY: Final = socket.CMSG_SPACE(_FDS_MAX * array.array("i").itemsize)
_DEAD: Final = {errno.EPIPE, errno.ECONNRESET, errno.ENOTCONN, errno.ESHUTDOWN, errno.EBADF}
_WRITES_A_TURN: Final = 16
_IOV_MAX: Final = 256
_WATCH_SECONDS: Final = 1.0


class Owner(Protocol):
    """Who a channel reports to."""

    def received(self, data: bytes, files: list[int]) -> None:
        """Bytes arrived, and with them these descriptors, which are the owner's now."""
        ...

    def disconnected(self, reason: str) -> None:
        """The channel has closed itself or was closed; called once."""
        ...

    def writable(self) -> None:
        """The output queue has fallen below LOW_WATER after it was above HIGH_WATER."""
        ...


class Channel:
    """Not reading until `resume` is called."""

    def __init__(self, sock: socket.socket, owner: Owner) -> None:
        sock.setblocking(False)
        self._sock = sock
        self._fd = sock.fileno()  # the selector is quicker with numbers than with sockets
        self._owner = owner
        self._loop = asyncio.get_running_loop()
        self._output: deque[bytes | memoryview | int] = deque()
        """Bytes to send; an int is a descriptor that goes with one zero byte of its own."""
        self._output_size = 0
        self._above = False
        self._writing = False
        self._batch = False
        self._scheduled = False
        self._reading = False
        self._watch: asyncio.TimerHandle | None = None
        self.closed = False

    @property
    def pending(self) -> int:
        """Bytes that wait to be sent."""
        return self._output_size

    @property
    def congested(self) -> bool:
        """Whether output is above HIGH_WATER and has not fallen below LOW_WATER since."""
        return self._above

    def resume(self) -> None:
        """Reads from now on."""
        if not self._reading and not self.closed:
            self._reading = True
            self._loop.add_reader(self._fd, self._readable)

    def pause(self) -> None:
        """Leaves what the client sends in the kernel."""
        if self._reading:
            self._reading = False
            self._loop.remove_reader(self._fd)
            if self._watch is None and not self.closed:
                self._watch = self._loop.call_later(_WATCH_SECONDS, self._still_there)

    def send(self, data: bytes, files: Sequence[int] = ()) -> None:
        """Queues data, then the descriptors (closed here when they have been sent). Sent at the end of this turn."""
        if self.closed:
            for descriptor in files:
                os.close(descriptor)
            return
        self._output.append(data)
        self._output_size += len(data)
        if files:
            self._output.extend(files)
        if self._output_size > HIGH_WATER:
            self._above = True
        if not (self._batch or self._writing or self._scheduled):
            self._scheduled = True
            self._loop.call_soon(self._scheduled_flush)

    def close(self, reason: str = "closed by the daemon") -> None:
        """Closes at once; what could be sent without waiting has been."""
        if self.closed:
            return
        if not self._writing:
            self._write_out()
            if self.closed:
                return
        self._finish(reason)

    # Reading

    def _readable(self) -> None:
        try:
            size, ancillary, flags, _ = self._sock.recvmsg_into((_BUFFER,), _ANCILLARY, socket.MSG_CMSG_CLOEXEC)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._finish(f"reading failed: {error.strerror}")
            return
        files = _descriptors(ancillary) if ancillary else []
        if flags & socket.MSG_CTRUNC:
            _close_all(files)
            self._finish("passed more file descriptors than a message may have")
            return
        if not size:
            _close_all(files)
            self._finish("the client closed the connection")
            return
        self._batch = True
        try:
            self._owner.received(bytes(_BUFFER[:size]), files)
        finally:
            self._batch = False
        if self._output and not self._writing:
            self._flush()

    def _still_there(self) -> None:
        """While nothing is read, nobody sees the client go: its last words would have to be read first."""
        self._watch = None
        if self.closed or self._reading:
            return
        poller = select.poll()
        poller.register(self._fd, 0)  # a hang-up is reported unasked
        if poller.poll(0):
            self._finish("the client closed the connection while it was not read")
        else:
            self._watch = self._loop.call_later(_WATCH_SECONDS, self._still_there)

    # Writing

    def _scheduled_flush(self) -> None:
        self._scheduled = False
        if self._output and not self._writing and not self.closed:
            self._flush()

    def _flush(self) -> None:
        self._write_out()
        if self._output and not self._writing and not self.closed:
            self._writing = True
            self._loop.add_writer(self._fd, self._drain)

    def _drain(self) -> None:
        self._write_out()
        if not self._output and self._writing:
            self._writing = False
            self._loop.remove_writer(self._fd)

    def _write_out(self) -> None:
        """Sends what the kernel takes now."""
        try:
            for _ in range(_WRITES_A_TURN):
                if not self._output:
                    break
                if not self._write_once():
                    break
        except (BlockingIOError, InterruptedError):
            pass
        except OSError as error:
            self._finish("the client closed the connection" if error.errno in _DEAD else f"writing: {error.strerror}")
            return
        if self._above and self._output_size < LOW_WATER and not self.closed:
            self._above = False
            self._owner.writable()

    def _write_once(self) -> bool:
        """One send; False when the kernel took only a part."""
        output = self._output
        first = output[0]
        if isinstance(first, int):
            self._sock.sendmsg([b"\0"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [first]))])
            output.popleft()
            os.close(first)
            return True
        if len(output) == 1:
            sent = self._sock.send(first)
            self._output_size -= sent
            if sent == len(first):
                output.clear()
                return True
            output[0] = memoryview(first)[sent:]  # no copy: a reply may have 32 MiB
            return False
        run: list[bytes | memoryview] = []
        for item in output:
            if isinstance(item, int) or len(run) == _IOV_MAX:
                break
            run.append(item)
        sent = self._sock.sendmsg(run)
        self._output_size -= sent
        for item in run:
            if sent < len(item):
                output[0] = memoryview(item)[sent:]
                return False
            sent -= len(item)
            output.popleft()
        return True

    def _finish(self, reason: str) -> None:
        if self.closed:
            return
        self.closed = True
        self.pause()
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        if self._writing:
            self._writing = False
            self._loop.remove_writer(self._fd)
        _close_all([item for item in self._output if isinstance(item, int)])
        self._output.clear()
        self._output_size = 0
        self._sock.close()
        self._owner.disconnected(reason)


def _descriptors(ancillary: list[tuple[int, int, bytes]]) -> list[int]:
    files = array.array("i")
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            files.frombytes(data[: len(data) - len(data) % files.itemsize])
    return files.tolist()


def _close_all(files: Sequence[int]) -> None:
    for descriptor in files:
        os.close(descriptor)
