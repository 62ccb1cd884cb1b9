"""Pseudo-terminals of guests' consoles, opened for a client to talk through."""

from __future__ import annotations

import os
import stat
import termios
import tty

from pyvirtd.errors import OperationFailed


def open_console(path: str) -> int:
    """Open a terminal that QEMU made (/dev/pts/N), raw and non-blocking, without making it our controlling one.

    OperationFailed when it isn't there or isn't a terminal. The caller owns the descriptor.
    """
    try:
        fd = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as e:
        raise OperationFailed(f"cannot open the console {path}: {e.strerror}") from e
    try:
        if not stat.S_ISCHR(os.fstat(fd).st_mode) or not os.isatty(fd):
            raise OperationFailed(f"{path} is not a terminal")
        tty.setraw(fd, termios.TCSANOW)
    except (OSError, termios.error) as e:
        os.close(fd)
        raise OperationFailed(f"cannot set up the console {path}: {e}") from e
    except BaseException:
        os.close(fd)
        raise
    return fd
