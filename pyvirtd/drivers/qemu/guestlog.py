"""A guest's log, Paths.log/qemu/NAME.log: what was started, what QEMU printed, how it ended.

QEMU writes into the file itself, so that its output goes on while no daemon runs.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from pyvirtd.errors import HostSystemError
from pyvirtd.store.names import file_name

_TAIL: Final = 4096
_LINES: Final = 8


class GuestLog:
    """The file, opened for one run of the guest."""

    def __init__(self, directory: Path, name: str) -> None:
        self.path = directory / f"{file_name(name)}.log"
        self.start = 0
        """Where this run's own output begins."""

    def open(self) -> int:
        """A descriptor to append with, for QEMU's standard output and error; the caller closes it."""
        try:
            self.path.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
            return os.open(
                self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NOCTTY, 0o600
            )
        except OSError as error:
            raise HostSystemError(f"cannot write the guest's log {self.path}: {error.strerror}") from error

    def note_start(self, fd: int, about: str, argv: Sequence[str], env: Mapping[str, str]) -> None:
        """Write down the command line (secrets are not in it: QEMU gets them encrypted or over the monitor)."""
        words = [*(f"{key}={shlex.quote(value)}" for key, value in env.items()), *map(shlex.quote, argv)]
        self._write(fd, f"{_now()}: starting up {about}\n" + " \\\n".join(words) + "\n")
        self.start = os.fstat(fd).st_size

    def note(self, text: str) -> None:
        """Add a line of ours."""
        with contextlib.suppress(HostSystemError):
            fd = self.open()
            try:
                self._write(fd, f"{_now()}: {text}\n")
            finally:
                os.close(fd)

    def tail(self) -> str:
        """The last lines that QEMU printed in this run, for an error message; "" when it printed nothing."""
        try:
            with open(self.path, "rb") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(self.start, size - _TAIL))
                data = file.read(_TAIL)
        except OSError:
            return ""
        lines = [line for line in data.decode("utf-8", "replace").splitlines() if line.strip()]
        return "\n".join(lines[-_LINES:])

    @staticmethod
    def _write(fd: int, text: str) -> None:
        # A full disk must not keep a guest from starting.
        with contextlib.suppress(OSError):
            os.write(fd, text.encode("utf-8", "replace"))


def _now() -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S.000+0000", time.gmtime())
