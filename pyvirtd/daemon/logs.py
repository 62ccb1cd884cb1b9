"""Where log lines go: libvirtd.conf's log_level, log_filters and log_outputs on Python's logging.

Levels are libvirt's: 1 debug, 2 info, 3 warning, 4 error. A filter is `LEVEL:NAME` and matches loggers by a part of
their name (`1:qemu` is pyvirtd.drivers.qemu and below). Outputs: `LEVEL:stderr`, `LEVEL:journald`,
`LEVEL:file:/PATH`, `LEVEL:syslog:NAME`.
"""

from __future__ import annotations

import logging
import logging.handlers
import os
import socket
import sys
from typing import Final, NamedTuple

from pyvirtd.errors import InvalidArg

LEVELS: Final = {1: logging.DEBUG, 2: logging.INFO, 3: logging.WARNING, 4: logging.ERROR}
_JOURNAL: Final = "/run/systemd/journal/socket"
_PRIORITIES: Final = ((logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6), (logging.DEBUG, 7))


class Filter(NamedTuple):
    level: int
    match: str


class Output(NamedTuple):
    level: int
    kind: str
    target: str

    def __str__(self) -> str:
        return ":".join(part for part in (str(self.level), self.kind, self.target) if part)


def parse_filters(text: str) -> list[Filter]:
    """`LEVEL:NAME LEVEL:NAME ...`. Raises InvalidArg."""
    filters = []
    for word in text.split():
        level, _, match = word.partition(":")
        # libvirt's "+" asks for stack traces with each line; Python's tracebacks are there when there is one.
        match = match.removeprefix("+")
        if level not in ("1", "2", "3", "4") or not match:
            raise InvalidArg(f"log filter '{word}': LEVEL:NAME with a level of 1 to 4 is expected")
        filters.append(Filter(int(level), match))
    return filters


def parse_outputs(text: str) -> list[Output]:
    """`LEVEL:KIND[:TARGET] ...`. Raises InvalidArg."""
    outputs = []
    for word in text.split():
        level, _, rest = word.partition(":")
        kind, _, target = rest.partition(":")
        needs_target = kind in ("file", "syslog")
        if level not in ("1", "2", "3", "4") or kind not in ("stderr", "journald", "file", "syslog"):
            raise InvalidArg(f"log output '{word}': LEVEL:stderr, :journald, :file:PATH or :syslog:NAME is expected")
        if needs_target != bool(target) or (kind == "file" and not os.path.isabs(target)):
            raise InvalidArg(f"log output '{word}': {'an absolute path or a name' if needs_target else 'no target'}"
                             " is expected after the kind")
        outputs.append(Output(int(level), kind, target))
    return outputs


class JournalHandler(logging.Handler):
    """journald's native protocol: one datagram a line, with level, source and logger as fields."""

    def __init__(self) -> None:
        super().__init__()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
        self._socket.connect(_JOURNAL)

    def emit(self, record: logging.LogRecord) -> None:
        try:
            priority = next((value for level, value in _PRIORITIES if record.levelno >= level), 7)
            message = self.format(record).encode(errors="backslashreplace")
            head = f"PRIORITY={priority}\nSYSLOG_IDENTIFIER=pyvirtd\nLOGGER={record.name}\nMESSAGE\n".encode()
            self._socket.send(head + len(message).to_bytes(8, "little") + message + b"\n")
        except OSError:
            self.handleError(record)

    def close(self) -> None:
        self._socket.close()
        super().close()


class Logs:
    """The daemon's log set-up, changeable while it runs."""

    def __init__(self, level: int = 3, filters: str = "", outputs: str = "") -> None:
        self.level = level
        self.filters: list[Filter] = []
        self.outputs: list[Output] = []
        self._handlers: list[logging.Handler] = []
        self._root = logging.getLogger()
        self._filter = _Filter(self)
        self.set_outputs(outputs)
        self.set_filters(filters)

    def set_level(self, level: int) -> None:
        """The level of whatever no filter matches, and of the default output. Raises InvalidArg."""
        if level not in LEVELS:
            raise InvalidArg(f"log level {level}: one of 1 (debug), 2, 3, 4 (error) is expected")
        self.level = level
        self._apply_level()

    def set_filters(self, text: str) -> None:
        """Raises InvalidArg and changes nothing when one of them is wrong."""
        self.filters = parse_filters(text)
        self._apply_level()

    def set_outputs(self, text: str) -> None:
        """"" is the default: the journal where stderr goes there anyway, else stderr."""
        outputs = parse_outputs(text) or [Output(1, "journald" if _stderr_is_journal() else "stderr", "")]
        handlers = []
        try:
            for output in outputs:
                handlers.append(self._handler(output))
        except OSError as error:
            for handler in handlers:
                handler.close()
            raise InvalidArg(f"log output '{output}': {error.strerror}") from None
        for handler in self._handlers:
            self._root.removeHandler(handler)
            handler.close()
        self.outputs, self._handlers = outputs, handlers
        for handler in handlers:
            self._root.addHandler(handler)

    def filters_text(self) -> str:
        return " ".join(f"{item.level}:{item.match}" for item in self.filters)

    def outputs_text(self) -> str:
        return " ".join(map(str, self.outputs))

    def passes(self, record: logging.LogRecord) -> bool:
        """Whether the most specific matching filter, or else the level, lets the line through."""
        matches = [item for item in self.filters if item.match in record.name]
        level = max(matches, key=lambda item: len(item.match)).level if matches else self.level
        return record.levelno >= LEVELS[level]

    def _apply_level(self) -> None:
        # The root lets through what any filter may want; what is too much for the rest ends at the handlers.
        self._root.setLevel(min(LEVELS[level] for level in (self.level, *(item.level for item in self.filters))))

    def _handler(self, output: Output) -> logging.Handler:
        handler: logging.Handler
        text = "%(message)s" if output.kind != "journald" else "%(name)s: %(message)s"
        match output.kind:
            case "stderr":
                handler = logging.StreamHandler(sys.stderr)
                text = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
            case "file":
                handler = logging.handlers.WatchedFileHandler(output.target)
                text = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
            case "syslog":
                handler = logging.handlers.SysLogHandler("/dev/log")
                text = f"{output.target}[{os.getpid()}]: %(name)s: %(message)s"
            case _:
                handler = JournalHandler()
        handler.setFormatter(logging.Formatter(text))
        handler.setLevel(LEVELS[output.level])
        handler.addFilter(self._filter)
        return handler


class _Filter(logging.Filter):
    def __init__(self, logs: Logs) -> None:
        super().__init__()
        self._logs = logs

    def filter(self, record: logging.LogRecord) -> bool:
        return self._logs.passes(record)


def _stderr_is_journal() -> bool:
    """systemd.exec(5): JOURNAL_STREAM names the device and inode of the stream that leads to the journal."""
    try:
        device, _, inode = os.environ.get("JOURNAL_STREAM", "").partition(":")
        status = os.fstat(2)
        return (int(device), int(inode)) == (status.st_dev, status.st_ino)
    except (ValueError, OSError):
        return False
