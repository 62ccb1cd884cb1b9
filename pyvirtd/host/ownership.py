"""Files lent to a guest: given to the user that QEMU runs as, and given back as they were.

What a file's owner was is remembered in its extended attributes, where it survives the daemon and travels with a
rename, under libvirt's names (trusted.libvirt.security.dac, ref_dac and timestamp_dac), so that either daemon can
give back what the other lent. The count of users makes a file that several guests share go back with the last one.
Where the file system has no trusted attributes (NFS, a user without privileges), a lent file stays with QEMU's user,
as with libvirt there.
"""

from __future__ import annotations

import errno
import logging
import os
import stat
from typing import Final, NamedTuple

from pyvirtd.errors import OperationFailed
from pyvirtd.host.procfile import read_word

log = logging.getLogger(__name__)

OWNER: Final = "trusted.libvirt.security.dac"
USERS: Final = "trusted.libvirt.security.ref_dac"
SINCE: Final = "trusted.libvirt.security.timestamp_dac"
_NO_ATTRIBUTES: Final = (errno.ENOTSUP, errno.EPERM, errno.EACCES, errno.ENOSYS)


class Owner(NamedTuple):
    """Who a file belongs to."""

    uid: int
    gid: int


def lend(path: str, to: Owner, *, remember: bool = True) -> None:
    """Give a file, device or directory to QEMU's user. With `remember`, `restore` undoes it.

    OperationFailed, naming the path, when it cannot be given: not there, not permitted, a file system without
    owners. A read-only file system that holds a file which `to` can read already is fine.
    """
    with _Opened(path) as file:
        if remember:
            _remember(file)
        if file.owner == to:
            return
        try:
            os.chown(file.link, to.uid, to.gid)
        except OSError as e:
            if remember:
                _forget(file)
            if e.errno in (errno.EROFS, errno.EOPNOTSUPP, errno.EPERM) and _readable_by(file.mode, file.owner, to):
                log.info("%s stays with %d:%d, for its owner cannot be changed: %s", path, *file.owner, e.strerror)
                return
            raise OperationFailed(
                f"cannot give {path} to user {to.uid}, group {to.gid}, which the guest runs as: {e.strerror}"
            ) from e


def restore(path: str, fallback: Owner | None = None) -> None:
    """Give a file back when its last user is done with it: to whom it belonged, or to `fallback` where nobody wrote
    that down (None: it stays). A file that has gone meanwhile is no error; what fails is logged, for a guest's stop
    must not fail with it."""
    try:
        with _Opened(path) as file:
            remembered = _recall(file)
            if remembered is _STILL_USED:
                return
            owner = remembered or fallback
            if owner is not None and owner != file.owner:
                os.chown(file.link, *owner)
    except (OSError, OperationFailed) as e:
        if not isinstance(e.__cause__ or e, FileNotFoundError):
            log.warning("cannot give %s back to its owner: %s", path, e)


def lent_to(path: str) -> tuple[Owner, int] | None:
    """(who owned the file, how many use it) while it is lent and remembered, else None."""
    try:
        with _Opened(path) as file:
            if not _is_current(file):
                return None
            return _parse(os.getxattr(file.link, OWNER)), int(os.getxattr(file.link, USERS))
    except (OSError, ValueError, OperationFailed):
        return None


_STILL_USED: Final = Owner(-2, -2)


class _Opened:
    """A path resolved once: everything that follows is about that very file, whatever happens to the name."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._fd = -1

    def __enter__(self) -> _Opened:
        try:
            self._fd = os.open(self._path, os.O_PATH | os.O_CLOEXEC)
            st = os.fstat(self._fd)
        except OSError as e:
            if self._fd >= 0:
                os.close(self._fd)
            raise OperationFailed(f"cannot reach {self._path}: {e.strerror}") from e
        self.mode = st.st_mode
        self.owner = Owner(st.st_uid, st.st_gid)
        # chown and the attribute calls don't take O_PATH descriptors, but they follow this link to the file.
        self.link = f"/proc/self/fd/{self._fd}"
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)


def _remember(file: _Opened) -> None:
    """Write down the owner, or count one user more."""
    try:
        if _is_current(file):
            users = int(os.getxattr(file.link, USERS))
            os.setxattr(file.link, USERS, str(users + 1).encode())
            return
        os.setxattr(file.link, OWNER, f"+{file.owner.uid}:+{file.owner.gid}".encode())
        os.setxattr(file.link, USERS, b"1")
        os.setxattr(file.link, SINCE, _boot_time())
    except (OSError, ValueError) as e:
        if not isinstance(e, OSError) or e.errno not in _NO_ATTRIBUTES:
            log.warning("the owner of a lent file cannot be remembered: %s", e)


def _forget(file: _Opened) -> None:
    """Undo `_remember`."""
    try:
        _recall(file)
    except OSError as e:
        log.debug("nothing to forget: %s", e)


def _recall(file: _Opened) -> Owner | None:
    """One user less; the remembered owner when it was the last, None when nothing is remembered."""
    try:
        if not _is_current(file):
            return None
        users = int(os.getxattr(file.link, USERS)) - 1
        if users > 0:
            os.setxattr(file.link, USERS, str(users).encode())
            return _STILL_USED
        owner = _parse(os.getxattr(file.link, OWNER))
        for name in (OWNER, USERS, SINCE):
            os.removexattr(file.link, name)
        return owner
    except (OSError, ValueError):
        return None


def _is_current(file: _Opened) -> bool:
    """Whether a remembered owner is there and of this boot: guests of an earlier boot gave nothing back, but they
    use nothing any more either. The owner they wrote down still holds, only the count starts again."""
    try:
        since = os.getxattr(file.link, SINCE)
        os.getxattr(file.link, OWNER)
    except OSError:
        return False
    if since == _boot_time():
        return True
    try:
        os.setxattr(file.link, USERS, b"0")
        os.setxattr(file.link, SINCE, _boot_time())
    except OSError:
        return False
    return True


def _boot_time() -> bytes:
    """Seconds since the epoch at which this host booted, as /proc/stat tells it."""
    for line in (read_word("/proc/stat") or "").splitlines():
        if line.startswith("btime "):
            return line.split()[1].encode()
    return b"0"


def _parse(value: bytes) -> Owner:
    uid, _, gid = value.decode("ascii").partition(":")
    return Owner(int(uid.removeprefix("+")), int(gid.removeprefix("+")))


def _readable_by(mode: int, owner: Owner, user: Owner) -> bool:
    if user.uid in (0, owner.uid):
        return True
    return bool(mode & (stat.S_IRGRP if user.gid == owner.gid else stat.S_IROTH))
