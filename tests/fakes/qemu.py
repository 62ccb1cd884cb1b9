"""A QEMU without a guest: the monitor's protocol (qemu-qmp-spec), real enough for a driver, and told to misbehave.

As a program it takes QEMU's own arguments for the monitor, `-chardev socket,id=charmonitor,fd=N,...`, and beside them
`--play ACTION`: what it does after the guest's CPUs were told to run ("shutdown", "panic", "io-error", "exit:N",
"hang", "garbage", "flood"), or before ("refuse": exits with words on stderr;
"reset-at-start"). In a test it is `FakeQemu`.
"""

from __future__ import annotations

import asyncio
import json
import re
import signal
import socket
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

Json = Any
Handler = Callable[[dict[str, Json]], Json | Awaitable[Json]]


class Refusal(Exception):
    """An error answer."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind, self.text = kind, text


class FakeQemu:
    """One machine; `commands` maps names to what answers them, and tests add to it."""

    def __init__(self, play: str = "") -> None:
        self.play = play
        self.status = "prelaunch"
        self.seen: list[tuple[str, dict[str, Json]]] = []
        self.done = asyncio.Event()
        self.exit_code = 0
        self.commands: dict[str, Handler] = {
            "qmp_capabilities": lambda arguments: {},
            "query-status": lambda arguments: {"running": self.status == "running", "status": self.status},
            "query-chardev": lambda arguments: [
                {"label": "charserial0", "filename": "pty:/dev/pts/99", "frontend-open": True}
            ],
            "query-cpus-fast": lambda arguments: [{"cpu-index": 0, "thread-id": 4242, "qom-path": "/machine/cpu"}],
            "query-balloon": lambda arguments: {"actual": 64 << 20},
            "balloon": lambda arguments: {},
            "set_password": lambda arguments: {},
            "expire_password": lambda arguments: {},
            "qom-set": lambda arguments: {},
            "system_reset": lambda arguments: self._later("RESET", guest=False, reason="host-qmp-system-reset"),
            "system_powerdown": lambda arguments: self._power_down(),
            "stop": lambda arguments: self._stop(),
            "cont": lambda arguments: self._cont(),
            "quit": lambda arguments: self.done.set(),
        }
        self._writer: asyncio.StreamWriter | None = None

    async def serve(self, sock: socket.socket) -> None:
        """Talk on a connected socket until it closes."""
        reader, writer = await asyncio.open_connection(sock=sock)
        await self.talk(reader, writer)

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A whole connection."""
        self._writer = writer
        self.send({"QMP": {"version": {"qemu": {"major": 7, "minor": 2, "micro": 0}, "package": "fake"},
                           "capabilities": ["oob"]}})
        try:
            # Like QEMU's, the parser wants no line ends between requests.
            text = ""
            while data := await reader.read(65536):
                text += data.decode()
                while text := text.lstrip():
                    try:
                        request, end = json.JSONDecoder().raw_decode(text)
                    except ValueError:
                        break
                    text = text[end:]
                    await self._answer(request)
        except ConnectionError:
            pass
        finally:
            writer.close()

    async def _answer(self, request: dict[str, Json]) -> None:
        name, arguments = request["execute"], request.get("arguments", {})
        self.seen.append((name, arguments))
        try:
            handler = self.commands.get(name)
            if handler is None:
                raise Refusal("CommandNotFound", f"The command {name} has not been found")
            value = handler(arguments)
            if asyncio.iscoroutine(value):
                value = await value
            answer = {"return": {} if value is None else value}
        except Refusal as refusal:
            answer = {"error": {"class": refusal.kind, "desc": refusal.text}}
        self.send({**answer, "id": request["id"]} if "id" in request else answer)
        if name == "query-cpus-fast" and self.play == "reset-at-start":
            self.event("RESET", guest=False, reason="host-qmp-system-reset")
        if name == "cont" and self.play:
            self._act(self.play)

    def send(self, message: dict[str, Json]) -> None:
        """Any message."""
        self.raw(json.dumps(message).encode() + b"\r\n")

    def raw(self, data: bytes) -> None:
        """Any bytes."""
        assert self._writer is not None
        self._writer.write(data)

    def event(self, name: str, **data: Json) -> None:
        """An event, now."""
        now = time.time()
        stamp = {"seconds": int(now), "microseconds": int(now * 1e6) % 1_000_000}
        self.send({"event": name, "data": data, "timestamp": stamp})

    def _later(self, name: str, **data: Json) -> None:
        asyncio.get_running_loop().call_soon(lambda: self.event(name, **data))

    def _stop(self) -> None:
        self.status = "paused"
        self.event("STOP")

    def _cont(self) -> None:
        self.status = "running"
        self.event("RESUME")

    def _power_down(self) -> None:
        self.event("POWERDOWN")
        self._later("SHUTDOWN", guest=True, reason="guest-shutdown")

    def _act(self, play: str) -> None:
        if play == "shutdown":
            self.event("SHUTDOWN", guest=True, reason="guest-shutdown")
            self.status = "shutdown"
        elif play == "panic":
            self.event("GUEST_PANICKED", action="pause", info={"type": "hyper-v"})
        elif play == "io-error":
            self.event("BLOCK_IO_ERROR", device="", **{"node-name": "libvirt-1-format", "nospace": True,
                       "qom-path": "/machine/peripheral/virtio-disk0/virtio-backend", "operation": "write",
                       "action": "stop", "reason": "No space left on device"})
            self.event("STOP")
            self.status = "io-error"
        elif play.startswith("exit:"):
            self.exit_code = int(play[5:])
            self.done.set()
        elif play == "garbage":
            self.raw(b"\x00\xff not JSON at all\n")
        elif play == "flood":
            self.raw(b"[" * (11 << 20) + b"\n")
        elif play == "hang":
            signal.raise_signal(signal.SIGSTOP)


async def main(argv: list[str]) -> int:
    """The program."""
    play = argv[argv.index("--play") + 1] if "--play" in argv else ""
    if play == "refuse":
        print("qemu-fake: -drive nonsense: cannot do that", file=sys.stderr)
        return 1
    listener = next(int(found[1]) for word in argv if (found := re.match(r"socket,id=charmonitor,fd=(\d+)", word)))
    fake = FakeQemu(play)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, fake.done.set)
    server = await asyncio.start_unix_server(fake.talk, sock=socket.socket(fileno=listener))
    async with server:
        await fake.done.wait()
    return fake.exit_code


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1:])))
