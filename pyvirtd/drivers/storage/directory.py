"""The files of a directory pool. Everything here blocks; every file is reached through the directory's descriptor.

No link is followed and no name leaves the directory: names come from clients and from whoever may write there.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pyvirtd.conf.storage import BackingStore, Volume
from pyvirtd.conf.storage.volume import VolumeType
from pyvirtd.drivers.storage.header import HEAD, Header, examine
from pyvirtd.errors import InvalidArg, OperationFailed, StorageVolExist

_KINDS: Final[dict[int, VolumeType]] = {stat.S_IFREG: "file", stat.S_IFBLK: "block", stat.S_IFDIR: "dir"}


def check_name(name: str) -> str:
    """A volume's name, provided it is one. Raises InvalidArg."""
    if name in ("", ".", "..") or "/" in name or "\0" in name or len(os.fsencode(name)) > 255:
        raise InvalidArg(f"a volume cannot be named '{name}': a name is a file name without '/'")
    return name


@contextlib.contextmanager
def opened(path: str) -> Iterator[int]:
    """The directory's descriptor. Raises OperationFailed."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise OperationFailed(f"cannot open the pool's directory {path}: {error.strerror}") from error
    try:
        yield fd
    finally:
        os.close(fd)


def read_all(path: str) -> dict[str, Volume]:
    """Every file, block device and directory, by name; what cannot be read or is something else is left out."""
    found: dict[str, Volume] = {}
    with opened(path) as fd:
        for name in sorted(os.listdir(fd)):
            with contextlib.suppress(OSError, UnicodeError):
                if (volume := read(fd, path, name)) is not None:
                    found[name] = volume
    return found


def read(directory: int, path: str, name: str) -> Volume | None:
    """One volume, or None for what is none. Raises OSError."""
    kind = _KINDS.get(stat.S_IFMT(os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode))
    if kind is None:
        return None
    fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY, dir_fd=directory)
    try:
        info = os.fstat(fd)
        size = os.lseek(fd, 0, os.SEEK_END) if kind == "block" else info.st_size
        header = examine(os.pread(fd, HEAD, 0)) if kind == "file" else Header("dir" if kind == "dir" else "raw")
    finally:
        os.close(fd)
    whole = str(Path(path) / name)
    volume = Volume(
        type=kind, name=name, key=whole, path=whole, format=header.format, compat=header.compat,
        capacity=header.capacity if header.capacity is not None else size,
        allocation=info.st_blocks * 512 if kind != "block" else size, physical=size,
        mode=stat.S_IMODE(info.st_mode), owner=info.st_uid, group=info.st_gid,
        atime=_time(info.st_atime_ns), mtime=_time(info.st_mtime_ns), ctime=_time(info.st_ctime_ns),
    )  # fmt: skip
    if header.backing is not None:
        below = header.backing if header.backing.startswith(("/", "json:")) else str(Path(path) / header.backing)
        volume.backing = BackingStore(path=below, format=header.backing_format)
    return volume


def _time(nanoseconds: int) -> str:
    return f"{nanoseconds // 10**9}.{nanoseconds % 10**9:09d}"


def create(path: str, name: str, mode: int, owner: tuple[int, int]) -> int:
    """A new empty file with its final mode and owner: a descriptor to fill it by. Raises StorageVolExist."""
    with opened(path) as directory:
        try:
            fd = os.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600,
                         dir_fd=directory)  # fmt: skip
        except FileExistsError:
            raise StorageVolExist(f"{path} has a file '{name}' already") from None
        except OSError as error:
            raise OperationFailed(f"cannot create '{name}' in {path}: {error.strerror}") from error
        try:
            if owner != (-1, -1):
                os.fchown(fd, *owner)
            os.fchmod(fd, mode)
        except OSError as error:
            os.close(fd)
            os.unlink(name, dir_fd=directory)
            raise OperationFailed(f"cannot set mode and owner of '{name}' in {path}: {error.strerror}") from error
    return fd


def fill_raw(fd: int, capacity: int, allocation: int) -> None:
    """Make the file `capacity` bytes long, `allocation` of them really there. Raises OSError."""
    os.ftruncate(fd, capacity)
    if allocation > 0:
        os.posix_fallocate(fd, 0, min(allocation, capacity))


def delete(path: str, name: str) -> None:
    """Remove a file. Raises OperationFailed."""
    with opened(path) as directory:
        try:
            if stat.S_ISDIR(os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode):
                os.rmdir(name, dir_fd=directory)
            else:
                os.unlink(name, dir_fd=directory)
        except OSError as error:
            raise OperationFailed(f"cannot remove '{name}' from {path}: {error.strerror}") from error


def space(path: str) -> tuple[int, int, int]:
    """Bytes of the file system: all, used, free. Raises OperationFailed."""
    try:
        info = os.statvfs(path)
    except OSError as error:
        raise OperationFailed(f"cannot look at {path}: {error.strerror}") from error
    capacity, available = info.f_blocks * info.f_frsize, info.f_bavail * info.f_frsize
    return capacity, capacity - info.f_bfree * info.f_frsize, available
