"""pyvirtd that kills itself at a chosen step of its store: the n-th after the file ROOT/fault-at says n.

Arguments: pyvirtd's own, beginning with --root ROOT. Every step is written to ROOT/fault-steps.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from pyvirtd.daemon.main import main
from pyvirtd.store import steps

ROOT = Path(sys.argv[2])
passed = 0


def reached(what: str, path: str) -> None:
    """Count, and end at the step that was asked for."""
    global passed
    try:
        wanted = int((ROOT / "fault-at").read_text())
    except FileNotFoundError:
        passed = 0
        return
    passed += 1
    with open(ROOT / "fault-steps", "a") as out:
        out.write(f"{passed} {what} {path}\n")
    if passed == wanted:
        os.kill(os.getpid(), signal.SIGKILL)


steps.reached = reached
sys.exit(main(sys.argv[1:]))
