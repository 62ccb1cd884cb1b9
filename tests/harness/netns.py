"""A network namespace that lasts as long as somebody holds it."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.harness.daemon import wait_for
from tests.harness.programs import require_program, require_root, run


class NetworkNamespace:
    """A network namespace with `lo` up. `prefix` put before a command line runs the command in it."""

    def __init__(self) -> None:
        require_root()
        # `cat` on a pipe we hold: it ends with us, whatever happens to us.
        self.holder = subprocess.Popen([require_program("unshare"), "-n", "cat"], stdin=subprocess.PIPE,
                                       stdout=subprocess.DEVNULL)
        ours = Path("/proc/self/ns/net").readlink()
        theirs = Path(f"/proc/{self.holder.pid}/ns/net")
        wait_for("a network namespace", lambda: theirs.readlink() != ours)
        run(*self.prefix, "ip", "link", "set", "lo", "up").check()

    @property
    def prefix(self) -> Sequence[str]:
        """Command line prefix that enters the namespace."""
        return [require_program("nsenter"), "-t", str(self.holder.pid), "-n"]

    def close(self) -> None:
        """Let go of it."""
        assert self.holder.stdin is not None
        self.holder.stdin.close()
        self.holder.wait(10)
