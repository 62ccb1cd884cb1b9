"""Listening UNIX sockets: made with their final mode and owner, taken over only when nobody answers."""

from __future__ import annotations

import asyncio
import errno
import grp
import logging
import os
import socket
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Final

from pyvirtd.errors import OpenFailed
from pyvirtd.host.peer import peer_credentials, process_name

log = logging.getLogger(__name__)

BACKLOG: Final = 1000
_OUT_OF_DESCRIPTORS: Final = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
_RETRY_SECONDS: Final = 1.0
_PATH_MAX: Final = 107
"""Bytes of sockaddr_un.sun_path less the terminating zero."""


def bind_unix(path: Path, *, mode: int, group: str | None = None) -> socket.socket:
    """A bound socket that does not listen yet, with its final mode and group from the start.

    Raises OpenFailed when another daemon answers there, when something that is no socket is in the way, or when the
    directory or group does not allow it. A socket that nobody answers on is replaced.
    """
    if len(os.fsencode(path)) > _PATH_MAX:
        raise OpenFailed(f"socket path '{path}' is longer than the {_PATH_MAX} bytes that a UNIX socket may have")
    _make_room(path)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    try:
        # bind() makes the file with the descriptor's mode less the umask, so nobody else sees it open for a moment.
        os.fchmod(sock.fileno(), mode & 0o600)
        sock.bind(str(path))
        if group is not None:
            os.chown(path, -1, _group_id(group), follow_symlinks=False)
        os.chmod(path, mode)
    except OSError as error:
        sock.close()
        raise OpenFailed(f"cannot make the socket '{path}': {error.strerror}") from None
    except BaseException:
        sock.close()
        raise
    return sock


def _group_id(group: str) -> int:
    try:
        return grp.getgrnam(group).gr_gid
    except KeyError:
        raise OpenFailed(f"unix_sock_group names the group '{group}', which does not exist") from None


def _make_room(path: Path) -> None:
    """Removes a stale socket; raises OpenFailed when somebody is there."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return
    except OSError as error:
        raise OpenFailed(f"cannot look at '{path}': {error.strerror}") from None
    if not stat.S_ISSOCK(status.st_mode):
        raise OpenFailed(f"'{path}' is in the way: it is no socket; move it, or choose another --socket-dir")
    holder = _holder(path)
    if holder is not None:
        raise OpenFailed(
            f"{holder} holds the socket '{path}'; stop it, or choose other sockets with --socket-dir DIR"
            " or everything of your own with --root DIR"
        )
    log.info("replacing the socket '%s', on which nobody answers", path)
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise OpenFailed(f"cannot replace the stale socket '{path}': {error.strerror}") from None


def _holder(path: Path) -> str | None:
    """Who answers there; None when nobody does."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            return None
        except BlockingIOError:
            return "another daemon, too busy to say which,"  # its backlog is full: alive all the same
        except OSError as error:
            raise OpenFailed(f"cannot find out who holds '{path}': {error.strerror}") from None
        pid = peer_credentials(probe).pid
        return f"another daemon, {process_name(pid) or 'unknown'} (pid {pid}),"


class Listener:
    """Accepts connections and hands them on. `pause` leaves them waiting in the backlog, `resume` goes on."""

    def __init__(
        self, sock: socket.socket, accepted: Callable[[socket.socket], None], *, path: Path | None = None
    ) -> None:
        """`path` is the file that `close` removes; None when the socket is somebody else's (socket activation)."""
        self._sock = sock
        self._accepted = accepted
        self._path = path
        self._inode = path.lstat().st_ino if path is not None else 0
        self._loop = asyncio.get_running_loop()
        self._paused = True
        self._retry: asyncio.TimerHandle | None = None
        self._closed = False

    def start(self) -> None:
        """Listens, and accepts from now on."""
        self._sock.setblocking(False)
        self._sock.listen(BACKLOG)
        self.resume()

    def pause(self) -> None:
        if not self._paused and not self._closed:
            self._paused = True
            self._loop.remove_reader(self._sock)

    def resume(self) -> None:
        if self._paused and not self._closed:
            self._paused = False
            self._loop.add_reader(self._sock, self._accept)

    def close(self) -> None:
        """Stops listening and removes the socket's file, if it is still ours."""
        if self._closed:
            return
        self.pause()
        self._closed = True
        if self._retry is not None:
            self._retry.cancel()
        self._sock.close()
        if self._path is not None:
            try:
                if self._path.lstat().st_ino == self._inode:
                    self._path.unlink()
            except OSError:
                pass

    def _accept(self) -> None:
        try:
            sock, _ = self._sock.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return
        except OSError as error:
            if error.errno not in _OUT_OF_DESCRIPTORS:
                raise
            log.error("cannot accept clients: %s; trying again in %s s", error.strerror, _RETRY_SECONDS)
            self.pause()
            self._retry = self._loop.call_later(_RETRY_SECONDS, self.resume)
            return
        self._accepted(sock)
