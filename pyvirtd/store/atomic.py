"""Files that are there whole or not at all: temporary file, fsync, rename, fsync of the directory.

All of these block on the disk, but for `remove(later=True)`; from the event loop call them through `in_background`.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final, ParamSpec, TypeVar

from pyvirtd.errors import HostSystemError
from pyvirtd.store.steps import reach

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

TEMPORARY: Final = ".tmp~"
"""How the names of half-written files end; `sweep` removes what a killed daemon left of them."""

_MOMENT: Final = 0.05
_soon: Final[dict[Path, list[int]]] = {}
_soon_lock: Final = threading.Lock()
_soon_writer: Final = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store-soon")
_writers: Final = ThreadPoolExecutor(max_workers=4, thread_name_prefix="store")


async def in_background(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a blocking call of this room in its own threads; it runs to its end even when the waiting task is cancelled,
    so that memory and disk never disagree about a write that was under way."""
    future = asyncio.get_running_loop().run_in_executor(_writers, partial(call, *args, **kwargs))
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        with contextlib.suppress(Exception):
            await asyncio.wait([future])
        raise


def write(path: Path, data: bytes, *, mode: int = 0o600) -> None:
    """Put `data` at `path`: afterwards the file holds all of it, on disk; on any error what was there before stays.

    Where a file is replaced, its successor is on disk before it takes the name. Where there was none, the name comes
    first and one flush takes content and name to the disk together: the host failing before that leaves nothing or an
    incomplete file, which nobody was told about and the reader sets aside. Raises HostSystemError, which names the
    step and the path.
    """
    temporary = path.with_name(path.name + TEMPORARY)
    reach("write", str(path))
    try:
        try:
            _put(temporary, path, data, mode)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            # What was removed a moment ago may still take up the space.
            _let_go_of_removed()
            _put(temporary, path, data, mode)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise HostSystemError(f"cannot write {path}: {error.strerror}") from error
    reach("written", str(path))


def _put(temporary: Path, path: Path, data: bytes, mode: int) -> None:
    if not os.path.lexists(path):
        _fill(temporary, data, mode, "rename", path)
        return
    _fill(temporary, data, mode, "fsync")
    reach("rename", str(path))
    temporary.replace(path)
    reach("renamed", str(path))
    sync_directory(path.parent)


def _fill(temporary: Path, data: bytes, mode: int, step: str, path: Path | None = None) -> None:
    """Write `data` and sync it, under the name `path` if that is given, which is taken back if the sync fails."""
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(fd, rest) :]
        reach(step, str(path or temporary))
        if path is not None:
            os.rename(temporary, path)
            reach("renamed", str(path))
        try:
            os.fsync(fd)
        except OSError:
            if path is not None:
                path.unlink()
            raise
    finally:
        os.close(fd)


def remove(path: Path, *, later: bool = False) -> bool:
    """Take the file away, durably. False when there was none. Raises HostSystemError.

    `later`: the flush follows on its own soon: for what, if the host failed within that moment, would do no harm by
    being there again.
    """
    reach("remove", str(path))
    try:
        if later:
            # Taking the content off the disk is most of the work: an open descriptor puts that off to its close.
            content = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                path.unlink()
            finally:
                _settle_soon(path.parent, content)
            reach("removed", str(path))
        else:
            path.unlink()
            reach("removed", str(path))
            sync_directory(path.parent)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise HostSystemError(f"cannot remove {path}: {error.strerror}") from error
    return True


def _settle_soon(directory: Path, content: int) -> None:
    """Close the descriptor and sync the directory in a moment, once for all that asked meanwhile."""
    with _soon_lock:
        waiting = _soon.get(directory)
        if waiting is not None:
            waiting.append(content)
            return
        _soon[directory] = [content]
    _soon_writer.submit(_settle, directory)


def _let_go_of_removed() -> None:
    """Have the space back that removed files take up until their directory's moment comes."""
    with _soon_lock:
        for contents in _soon.values():
            while contents:
                os.close(contents.pop())


def _settle(directory: Path) -> None:
    time.sleep(_MOMENT)
    with _soon_lock:
        for content in _soon.pop(directory):
            os.close(content)
    try:
        sync_directory(directory)
    except OSError as error:
        log.warning("cannot sync %s: %s", directory, error.strerror)


def rename(old: Path, new: Path) -> None:
    """Give a file another name in the same directory, durably. Raises HostSystemError."""
    reach("rename", str(new))
    try:
        old.rename(new)
        reach("renamed", str(new))
        sync_directory(new.parent)
    except OSError as error:
        raise HostSystemError(f"cannot rename {old} to {new}: {error.strerror}") from error


def link(target: str, path: Path) -> None:
    """Make `path` a symbolic link to `target`; fine when it is one already. Raises HostSystemError."""
    reach("link", str(path))
    try:
        if path.is_symlink() and os.readlink(path) == target:
            return
        path.unlink(missing_ok=True)
        path.symlink_to(target)
        sync_directory(path.parent)
    except OSError as error:
        raise HostSystemError(f"cannot make the link {path}: {error.strerror}") from error
    reach("linked", str(path))


def make_directory(path: Path, mode: int = 0o700) -> None:
    """The directory, with its parents. Raises HostSystemError."""
    try:
        path.mkdir(mode=mode, parents=True, exist_ok=True)
    except OSError as error:
        raise HostSystemError(f"cannot make the directory {path}: {error.strerror}") from error


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def sweep(directory: Path) -> None:
    """Remove the temporary files of writes that never came to their rename; nobody was told that they were done."""
    for entry in os.scandir(directory):
        if entry.name.endswith(TEMPORARY) and entry.is_file(follow_symlinks=False):
            with contextlib.suppress(OSError):
                os.unlink(entry.path)
