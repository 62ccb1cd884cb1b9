"""Frames: length, header, payload. No I/O: bytes and file descriptors go in, messages come out.

A message is a length (which counts itself), six header words and the payload. A message that passes file descriptors
starts its payload with their number, and they follow it on the socket, each with one byte of its own.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from struct import Struct
from typing import Final, NamedTuple

from pyvirtd.errors import RPCError

LENGTH_MAX: Final = 33554436
HEADER_LEN: Final = 28
FILES_MAX: Final = 32

CALL, REPLY, MESSAGE, STREAM, CALL_WITH_FILES, REPLY_WITH_FILES, STREAM_HOLE = range(7)
OK, ERROR, CONTINUE = range(3)

_head = Struct(">IIIiIIi")
_length = Struct(">I")
_hole = Struct(">qI")
_pack = _head.pack
_unpack = _head.unpack_from


class BrokenFrame(RPCError):
    """The byte stream makes no sense any more; the connection has to end."""


class Header(NamedTuple):
    """`type` is CALL .. STREAM_HOLE, `status` OK, ERROR or CONTINUE; replies and streams repeat the call's serial."""

    program: int
    version: int
    procedure: int
    type: int
    serial: int
    status: int


class Message(NamedTuple):
    """A whole message: payload without the count of file descriptors, which are in `files`."""

    program: int
    version: int
    procedure: int
    type: int
    serial: int
    status: int
    body: bytes
    files: tuple[int, ...] = ()


class Framer:
    """Cuts a byte stream into messages. Whoever owns it closes `take_files()` when the connection ends."""

    __slots__ = ("_buffer", "_files", "_waiting", "limit")

    def __init__(self, limit: int = LENGTH_MAX) -> None:
        self.limit = limit
        """The longest message taken; lower it before authentication."""
        self._buffer = bytearray()
        self._files: deque[int] = deque()
        self._waiting: tuple[Message, int] | None = None

    def feed(self, data: bytes, files: Iterable[int] = ()) -> list[Message]:
        """The messages completed by these bytes.

        BrokenFrame ends the conversation; file descriptors of messages that nobody gets to see are in `take_files`.
        """
        if files:
            self._files.extend(files)
        out: list[Message] = []
        try:
            if self._buffer or self._waiting:
                self._buffer += data
                used = self._cut(self._buffer, out)
                del self._buffer[:used]
            else:
                used = self._cut(data, out)
                if used < len(data):
                    self._buffer += data[used:]
            if self._files and (self._waiting is None or len(self._files) > FILES_MAX):
                raise BrokenFrame(f"{len(self._files)} file descriptors came that no message announced")
        except BrokenFrame:
            for message in out:
                self._files.extend(message.files)
            raise
        return out

    def _cut(self, data: bytes | bytearray, out: list[Message]) -> int:
        """Append the whole messages in `data`; returns how many bytes they took."""
        at, size = 0, len(data)
        while True:
            if self._waiting is not None:
                at = self._finish_files(data, at, out)
                if self._waiting is not None:
                    return at
            if size - at < 4:
                return at
            (length,) = _length.unpack_from(data, at)
            if not HEADER_LEN <= length <= self.limit:
                raise BrokenFrame(f"message length {length}, it must be {HEADER_LEN} to {self.limit}")
            if size - at < length:
                return at
            _, program, version, procedure, kind, serial, status = _unpack(data, at)
            body = bytes(data[at + HEADER_LEN : at + length])
            at += length
            if kind > STREAM_HOLE or not 0 <= status <= CONTINUE:
                raise BrokenFrame(f"message type {kind}, status {status}: no such thing")
            message = Message(program, version, procedure, kind, serial, status, body)
            if kind in (CALL_WITH_FILES, REPLY_WITH_FILES):
                self._waiting = _expect_files(message)
            else:
                out.append(message)

    def _finish_files(self, data: bytes | bytearray, at: int, out: list[Message]) -> int:
        """Take the bytes that carry a message's file descriptors."""
        assert self._waiting is not None
        message, missing = self._waiting
        here = min(missing, len(data) - at)
        missing -= here
        self._waiting = (message, missing)
        if not missing:
            count = _length.unpack_from(message.body)[0]
            if len(self._files) < count:
                raise BrokenFrame(f"{count} file descriptors announced, {len(self._files)} came")
            files = tuple(self._files.popleft() for _ in range(count))
            out.append(message._replace(body=message.body[4:], files=files))
            self._waiting = None
        return at + here

    def take_files(self) -> list[int]:
        """File descriptors that belong to no finished message, for closing."""
        files = list(self._files)
        self._files.clear()
        return files

    @property
    def pending(self) -> int:
        """Bytes of an unfinished message."""
        return len(self._buffer)


def _expect_files(message: Message) -> tuple[Message, int]:
    if len(message.body) < 4:
        raise BrokenFrame("a message with file descriptors does not say how many")
    (count,) = _length.unpack_from(message.body)
    if count > FILES_MAX:
        raise BrokenFrame(f"{count} file descriptors announced, at most {FILES_MAX} are allowed")
    return message, count


def encode_message(
    program: int,
    version: int,
    procedure: int,
    type: int,
    serial: int,
    status: int,
    body: bytes = b"",
    files: int = 0,
) -> bytes:
    """A whole message. With `files`, the sender follows up with that many single bytes, one descriptor each."""
    if type in (CALL_WITH_FILES, REPLY_WITH_FILES):
        body = _length.pack(files) + body
    length = HEADER_LEN + len(body)
    if length > LENGTH_MAX:
        raise RPCError(f"message of {length} bytes, the protocol carries at most {LENGTH_MAX}")
    return _pack(length, program, version, procedure, type, serial, status) + body


def encode_hole(length: int, flags: int = 0) -> bytes:
    """The payload of STREAM_HOLE: that many bytes of nothing."""
    return _hole.pack(length, flags)


def decode_hole(body: bytes) -> tuple[int, int]:
    """(length, flags); RPCError where the payload is none or the length negative."""
    if len(body) != _hole.size:
        raise RPCError(f"a stream hole of {len(body)} bytes, it must have {_hole.size}")
    length, flags = _hole.unpack(body)
    if length < 0:
        raise RPCError(f"a stream hole of length {length}")
    return length, flags


class Keepalive:
    """The keepalive program: PING asks, PONG answers; both are MESSAGEs without payload, serial 0."""

    PROGRAM: Final = 0x6B656570
    VERSION: Final = 1
    PING: Final = 1
    PONG: Final = 2


PING: Final = encode_message(Keepalive.PROGRAM, Keepalive.VERSION, Keepalive.PING, MESSAGE, 0, OK)
PONG: Final = encode_message(Keepalive.PROGRAM, Keepalive.VERSION, Keepalive.PONG, MESSAGE, 0, OK)
