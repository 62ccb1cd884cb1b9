"""The guest agent's protocol over its channel's socket: one command at a time, nothing in it trusted.

Each command is preceded by a handshake (guest-sync-delimited) whenever the last exchange did not end in order, so that
an answer that came too late is never taken for the answer to something else. Calls through the agent have their own
queue and their own deadline: they never hold the domain's job. Source: qemu-ga-ref(7).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import random
import time
from collections.abc import Mapping
from typing import Any, Final

from pyvirtd.errors import AgentCommandFailed, AgentCommandTimeout, AgentUnresponsive, AgentUnsynced, InvalidArg

log = logging.getLogger(__name__)

LONGEST_REPLY: Final = 16 << 20
"""Bytes. guest-file-read gives at most 48 MB of base64; who wants more reads in pieces."""
LONGEST_WAIT: Final = 300.0
"""Seconds that "wait for ever" lasts."""

BLOCK: Final = -2
DEFAULT: Final = -1
NOWAIT: Final = 0
"""VIR_DOMAIN_QEMU_AGENT_COMMAND_*."""

Json = Any


class Agent:
    """The host's end of one guest's agent channel; `path` is the socket's. Connects when first used."""

    def __init__(self, what: str, path: str, *, handshake_timeout: float = 5.0) -> None:
        self.what, self.path, self.handshake_timeout = what, path, handshake_timeout
        self.response_timeout = BLOCK
        """Seconds that commands get that do not say otherwise; BLOCK: as long as anything may last."""
        self._lock = asyncio.Lock()
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._synced = False
        self._closed = False

    async def run(
        self, command: str, arguments: Mapping[str, Json] | None = None, *, timeout: int = DEFAULT,
        may_vanish: bool = False,
    ) -> Json:
        """Run a command; what it returns. `timeout`: seconds, or BLOCK, DEFAULT, NOWAIT.

        `may_vanish`: the guest may go down instead of answering (guest-shutdown, guest-suspend-*), which is success.
        Raises AgentUnresponsive (no handshake), AgentCommandTimeout, AgentCommandFailed (the agent's own error).
        """
        request: dict[str, Json] = {"execute": command}
        if arguments:
            request["arguments"] = dict(arguments)
        reply = await self.exchange(request, timeout=timeout, may_vanish=may_vanish)
        return reply.get("return") if reply is not None else None

    async def exchange(
        self, request: Mapping[str, Json], *, timeout: int = DEFAULT, may_vanish: bool = False
    ) -> dict[str, Json] | None:
        """A whole request for a whole reply; None when the guest vanished as it may."""
        name = str(request.get("execute"))
        seconds = self._seconds(timeout)
        deadline = time.monotonic() + self.handshake_timeout + seconds
        try:
            async with asyncio.timeout(self.handshake_timeout + seconds):
                await self._lock.acquire()
        except TimeoutError:
            raise AgentUnresponsive(f"{self.what}: the guest agent is busy with another command") from None
        try:
            await self._handshake()
            self._synced = False
            reply = await self._command(name, request, min(seconds, max(0.0, deadline - time.monotonic())), may_vanish)
            self._synced = reply is not None
        finally:
            self._lock.release()
        return None if reply is None else self._checked(name, reply)

    def _seconds(self, timeout: int) -> float:
        if timeout < BLOCK:
            raise InvalidArg(f"a guest agent's timeout is -2 (block), -1 (default), 0 (no wait) or more, not {timeout}")
        chosen = self.response_timeout if timeout == DEFAULT else timeout
        if chosen in (BLOCK, DEFAULT):
            return LONGEST_WAIT
        return min(float(chosen), LONGEST_WAIT)

    async def _handshake(self) -> None:
        if self._synced:
            return
        number = random.getrandbits(31)
        try:
            async with asyncio.timeout(self.handshake_timeout):
                await self._connect()
                # 0xFF makes the guest's parser drop what it had; it also marks where the answer to this begins.
                self._send(b"\xff", {"execute": "guest-sync-delimited", "arguments": {"id": number}})
                while True:
                    if (await self._receive()).get("return") == number:
                        break
        except TimeoutError:
            raise AgentUnresponsive(
                f"{self.what}: the guest agent did not answer the handshake within {self.handshake_timeout:g} s"
            ) from None
        except (OSError, EOFError) as error:
            self._drop()
            raise AgentUnresponsive(f"{self.what}: the guest agent's channel is closed: {error}") from None
        self._synced = True

    async def _command(
        self, name: str, request: Mapping[str, Json], seconds: float, may_vanish: bool
    ) -> dict[str, Json] | None:
        try:
            async with asyncio.timeout(seconds):
                self._send(b"", request)
                return await self._receive()
        except TimeoutError:
            if may_vanish:
                return None
            raise AgentCommandTimeout(f"{self.what}: the guest agent did not answer '{name}' in time") from None
        except (OSError, EOFError) as error:
            self._drop()
            if may_vanish:
                return None
            raise AgentUnresponsive(f"{self.what}: the guest agent went away during '{name}': {error}") from None

    def _checked(self, name: str, reply: dict[str, Json]) -> dict[str, Json]:
        if "return" in reply:
            return reply
        error = reply.get("error")
        text = error.get("desc") if isinstance(error, dict) else None
        raise AgentCommandFailed(f"{self.what}: the guest agent refused '{name}': {str(text or reply)[:2000]}")

    async def _connect(self) -> None:
        if self._closed:
            raise EOFError("the guest closed it")
        if self._writer is None:
            self._reader, self._writer = await asyncio.open_unix_connection(self.path, limit=LONGEST_REPLY)

    def _send(self, prefix: bytes, request: Mapping[str, Json]) -> None:
        if self._writer is None:
            raise EOFError("not connected")
        self._writer.write(prefix + json.dumps(request).encode() + b"\n")

    async def _receive(self) -> dict[str, Json]:
        """The next JSON object of the guest. What is none is dropped: it may be the rest of something older."""
        assert self._reader is not None
        while True:
            try:
                line = await self._reader.readuntil(b"\n")
            except asyncio.IncompleteReadError as error:
                raise EOFError("the guest closed it") from error
            except asyncio.LimitOverrunError:
                self._drop()
                raise AgentUnsynced(
                    f"{self.what}: the guest agent sent more than {LONGEST_REPLY >> 20} MiB in one answer"
                ) from None
            try:
                value = json.loads(line.rpartition(b"\xff")[2])
            except (ValueError, RecursionError):
                continue
            if isinstance(value, dict) and ("return" in value or "error" in value):
                return value

    def desync(self) -> None:
        """The guest was reset or suspended: whatever it still answers is out of date."""
        self._synced = False

    def _drop(self) -> None:
        self._synced = False
        if self._writer is not None:
            with contextlib.suppress(OSError, RuntimeError):
                self._writer.transport.abort()
        self._reader = self._writer = None

    def close(self) -> None:
        """Let go of it; commands under way fail."""
        self._closed = True
        self._drop()
