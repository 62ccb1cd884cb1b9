"""A program under a pseudo-terminal, spoken to the way a person would: wait for a text, type an answer."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import select
import signal
import subprocess
import time
from collections.abc import Mapping

from tests.harness.programs import clean_env


class Terminal:
    """Runs `argv` with a terminal of its own; what it prints collects in `seen`."""

    def __init__(self, *argv: str, env: Mapping[str, str] | None = None) -> None:
        self.argv = argv
        self.seen = ""
        self._at = 0
        self._fd, side = pty.openpty()
        self.process = subprocess.Popen(argv, stdin=side, stdout=side, stderr=side, start_new_session=True,
                                        env=clean_env(env))
        os.close(side)

    def _read(self, timeout: float) -> bool:
        """Take in what came; False when the other side has ended."""
        if not select.select([self._fd], [], [], timeout)[0]:
            return True
        try:
            data = os.read(self._fd, 65536)
        except OSError:  # EIO: nobody has the terminal open any more
            return False
        self.seen += data.decode(errors="replace")
        return bool(data)

    def expect(self, pattern: str, timeout: float = 30.0) -> re.Match[str]:
        """Wait until output after the last match matches a regular expression."""
        end = time.monotonic() + timeout
        alive = True
        while not (found := re.compile(pattern).search(self.seen, self._at)):
            assert alive, f"{' '.join(self.argv)} ended before {pattern!r} came:\n{self.seen}"
            assert time.monotonic() < end, f"no {pattern!r} within {timeout} s; so far:\n{self.seen}"
            alive = self._read(0.2)
        self._at = found.end()
        return found

    def send(self, text: str) -> None:
        """Type something; a line ends with \\r."""
        os.write(self._fd, text.encode())

    def ask(self, text: str, pattern: str, times: int = 12) -> None:
        """Type until the answer comes: a program that takes the terminal over drops what was typed just before."""
        for left in reversed(range(times)):
            self.send(text)
            try:
                self.expect(pattern, 5)
                return
            except AssertionError:
                if not left:
                    raise

    def wait(self, timeout: float = 20.0) -> int:
        """Read on until the program ends; its exit status."""
        end = time.monotonic() + timeout
        while self._read(0.1) and self.process.poll() is None:
            assert time.monotonic() < end, f"{' '.join(self.argv)} does not end:\n{self.seen}"
        return self.process.wait(max(1.0, end - time.monotonic()))

    def close(self) -> None:
        """End the program if it still runs."""
        if self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(10)
        os.close(self._fd)
