"""A guest's QMP monitor: one connection, commands by name, events in order, every wait bounded.

On top of qemu.qmp this adds what a daemon needs of it: a size limit for what the guest's process may send, a time
limit for replies, libvirt's errors, and one callback for events and one for the end of the connection. Commands may be
issued before earlier ones were answered; QEMU answers them in order.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Mapping
from typing import Any, Final

from qemu.qmp import (
    ConnectError,
    EventListener,
    ExecInterruptedError,
    ExecuteError,
    Message,
    QMPClient,
    QMPError,
    Runstate,
)

from pyvirtd.core import tasks
from pyvirtd.errors import (
    InternalError,
    OperationFailed,
    OperationInvalid,
    OperationTimeout,
    OperationUnsupported,
    VirtError,
)

log = logging.getLogger(__name__)

LONGEST_LINE: Final = 10 << 20
"""Bytes of one QMP message; query-named-block-nodes of a guest with hundreds of disks needs a few."""

Json = Any
EventHandler = Callable[[str, Mapping[str, Json], tuple[int, int]], None]
"""Called as handler(name, data, (seconds, microseconds)) for each event, in order."""


class MonitorLost(OperationFailed):
    """The connection ended: QEMU has exited, or sent what is no QMP."""


class Refused(VirtError):
    """QEMU answered a command with an error. `kind` is QEMU's error class, `text` its description."""

    WORDS = "QEMU refused '{command}': {text}"

    def __init__(self, command: str, kind: str, text: str) -> None:
        super().__init__(self.WORDS.format(command=command, text=text))
        self.command, self.kind, self.text = command, kind, text


class CommandFailed(Refused, InternalError):
    """The command did not work."""


class CommandUnknown(Refused, OperationUnsupported):
    """This QEMU has no such command."""

    WORDS = "this QEMU has no command '{command}'"


class NotActive(Refused, OperationInvalid):
    """The device that the command is about is not in use."""


class Monitor:
    """The connection. `what` names the guest in messages; `reply_timeout` is in seconds."""

    def __init__(
        self, what: str, *, on_event: EventHandler, on_lost: Callable[[], None], reply_timeout: float = 120.0
    ) -> None:
        self.what, self.reply_timeout = what, reply_timeout
        self._on_event, self._on_lost = on_event, on_lost
        self._client = _Client(what, LONGEST_LINE)
        self._events = EventListener()
        self._client.register_listener(self._events)
        self._tasks: list[asyncio.Task[None]] = []
        self.closed = False

    async def connect(self, sock: socket.socket, timeout: float) -> None:
        """Greet QEMU on a connected socket, which is the monitor's from here on.

        Raises MonitorLost when the other end closes or speaks no QMP, OperationTimeout after `timeout` seconds.
        """
        sock.setblocking(False)
        try:
            async with asyncio.timeout(timeout):
                await self._client.connect(sock)
        except TimeoutError:
            sock.close()
            raise OperationTimeout(f"{self.what}: QEMU's monitor did not greet within {timeout:g} s") from None
        except (ConnectError, OSError) as error:
            sock.close()
            raise MonitorLost(f"{self.what}: QEMU closed its monitor at the greeting: {error}") from error
        self._tasks = [
            tasks.spawn(self._deliver_events(), name=f"events of {self.what}"),
            tasks.spawn(self._watch(), name=f"monitor of {self.what}"),
        ]

    @property
    def version(self) -> tuple[int, int, int]:
        """QEMU's version, of its greeting."""
        greeting = self._client.greeting
        assert greeting is not None
        numbers = greeting.QMP.version["qemu"]
        assert isinstance(numbers, dict)
        return int(numbers["major"]), int(numbers["minor"]), int(numbers["micro"])

    async def run(self, command: str, arguments: Mapping[str, Json] | None = None, /, **more: Json) -> Json:
        """Run a command; what it returns, as JSON values whose shape the caller checks.

        `more` are arguments by name, an underscore at the end or within is a dash. Raises CommandFailed, MonitorLost,
        OperationTimeout.
        """
        given = dict(arguments or {}) | {name.rstrip("_").replace("_", "-"): value for name, value in more.items()}
        return await self._bounded(command, self._client.execute(command, given or None))

    async def run_with_fd(self, command: str, fd: int, /, **arguments: Json) -> Json:
        """Run a command that takes a descriptor (getfd, add-fd); the descriptor stays ours as well."""
        try:
            self._client.send_fd_scm(fd)
        except (OSError, QMPError) as error:
            raise MonitorLost(f"{self.what}: cannot pass a descriptor to QEMU: {error}") from error
        return await self.run(command, arguments)

    async def _bounded(self, command: str, call: Any) -> Json:
        try:
            async with asyncio.timeout(self.reply_timeout):
                return await call
        except TimeoutError:
            raise OperationTimeout(
                f"{self.what}: QEMU did not answer '{command}' within {self.reply_timeout:g} s"
            ) from None
        except ExecuteError as error:
            kind, text = error.error.error.class_, error.error.error.desc
            raise refused(command, str(kind), str(text)) from None
        except (ExecInterruptedError, QMPError, OSError) as error:
            raise MonitorLost(f"{self.what}: QEMU ended before it answered '{command}'") from error

    async def _deliver_events(self) -> None:
        async for event in self._events:
            name, data, stamp = event.get("event"), event.get("data", {}), event.get("timestamp", {})
            if not isinstance(name, str) or not isinstance(data, dict) or not isinstance(stamp, dict):
                log.warning("%s: QEMU sent an event that is none: %.200r", self.what, dict(event))
                continue
            try:
                self._on_event(name, data, (_number(stamp.get("seconds")), _number(stamp.get("microseconds"))))
            except Exception:
                log.exception("%s: event %s failed", self.what, name)

    async def _watch(self) -> None:
        while self._client.runstate is Runstate.RUNNING:
            await self._client.runstate_changed()
        await self._disconnect()
        if not self.closed:
            # What QEMU said before it ended (SHUTDOWN with its cause) comes before the news that it ended.
            while not self._events.empty():  # noqa: ASYNC110 - the queue has nothing to wait on
                await asyncio.sleep(0)
            self.closed = True
            self._on_lost()

    async def _disconnect(self) -> None:
        try:
            async with asyncio.timeout(2):
                await self._client.disconnect()
        except Exception as error:
            # Whatever the other end sent to end it comes out here: no JSON, a line without end, text that is none.
            log.debug("%s: monitor closed: %s", self.what, error)

    async def close(self) -> None:
        """Let go of the connection; nothing is called any more."""
        self.closed = True
        for task in self._tasks:
            if task is not asyncio.current_task():
                task.cancel()
        await self._disconnect()


def refused(command: str, kind: str, text: str) -> VirtError:
    """QEMU's error as libvirt's."""
    kinds: dict[str, type[Refused]] = {"CommandNotFound": CommandUnknown, "DeviceNotActive": NotActive}
    return kinds.get(kind, CommandFailed)(command, kind, text)


def _number(value: Json) -> int:
    return value if isinstance(value, int) else -1


_quiet = logging.getLogger("qemu.qmp.quiet")
_quiet.propagate = False
_quiet.setLevel(logging.CRITICAL + 1)


class _Client(QMPClient):
    """Logs nothing: what the library reports goes to callers as exceptions, and messages may hold passwords."""

    def __init__(self, what: str, limit: int) -> None:
        super().__init__(what, limit)
        # The library makes a logger of the name; formatting each message for it would cost more than sending it.
        self.logger = _quiet

    def _cb_outbound(self, msg: Message) -> Message:
        return msg

    def _cb_inbound(self, msg: Message) -> Message:
        return msg
