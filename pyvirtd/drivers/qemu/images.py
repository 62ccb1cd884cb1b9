"""The images of a guest's disks at its start: numbered, and with what lies below them.

A chain is followed through the formats that are recorded in the definition and in the images' headers, and stops
where none is: what a guest can write into is never looked at to find out what it is. A chain that the definition
spells out is taken as it stands.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final, cast, get_args

from pyvirtd.conf.domain.source import BackingStore, Format, StorageFormat, StorageSource
from pyvirtd.drivers.qemu.ownership import why_unreachable
from pyvirtd.errors import ConfigUnsupported, HostSystemError, OperationFailed, OperationInvalid
from pyvirtd.host.image import backing_of

if TYPE_CHECKING:
    from pyvirtd.conf.domain.disk import Disk
    from pyvirtd.conf.domain.domain import DomainDef

DEEPEST: Final = 200
_ALONE: Final = ("raw", "fat", "iso", "dir")
"""Formats without an image below."""


def settle_images(live: DomainDef) -> None:
    """Number the images of the live definition and complete their chains. Reads the images' headers.

    Raises HostSystemError for an image that cannot be read, OperationInvalid where a format is missing,
    OperationFailed for a damaged header or an endless chain.
    """
    number = 0
    for disk in live.devices.disks:
        source = disk.source
        optional = source is not None and source.startup_policy == "optional"
        if source is not None and optional and source.file and not os.path.exists(source.file):
            disk.source, disk.type = None, "file"  # such a medium may be missing
    disks = [disk for disk in reversed(live.devices.disks) if disk.type != "vhostuser" and disk.bus != "sd"]
    for disk in disks:
        number += 1
        if disk.empty:
            if disk.driver is not None:
                disk.driver.type = None
            continue
        assert disk.source is not None
        disk.source.index = number
        if disk.shareable and not disk.readonly and disk.driver is not None and disk.driver.cache is None:
            disk.driver.cache = "none"
        for store in _given(disk):
            number += 1
            store.index = number
    for disk in disks:
        if not disk.empty:
            number = _complete(disk, number)


def files_of_disks(live: DomainDef) -> Iterator[str]:
    """The paths that QEMU opens for the disks: images and what is below them."""
    for disk in live.devices.disks:
        for source in (disk.source, *(store.source for store in _given(disk))):
            if source is None or source.fdgroup or source.protocol:
                continue
            path = source.file or source.dev
            if path:
                yield path


def _given(disk: Disk) -> Iterator[BackingStore]:
    store = disk.backing
    while store is not None and store.type is not None:
        yield store
        store = store.backing


def _complete(disk: Disk, number: int) -> int:
    """Append what the headers say below the last image that is known; the number of the last image."""
    above: Any = disk
    for store in _given(disk):
        above = store
    if above.backing is not None or (above is disk and disk.type not in ("file", "block", "dir")):
        return number
    kind, format, source = _what(above, disk)
    seen: set[str] = set()
    while True:
        path = source.file or source.dev if source is not None and kind in ("file", "block") else None
        if format in _ALONE or source is None or path is None or source.fdgroup:
            above.backing = BackingStore() if format in _ALONE else None
            return number
        if path in seen or len(seen) > DEEPEST:
            raise OperationFailed(f"disk '{disk.target}': the chain of images below {path} has no end")
        seen.add(path)
        below = _below(disk, path, format)
        above.backing = below if below is not None else BackingStore()
        if below is None:
            return number
        number += 1
        below.index = number
        above, (kind, format, source) = below, _what(below, disk)


def _what(layer: Any, disk: Disk) -> tuple[str, str, StorageSource | None]:
    """Storage type, format, source of a disk's own image or of one below."""
    if layer is disk:
        return disk.type, disk.format, disk.source
    return layer.type or "file", (layer.format.type if layer.format is not None else "raw"), layer.source


def _below(disk: Disk, path: str, format: str) -> BackingStore | None:
    """The image that is recorded as the one below; None: there is none. Raises what `settle_images` says."""
    try:
        backing = backing_of(path, format)
    except OSError as error:
        raise HostSystemError(
            f"disk '{disk.target}': cannot read the image {path}: {why_unreachable(path, error)}"
        ) from error
    except ValueError as error:
        raise OperationFailed(f"disk '{disk.target}': {error}") from error
    if backing is None:
        return None
    name, kind = _file_name(backing.name), backing.format
    if name is None:
        raise ConfigUnsupported(
            f"disk '{disk.target}': {path} is above '{backing.name:.100}', which is no file of this host: "
            "spell out the chain with <backingStore>"
        )
    if kind is None:
        raise OperationInvalid(
            f"disk '{disk.target}': {path} does not record the format of {name}, the image below it: "
            f"write it down with 'qemu-img rebase -u -b {name} -F FORMAT {path}'"
        )
    if kind not in get_args(StorageFormat):
        raise OperationFailed(f"disk '{disk.target}': {path} says that {name} is of format '{kind:.40}', which is none")
    place = os.path.normpath(os.path.join(os.path.dirname(os.path.realpath(path)), name))
    try:
        status = os.stat(place)
    except OSError as error:
        raise HostSystemError(
            f"disk '{disk.target}': cannot use {place}, the image below {path}: {why_unreachable(place, error)}"
        ) from error
    block = status.st_mode & 0o170000 == 0o060000
    source = StorageSource(dev=place) if block else StorageSource(file=place)
    recorded = Format(type=cast(StorageFormat, kind))
    return BackingStore(type="block" if block else "file", detected=True, format=recorded, source=source)


def _file_name(name: str) -> str | None:
    """A path out of the ways in which QEMU writes down a file; None for what is no file of this host."""
    if name.startswith("json:"):
        try:
            node = json.loads(name.removeprefix("json:"))
        except ValueError:
            return None
        while isinstance(node, dict) and isinstance(node.get("file"), dict):
            node = node["file"]
        if not isinstance(node, dict):
            return None
        found = node.get("filename") or node.get("file.filename")
        driver = node.get("driver", node.get("file.driver", "file"))
        return found if isinstance(found, str) and driver == "file" else None
    if name.startswith("file:"):
        return name.removeprefix("file:").removeprefix("//")
    scheme, colon, _ = name.partition(":")
    return None if colon and "/" not in scheme and scheme.isalnum() else name
