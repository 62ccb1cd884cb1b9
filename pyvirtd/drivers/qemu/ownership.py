"""Whom guests run as, and which files are lent to them meanwhile (`host.ownership` does the lending)."""

from __future__ import annotations

import contextlib
import grp
import logging
import os
import pwd
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from pyvirtd.drivers.qemu.capabilities.probe import RunAs
from pyvirtd.drivers.qemu.settings import QemuSettings
from pyvirtd.errors import HostSystemError, InvalidArg
from pyvirtd.host.ownership import Owner, lend, restore

log = logging.getLogger(__name__)

NOTE: Final = ".lent"


class Ownership:
    """Applies only to a privileged daemon whose guests run as somebody else; otherwise nothing changes hands."""

    def __init__(self, settings: QemuSettings, privileged: bool) -> None:
        self.uid, self.gid, self.groups = os.geteuid(), os.getegid(), list[int]()
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

    def take(self, paths: Iterable[str], lent: list[str], directory: Path) -> None:
        """Make these files the guests' user's; those that were go into `lent`. Raises OperationFailed.

        They are noted beside the guest's directory, too, for whoever has to tidy up after a daemon that was killed.
        """
        if self._change:
            with open(note_of(directory), "ab", buffering=0) as note:
                for path in paths:
                    lend(path, Owner(self.uid, self.gid), remember=self._remember)
                    lent.append(path)
                    note.write(os.fsencode(path) + b"\0")

    def noted(self, directory: Path) -> list[str]:
        """What the note of a guest's directory has; for a guest of which nothing else is known."""
        with contextlib.suppress(FileNotFoundError):
            return [os.fsdecode(path) for path in note_of(directory).read_bytes().split(b"\0")[:-1]]
        return []

    def give_back(self, lent: list[str], directory: Path) -> None:
        """Give lent files back; what fails is logged. The note goes first: twice is worse than never, for a file
        that other guests still use."""
        note_of(directory).unlink(missing_ok=True)
        while lent:
            path = lent.pop()
            if self._remember:
                restore(path)

    def barred(self, path: str) -> str | None:
        """Where the guests' user is kept from a path by the modes on its way; None: nowhere that modes would say."""
        for place in (*reversed(Path(path).parents), Path(path)):
            try:
                status = os.stat(place)
            except OSError:
                return None
            need = 1 if stat.S_ISDIR(status.st_mode) else 4
            shift = 6 if status.st_uid == self.uid else 3 if status.st_gid in (self.gid, *self.groups) else 0
            if self.uid and not status.st_mode >> shift & need:
                verb = "enter" if need == 1 else "read"
                mode = f"{status.st_mode & 0o7777:o}"
                return f"user {self.uid}, which the guest runs as, may not {verb} {place} (mode {mode})"
        return None

    def give_back_some(self, paths: Iterable[str], lent: list[str], directory: Path) -> None:
        """Give these back, of those that are lent to a guest that goes on running."""
        given = [path for path in paths if path in lent]
        if given:
            for path in given:
                lent.remove(path)
            note_of(directory).write_bytes(b"".join(os.fsencode(path) + b"\0" for path in lent))
        for path in given if self._remember else ():
            restore(path)

    def give(self, path: Path) -> None:
        """Make a file or directory of ours the guests' user's."""
        if self.foreign:
            try:
                os.chown(path, self.uid, self.gid, follow_symlinks=False)
            except OSError as error:
                raise HostSystemError(f"cannot give {path} to user {self.uid}: {error.strerror}") from error


def note_of(directory: Path) -> Path:
    """The file that names the files lent to a guest, each ended by a NUL. It lies beside the guest's directory, not
    in it: there QEMU's user could write it."""
    return directory.with_name(directory.name + NOTE)


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
