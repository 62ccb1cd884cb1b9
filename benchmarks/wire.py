"""The least client that can ask a daemon: raw frames on a blocking socket, so that only the daemon is measured."""

from __future__ import annotations

import socket
import struct
from typing import Final

HEADER: Final = struct.Struct(">IIIiiIi")  # length, program, version, procedure, type, serial, status
REMOTE: Final = 0x20008086
REPLY: Final = 1


def string(text: str) -> bytes:
    """An XDR string."""
    data = text.encode()
    return struct.pack(">I", len(data)) + data + bytes(-len(data) % 4)


def number(value: int) -> bytes:
    """An XDR unsigned int."""
    return struct.pack(">I", value)


class Refused(Exception):
    """The daemon answered with an error."""


class Client:
    """A connection that is open on `uri`."""

    def __init__(self, path: str, uri: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(120)
        self._socket.connect(path)
        self._serial = 0
        self._unread = bytearray()
        self.call(66)  # auth list
        self.call(1, number(1) + string(uri) + number(0))

    def send(self, procedure: int, body: bytes = b"") -> None:
        """Send a call."""
        self._serial += 1
        self._socket.sendall(
            HEADER.pack(HEADER.size + len(body), REMOTE, 1, procedure, 0, self._serial, 0) + body)

    def receive(self) -> bytes:
        """The body of the next reply."""
        while True:
            size = int.from_bytes(self._unread[:4], "big") if len(self._unread) >= 4 else 0
            if size and len(self._unread) >= size:
                message = bytes(self._unread[:size])
                del self._unread[:size]
                _, _, _, procedure, kind, _, status = HEADER.unpack_from(message)
                if kind != REPLY:
                    continue
                if status:
                    raise Refused(f"procedure {procedure}: {message[HEADER.size:][:200]!r}")
                return message[HEADER.size:]
            data = self._socket.recv(1 << 20)
            if not data:
                raise EOFError("the daemon closed the connection")
            self._unread += data

    def call(self, procedure: int, body: bytes = b"") -> bytes:
        """Call and wait for the reply's body."""
        self.send(procedure, body)
        return self.receive()

    def close(self) -> None:
        """Close the connection in good order."""
        try:
            self.call(2)
        finally:
            self._socket.close()


def reference(body: bytes) -> bytes:
    """The domain reference (name, uuid, id) that a reply begins with."""
    size = int.from_bytes(body[:4], "big")
    return body[: 4 + size + (-size % 4) + 20]
