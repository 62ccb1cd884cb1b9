"""<domainsnapshot>: a guest's state to go back to. Source: formatsnapshot.html."""

from __future__ import annotations

from typing import Any, Literal, NoReturn

from lxml import etree

from pyvirtd.conf.domain.domain import DomainDef
from pyvirtd.conf.domain.source import StorageFormat, StorageSource, StorageType
from pyvirtd.conf.xml import Dump, Element, at, child, children, format, raw, read, size
from pyvirtd.conf.xml.document import load
from pyvirtd.conf.xml.reader import guarded
from pyvirtd.conf.xml.types import Int, Long
from pyvirtd.errors import ConfigUnsupported, ErrorDomain, InternalError, VirtError, XMLError

State = Literal[
    "nostate", "running", "blocked", "paused", "shutdown", "shutoff", "crashed", "pmsuspended", "disk-snapshot"
]
Mode = Literal["no", "internal", "external", "manual"]


def _sourced(disk: Any, flags: int) -> bool:
    return disk.source is not None or disk.format is not None


class SnapshotDisk(Element, tag="disk"):
    """What becomes of a disk; `source` is the image that takes the writes from then on."""

    ERRORS = ErrorDomain.DOMAIN_SNAPSHOT
    name: str | None = at("@name")
    snapshot: Mode | None = at("@snapshot")
    type: StorageType = at("@type", "file", when=_sourced)
    format: StorageFormat | None = at("driver/@type")
    metadata_cache: int | None = size("driver/metadata_cache/max_size", unit="bytes")
    source: StorageSource | None = child(empty=False)

    def parsed(self, flags: int) -> None:
        """A source is what the type says, and asks for an external snapshot."""
        if self.source is not None:
            self.source.settle(self.type)
            if self.snapshot is None:
                self.snapshot = "external"


class InactiveDomain(DomainDef, tag="inactiveDomain"):
    """The definition that a running guest would have been started from next."""


class SnapshotDef(Element, tag="domainsnapshot"):
    """A snapshot. `created` in seconds since 1970; `domain` the guest as it was."""

    ERRORS = ErrorDomain.DOMAIN_SNAPSHOT
    name: str | None = at("name")
    description: str | None = at("description")
    state: State | None = at("state", bad=ConfigUnsupported)
    parent: str | None = at("parent/name")
    created: Long | None = at("creationTime")
    memory: Literal["no", "internal", "external"] | None = at("memory/@snapshot")
    memory_file: str | None = at("memory/@file")
    disks: list[SnapshotDisk] = children(under="disks")
    domain: DomainDef | None = child()
    inactive_domain: InactiveDomain | None = child()
    cookie: str | None = raw("cookie")
    active: Int | None = at("active", status=True)

    def parsed(self, flags: int) -> None:
        """A file for the memory asks for an external one."""
        if self.memory is None and self.memory_file is not None:
            self.memory = "external"


def parse_snapshot(xml: str | bytes, flags: int = Dump.INACTIVE, *, validate: bool = False) -> SnapshotDef:
    """A <domainsnapshot> document as it stands. validate: hold it against the schema first (XMLInvalidSchema).

    A <domain> without type is what snapshots had before they held the guest's definition; it counts as none.
    """
    if validate:
        from pyvirtd.conf.schema import check_schema  # compiling it is slow

        check_schema(SnapshotDef, xml, what="snapshot XML")
    root = load(xml, SnapshotDef.TAG, what="snapshot XML")
    _drop_old(root)
    return guarded(lambda: read(SnapshotDef, root, flags), "snapshot XML")


def _drop_old(root: etree._Element) -> None:
    for old in root.findall("domain"):
        if old.get("type") is None:
            root.remove(old)


def format_snapshot(snapshot: SnapshotDef, flags: int = Dump.INACTIVE) -> str:
    """The document as libvirt prints it. `flags`: SECURE, and STATUS for the daemon's own files."""
    return format(snapshot, flags | Dump.INACTIVE)


def complete_snapshot(snapshot: SnapshotDef, name: str, now: int, *, running: bool, disk_only: bool) -> None:
    """For one that is made: a name and a time unless given, and whether the memory is in it."""
    snapshot.name = snapshot.name or name
    snapshot.created = now
    snapshot.state = "disk-snapshot" if disk_only and running else "running" if running else "shutoff"
    if snapshot.memory is None:
        snapshot.memory = "internal" if running and not disk_only else "no"


def check_snapshot(snapshot: SnapshotDef) -> None:
    """What every snapshot has to obey."""
    if snapshot.memory == "external":
        if snapshot.memory_file is None:
            _refuse(XMLError, snapshot, "an external memory snapshot needs a file")
        if not snapshot.memory_file.startswith("/"):
            _refuse(XMLError, snapshot, f"memory file {snapshot.memory_file!r} has to be an absolute path")
    elif snapshot.memory_file is not None:
        _refuse(XMLError, snapshot, f"memory file {snapshot.memory_file!r} needs an external memory snapshot")
    for disk in snapshot.disks:
        if disk.name is None:
            _refuse(XMLError, snapshot, f"line {disk.line}: <disk> needs a name")
        if disk.source is not None and disk.snapshot not in (None, "external"):
            _refuse(XMLError, snapshot, f"disk {disk.name!r} has a source, which needs an external snapshot")
        file = disk.source.file if disk.source is not None else None
        if file is not None and not file.startswith("/"):
            _refuse(XMLError, snapshot, f"disk {disk.name!r}: image {file!r} has to be an absolute path")


def check_redefined(snapshot: SnapshotDef) -> None:
    """One that was made before has to tell everything about itself."""
    if snapshot.name is None:
        _refuse(XMLError, snapshot, "one that is told again needs its <name>")
    if snapshot.created is None:
        _refuse(InternalError, snapshot, "one that is told again needs its <creationTime>")
    if snapshot.state is None:
        _refuse(XMLError, snapshot, "one that is told again needs its <state>")
    check_snapshot(snapshot)
    if snapshot.domain is None:
        _refuse(InternalError, snapshot, "one that is told again needs its <domain>")


def check_created(snapshot: SnapshotDef, *, running: bool, disk_only: bool) -> None:
    """One that is to be made; before it is completed."""
    check_snapshot(snapshot)
    if snapshot.memory not in (None, "no") and (disk_only or not running):
        _refuse(XMLError, snapshot, "there is no memory to save: the guest is off, or only its disks are asked for")


def align_disks(snapshot: SnapshotDef, names: list[str], default: Mode, *, external_only: bool) -> None:
    """Give every disk of the guest (`names`) its place in the snapshot; what isn't told has the default."""
    given = {disk.name: disk for disk in snapshot.disks}
    for name in given:
        if name not in names:
            _refuse(ConfigUnsupported, snapshot, f"the guest has no disk {name!r}; it has {', '.join(names)}")
    if len(given) < len(snapshot.disks):
        _refuse(XMLError, snapshot, "a disk is there twice")
    snapshot.disks = [given.get(name) or SnapshotDisk(name=name) for name in names]
    for disk in snapshot.disks:
        disk.snapshot = disk.snapshot or default
        if disk.snapshot == "external" and default == "internal" and not external_only:
            _refuse(ConfigUnsupported, snapshot, f"disk {disk.name!r}: external beside internal snapshots can't be")


def _refuse(error: type[VirtError], snapshot: SnapshotDef, what: str) -> NoReturn:
    named = f"snapshot {snapshot.name!r}" if snapshot.name else "snapshot"
    raise error(f"{named}: {what}", domain=ErrorDomain.XML if error is XMLError else ErrorDomain.DOMAIN_SNAPSHOT)
