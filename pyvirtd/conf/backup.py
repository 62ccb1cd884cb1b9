"""<domainbackup>: a backup of a running guest's disks. Source: formatbackup.html."""

from __future__ import annotations

from typing import Any, Literal, NoReturn

from pyvirtd.conf.domain.source import StorageFormat, StorageSource
from pyvirtd.conf.repeated import repeated
from pyvirtd.conf.xml import Dump, Element, at, child, children, format, must, parse
from pyvirtd.conf.xml.types import Int, UInt, YesNo
from pyvirtd.errors import ConfigUnsupported, ErrorDomain, InvalidArg, VirtError, XMLError

DEFAULT_PORT = 10809  # NBD's


class BackupServer(Element, tag="server"):
    """The NBD server that a pull backup is read from."""

    ERRORS = ErrorDomain.DOMAIN
    transport: Literal["tcp", "unix"] = at("@transport", "tcp")
    tls: YesNo | None = at("@tls")
    name: str | None = at("@name")
    port: UInt | None = at("@port", omit=0)
    socket: str | None = at("@socket")


class Scratch(StorageSource, tag="scratch"):
    """Where a pull backup keeps what the guest overwrites meanwhile."""


class BackupTarget(StorageSource, tag="target"):
    """Where a push backup is written to."""


def _taken(disk: Any, flags: int) -> bool:
    return disk.backup is not False


class BackupDisk(Element, tag="disk"):
    """A disk and what becomes of it."""

    ERRORS = ErrorDomain.DOMAIN
    name: str = must("@name")
    backup: YesNo | None = at("@backup")
    type: Literal["file", "block"] = at("@type", "file", when=_taken)
    state: Literal["running", "complete", "failed", "cancelled", "cancelling"] | None = at("@state", status=True)
    mode: Literal["full", "incremental"] | None = at("@backupmode")
    incremental: str | None = at("@incremental")
    export: str | None = at("@exportname")
    bitmap: str | None = at("@exportbitmap")
    index: UInt | None = at("@index", live=True)
    format: StorageFormat | None = at("driver/@type")
    scratch: Scratch | None = child(empty=False)
    target: BackupTarget | None = child(empty=False)

    @property
    def store(self) -> StorageSource | None:
        """The image that is written."""
        return self.scratch or self.target

    def parsed(self, flags: int) -> None:
        """The image is what the type says."""
        if self.store is not None:
            self.store.settle(self.type)


class BackupDef(Element, tag="domainbackup"):
    """A backup: pushed to files by the hypervisor, or pulled by a client. `incremental`: since which checkpoint."""

    ERRORS = ErrorDomain.DOMAIN
    mode: Literal["push", "pull"] = at("@mode", "push")
    id: Int | None = at("@id", live=True)
    incremental: str | None = at("incremental")
    server: BackupServer | None = child()
    disks: list[BackupDisk] = children(under="disks")


def parse_backup(xml: str | bytes, flags: int = Dump.INACTIVE, *, validate: bool = False) -> BackupDef:
    """A <domainbackup> document as it stands. validate: hold it against the schema first (XMLInvalidSchema)."""
    if validate:
        from pyvirtd.conf.schema import check_schema  # compiling it is slow

        check_schema(BackupDef, xml, what="backup XML")
    return parse(BackupDef, xml, flags, what="backup XML")


def complete_backup(backup: BackupDef, names: list[str], suffix: str, files: dict[str, str] | None = None) -> None:
    """For the driver: every disk of the guest (`names`) gets its part.

    Disks that the document doesn't list stay out, unless it lists none: then all are backed up. Images without a
    name get the disk's own (`files`: disk -> its image) with .`suffix`.
    """
    if backup.mode == "pull":
        server = backup.server = backup.server or BackupServer()
        if server.transport == "tcp":
            server.name = server.name or "localhost"
    given = {disk.name: disk for disk in backup.disks}
    for name in given:
        if name not in names:
            _refuse(ConfigUnsupported, f"the guest has no disk {name!r}; it has {', '.join(names)}")
    everything = not given
    backup.disks = [given.get(name) or BackupDisk(name=name, backup=everything) for name in names]
    for disk in backup.disks:
        disk.backup = True if disk.backup is None else disk.backup
        if disk.backup:
            _complete_disk(backup, disk, suffix, files or {})


def _complete_disk(backup: BackupDef, disk: BackupDisk, suffix: str, files: dict[str, str]) -> None:
    if disk.mode is None:
        disk.mode = "incremental" if disk.incremental or backup.incremental else "full"
    if disk.mode == "incremental":
        disk.incremental = disk.incremental or backup.incremental
    if disk.store is not None or disk.type != "file" or disk.name not in files:
        return
    file = f"{files[disk.name]}.{suffix}"
    if backup.mode == "pull":
        disk.scratch = Scratch(file=file)
    else:
        disk.target = BackupTarget(file=file)


def check_backup(backup: BackupDef) -> None:
    """Whether it can be done, as far as the hypervisor needs not be asked."""
    if backup.mode == "push":
        if backup.server is not None:
            _refuse(XMLError, "a push backup has no <server>: nobody reads from it")
    elif backup.server is not None:
        _check_server(backup.server)
    twice = repeated(disk.name for disk in backup.disks)
    if twice is not None:
        _refuse(InvalidArg, f"disk {twice!r} is there twice")
    for disk in backup.disks:
        wrong = disk.target if backup.mode == "pull" else disk.scratch
        if wrong is not None:
            _refuse(
                XMLError, f"line {disk.line}: disk {disk.name!r}: a {backup.mode} backup has no <{wrong.TAG}>"
            )
        if backup.mode == "push" and (disk.export or disk.bitmap):
            _refuse(XMLError, f"line {disk.line}: disk {disk.name!r}: exports are a pull backup's")
        if disk.mode == "full" and disk.incremental:
            _refuse(XMLError, f"line {disk.line}: disk {disk.name!r}: a full backup is not since {disk.incremental!r}")


def _check_server(server: BackupServer) -> None:
    if server.transport == "unix" and server.socket is None:
        _refuse(XMLError, f"line {server.line}: a server on a unix socket needs a path")
    if server.transport == "unix" and server.tls:
        _refuse(XMLError, f"line {server.line}: TLS is for transport tcp")
    if server.socket is not None and not server.socket.startswith("/"):
        _refuse(XMLError, f"line {server.line}: socket {server.socket!r} has to be an absolute path")


def format_backup(backup: BackupDef, flags: int = Dump.INACTIVE) -> str:
    """The document as libvirt prints it; `flags` are those of `Dump`."""
    return format(backup, flags)


def _refuse(error: type[VirtError], message: str) -> NoReturn:
    raise error(message, domain=ErrorDomain.XML if error is XMLError else ErrorDomain.DOMAIN)
