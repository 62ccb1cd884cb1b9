"""<domaincheckpoint>: a point in a guest's life since which changed blocks are known. Source: formatcheckpoint.html."""

from __future__ import annotations

from typing import Annotated, Literal

from pyvirtd.conf.domain.domain import DomainDef
from pyvirtd.conf.repeated import repeated
from pyvirtd.conf.xml import Dump, Element, at, child, children, format, must, parse
from pyvirtd.conf.xml.types import Codec, Long, ULong, escape
from pyvirtd.errors import ErrorDomain, InternalError, XMLError

FileName = Annotated[str, Codec(None, escape, right="a name that a file can have", pattern="[^./][^/]*")]


class CheckpointDisk(Element, tag="disk"):
    """A disk, and the bitmap that marks its changes. `size` in bytes is what changed, where it was asked for."""

    ERRORS = ErrorDomain.DOMAIN_CHECKPOINT
    name: str = must("@name")
    checkpoint: Literal["no", "bitmap"] | None = at("@checkpoint")
    bitmap: str | None = at("@bitmap")
    size: ULong | None = at("@size", live=True)


class CheckpointDef(Element, tag="domaincheckpoint"):
    """A checkpoint. `created` in seconds since 1970."""

    ERRORS = ErrorDomain.DOMAIN_CHECKPOINT
    name: FileName | None = at("name")
    description: str | None = at("description")
    parent: str | None = at("parent/name")
    created: Long | None = at("creationTime")
    disks: list[CheckpointDisk] = children(under="disks")
    domain: DomainDef | None = child()


def parse_checkpoint(xml: str | bytes) -> CheckpointDef:
    """A <domaincheckpoint> document as it stands. It is always held against the schema, as libvirt does
    (XMLInvalidSchema): a name becomes a file's."""
    from pyvirtd.conf.schema import check_schema  # compiling it is slow

    check_schema(CheckpointDef, xml, what="checkpoint XML")
    return parse(CheckpointDef, xml, Dump.INACTIVE, what="checkpoint XML")


def complete_checkpoint(checkpoint: CheckpointDef, name: str, now: int) -> None:
    """For one that is made: a name and a time unless given, the guest's disks in bitmaps named after it."""
    checkpoint.name = checkpoint.name or name
    checkpoint.created = now
    complete_bitmaps(checkpoint)


def complete_bitmaps(checkpoint: CheckpointDef) -> None:
    """Disks take part unless told otherwise; their bitmaps have the checkpoint's name."""
    for disk in checkpoint.disks:
        disk.checkpoint = disk.checkpoint or "bitmap"
        if disk.checkpoint == "bitmap" and disk.bitmap is None:
            disk.bitmap = checkpoint.name


def check_checkpoint(checkpoint: CheckpointDef, *, redefined: bool) -> None:
    """Whether it can be taken. redefined: it was made before, and has to tell everything about itself."""
    if redefined and checkpoint.name is None:
        raise XMLError("a checkpoint that is told again needs its <name>", domain=ErrorDomain.XML)
    if redefined and checkpoint.created is None:
        raise InternalError(
            f"checkpoint {checkpoint.name!r}: one that is told again needs its <creationTime>",
            domain=ErrorDomain.DOMAIN_CHECKPOINT,
        )
    twice = repeated(disk.name for disk in checkpoint.disks)
    if twice is not None:
        raise XMLError(f"checkpoint {checkpoint.name!r}: disk {twice!r} is there twice", domain=ErrorDomain.XML)
    for disk in checkpoint.disks:
        if disk.bitmap is not None and disk.checkpoint == "no":
            raise XMLError(
                f"line {disk.line}: disk {disk.name!r} is left out, and has a bitmap", domain=ErrorDomain.XML
            )


def format_checkpoint(checkpoint: CheckpointDef, flags: int = Dump.INACTIVE) -> str:
    """The document as libvirt prints it; without INACTIVE with the sizes."""
    return format(checkpoint, flags)
