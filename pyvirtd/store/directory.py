"""One directory of definitions: NAME.xml for each, autostart marks as links in its subdirectory `autostart`.

The unit of truth is the content of NAME.xml. Every change is an order of steps such that being ended between any two
leaves a directory that `load` understands:

- save: atomic replacement.
- remove: the definition goes first, then its marks; a mark without a definition is swept at load.
- rename: the new mark, then the new content under the *old* file name (from here on the object has its new name), then
  the file's rename, then the old mark. `load` finishes what was interrupted after the second step.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from pyvirtd.errors import HostSystemError
from pyvirtd.store import atomic
from pyvirtd.store.aside import set_aside
from pyvirtd.store.names import file_name
from pyvirtd.store.scan import Scanned, Unreadable, scan

log = logging.getLogger(__name__)

LARGEST: Final = 16 << 20
"""Bytes: a bigger file is nobody's definition, and is set aside unread."""


class Entry(NamedTuple):
    """One definition on disk. `marks`: names of the mark directories that hold a mark for it."""

    name: str
    uuid: bytes
    path: Path
    marks: frozenset[str]


class DefinitionDirectory:
    """Definitions with root element `tag` at `path`. `marks` are the kinds of marks, each a subdirectory of links."""

    def __init__(self, path: Path, tag: str, *, marks: tuple[str, ...] = ("autostart",)) -> None:
        self.path, self.tag, self.marks = path, tag, marks

    def file(self, name: str) -> Path:
        """Where that name's definition is or would be."""
        return self.path / (file_name(name) + ".xml")

    def read(self, name: str) -> bytes:
        """The definition's text. Raises HostSystemError."""
        path = self.file(name)
        try:
            return _read(path)
        except OSError as error:
            raise HostSystemError(f"cannot read {path}: {error.strerror}") from error

    def save(self, name: str, text: str | bytes) -> None:
        """Make it the definition of `name`; on disk when this returns."""
        atomic.make_directory(self.path)
        atomic.write(self.file(name), text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape"))

    def remove(self, name: str) -> bool:
        """Take definition and marks away. False when there was none."""
        there = atomic.remove(self.file(name), later=True)
        for mark in self.marks:
            self._unmark(mark, name)
        return there

    def rename(self, old: str, new: str, text: str | bytes) -> None:
        """`text` is the definition of `new`, which replaces `old`; its marks follow. Raises HostSystemError."""
        marked = [mark for mark in self.marks if self.is_marked(mark, old)]
        for mark in marked:
            self.mark(mark, new)
        atomic.write(self.file(old), text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape"))
        if self.file(new) != self.file(old):
            atomic.rename(self.file(old), self.file(new))
            for mark in marked:
                self._unmark(mark, old)

    def mark(self, mark: str, name: str, on: bool = True) -> None:
        """Set or clear a mark; on disk when this returns."""
        if not on:
            self._unmark(mark, name)
            return
        atomic.make_directory(self.path / mark)
        atomic.link(f"../{self.file(name).name}", self.path / mark / self.file(name).name)

    def is_marked(self, mark: str, name: str) -> bool:
        """Whether the mark is set."""
        return (self.path / mark / self.file(name).name).is_symlink()

    def _unmark(self, mark: str, name: str) -> None:
        atomic.remove(self.path / mark / self.file(name).name)

    def load(self) -> Iterator[Entry]:
        """Every readable definition, after finishing interrupted renames and sweeping stale temporaries and marks.

        What cannot be read is set aside with a warning; so is the older of two definitions that claim one name or UUID.
        """
        if not self.path.is_dir():
            return
        atomic.sweep(self.path)
        marked = {mark: self._marked_files(mark) for mark in self.marks}
        files = dict(self._scan_all())
        self._finish_renames(files, marked)
        self._set_rivals_aside(files)
        for mark, names in marked.items():
            for stale in names - {path.name for path in files}:
                log.info("sweeping the %s mark %s, which has no definition", mark, stale)
                with contextlib.suppress(OSError):
                    (self.path / mark / stale).unlink()
        for path, found in files.items():
            yield Entry(found.name, found.uuid, path, frozenset(m for m in self.marks if path.name in marked[m]))

    def _scan_all(self) -> Iterator[tuple[Path, Scanned]]:
        with os.scandir(self.path) as entries:
            names = sorted(entry.name for entry in entries if entry.name.endswith(".xml"))
        for name in names:
            path = self.path / name
            try:
                yield path, scan(_read(path), self.tag)
            except (OSError, Unreadable) as error:
                why = error.strerror or "unreadable" if isinstance(error, OSError) else str(error)
                set_aside(path, f"this is no definition: {why}")

    def _marked_files(self, mark: str) -> set[str]:
        try:
            with os.scandir(self.path / mark) as entries:
                return {entry.name for entry in entries if entry.is_symlink()}
        except OSError:
            return set()

    def _finish_renames(self, files: dict[Path, Scanned], marked: dict[str, set[str]]) -> None:
        """A file whose content has another name is a rename that was interrupted, or a copy made by hand."""
        for path, found in list(files.items()):
            wanted = self.file(found.name)
            if path == wanted or wanted in files:
                continue
            log.warning("%s defines '%s': renaming the file to %s", path, found.name, wanted.name)
            atomic.rename(path, wanted)
            files[wanted] = files.pop(path)
            for mark, names in marked.items():
                if path.name in names:
                    self.mark(mark, found.name)
                    names.add(wanted.name)

    def _set_rivals_aside(self, files: dict[Path, Scanned]) -> None:
        if len({found.name for found in files.values()}) == len({found.uuid for found in files.values()}) == len(files):
            return
        owners: dict[str | bytes, Path] = {}
        # A file that has the right name for its content wins over one that has not; then the younger wins.
        order = sorted(files, key=lambda path: (path != self.file(files[path].name), -path.stat().st_mtime_ns))
        for path in order:
            found = files[path]
            rival = owners.get(found.name) or owners.get(found.uuid)
            if rival is None:
                owners[found.name] = owners[found.uuid] = path
                continue
            set_aside(path, f"name or UUID of '{found.name}' is also that of {rival.name}")
            del files[path]


def _read(path: str | Path) -> bytes:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "not a regular file", str(path))
        # One call reads a whole file; more only if it grew just now.
        data = os.read(fd, min(status.st_size, LARGEST) + 1)
        if len(data) > status.st_size:
            data += os.read(fd, LARGEST)
        if len(data) > LARGEST:
            raise OSError(errno.EFBIG, f"larger than {LARGEST >> 20} MiB", str(path))
        return data
    finally:
        os.close(fd)
