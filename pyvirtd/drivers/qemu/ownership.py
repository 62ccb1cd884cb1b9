"""Whom guests run as, and whom their files belong to meanwhile.

A guest's images, nvram and kernel become its user's when it starts and are given back when it ends; whom they belonged
to is in the guest's status file, so that a daemon started anew can still give them back. Files are changed through a
descriptor opened without following links at the last component, so that nobody can put another file in between.
"""

from __future__ import annotations

import errno
import grp
import logging
import os
import pwd
import stat
from collections.abc import Iterable
from pathlib import Path

from pyvirtd.drivers.qemu.capabilities.probe import RunAs
from pyvirtd.drivers.qemu.settings import QemuSettings
from pyvirtd.errors import HostSystemError, InvalidArg

log = logging.getLogger(__name__)


class Ownership:
    """Applies only to a privileged daemon whose guests run as somebody else; otherwise nothing changes hands."""

    def __init__(self, settings: QemuSettings, privileged: bool) -> None:
        self.uid, self.gid, self.groups = (os.geteuid(), os.getegid(), [])
        if privileged and (settings.user or settings.group):
            self.uid, self.gid, self.groups = _identity(settings.user or "root", settings.group)
        self.foreign = (self.uid, self.gid) != (os.geteuid(), os.getegid())
        """Whether guests run as somebody other than the daemon."""
        self._change = self.foreign and settings.dynamic_ownership
        self._remember = settings.remember_owner

    @property
    def label(self) -> str:
        """As libvirt writes a DAC security label."""
        return f"+{self.uid}:+{self.gid}"

    @property
    def run_as(self) -> RunAs | None:
        """For what starts QEMU outside of a guest; None: the daemon's own identity."""
        return RunAs(self.uid, self.gid, tuple(self.groups)) if self.foreign else None

    def take(self, paths: Iterable[str], owned: dict[str, tuple[int, int]]) -> None:
        """Make these files the guests' user's; `owned` gets whom they belonged to. Raises HostSystemError."""
        if not self._change:
            return
        for path in paths:
            fd = _open(path)
            try:
                status = os.fstat(fd)
                if (status.st_uid, status.st_gid) == (self.uid, self.gid) or not _ours_to_change(status):
                    continue
                if self._remember:
                    owned.setdefault(path, (status.st_uid, status.st_gid))
                _change(fd, path, self.uid, self.gid)
            finally:
                os.close(fd)

    def restore(self, owned: dict[str, tuple[int, int]]) -> None:
        """Give files back; one that is gone or cannot be changed is only logged."""
        for path, (uid, gid) in owned.items():
            try:
                fd = _open(path)
                try:
                    # Somebody else may have taken it over meanwhile; then it is not ours to give back.
                    if os.fstat(fd).st_uid == self.uid:
                        _change(fd, path, uid, gid)
                finally:
                    os.close(fd)
            except HostSystemError as error:
                log.warning("cannot give %s back to %d:%d: %s", path, uid, gid, error.message)
        owned.clear()

    def give(self, path: Path) -> None:
        """Make a file or directory of ours the guests' user's."""
        if self.foreign:
            try:
                os.chown(path, self.uid, self.gid, follow_symlinks=False)
            except OSError as error:
                raise HostSystemError(f"cannot give {path} to user {self.uid}: {error.strerror}") from error


def _open(path: str) -> int:
    try:
        # The file itself may be a link that an administrator made (a volume by its name in /dev).
        return os.open(os.path.realpath(path), os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise HostSystemError(f"cannot use {path}: {why_unreachable(path, error)}") from error


def _change(fd: int, path: str, uid: int, gid: int) -> None:
    try:
        os.chown(f"/proc/self/fd/{fd}", uid, gid)
    except OSError as error:
        # Network file systems and read-only ones: whether QEMU may open it is for QEMU to find out.
        if error.errno not in (errno.EPERM, errno.EACCES, errno.EROFS, errno.EINVAL, errno.EOPNOTSUPP):
            raise HostSystemError(f"cannot give {path} to {uid}:{gid}: {error.strerror}") from error
        log.info("%s stays whose it is: %s", path, error.strerror)


def _ours_to_change(status: os.stat_result) -> bool:
    return stat.S_ISREG(status.st_mode) or stat.S_ISBLK(status.st_mode) or stat.S_ISCHR(status.st_mode)


def why_unreachable(path: str, error: OSError) -> str:
    """The system's words, and which component of the path they are about."""
    place = Path(path)
    for parent in reversed(place.parents):
        try:
            status = os.stat(parent)
        except OSError as first:
            return f"{first.strerror} at {parent}"
        if not stat.S_ISDIR(status.st_mode):
            return f"{parent} is no directory"
    return error.strerror or "unknown error"


def _identity(user: str, group: str) -> tuple[int, int, list[int]]:
    """uid, gid and supplementary groups of a configured user. Raises InvalidArg."""
    try:
        entry = pwd.getpwuid(int(user[1:])) if user.startswith("+") else pwd.getpwnam(user)
        uid, gid, name = entry.pw_uid, entry.pw_gid, entry.pw_name
    except KeyError:
        if not user.startswith("+"):
            raise InvalidArg(f"[qemu] user: this host has no user '{user}'") from None
        uid, gid, name = int(user[1:]), int(user[1:]), ""
    except ValueError:
        raise InvalidArg(f"[qemu] user: '{user}' is neither a name nor +NUMBER") from None
    if group:
        try:
            gid = int(group[1:]) if group.startswith("+") else grp.getgrnam(group).gr_gid
        except (KeyError, ValueError):
            raise InvalidArg(f"[qemu] group: this host has no group '{group}'") from None
    return uid, gid, os.getgrouplist(name, gid) if name else [gid]
