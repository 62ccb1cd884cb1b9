"""The seam through which tests see, and end the daemon at, every step of the store.

Each function that changes the disk calls `steps.reached(what, path)` before and after the change. Nothing is installed
in the daemon; a fault-injection test sets `reached` to a counter that ends the process at its n-th call.
"""

from __future__ import annotations

from collections.abc import Callable


def _nothing(what: str, path: str) -> None:
    """The daemon's own: no step is special."""


reached: Callable[[str, str], None] = _nothing
"""Called as reached("write", path): the step named comes next, or has just been done ("written", "renamed", ...)."""


def reach(what: str, path: str) -> None:
    """What the store's functions call; one indirection, so that a test can install `reached` at any time."""
    reached(what, path)
