"""Snapshots, checkpoints and backups: what can't be, and what is filled in."""

from __future__ import annotations

import pytest

from pyvirtd.conf.backup import check_backup, complete_backup, format_backup, parse_backup
from pyvirtd.conf.checkpoint import (
    check_checkpoint,
    complete_checkpoint,
    format_checkpoint,
    parse_checkpoint,
)
from pyvirtd.conf.snapshot import (
    align_disks,
    check_created,
    check_redefined,
    complete_snapshot,
    format_snapshot,
    parse_snapshot,
)
from pyvirtd.errors import ConfigUnsupported, InternalError, InvalidArg, VirtError, XMLError, XMLInvalidSchema

DOMAIN = "<domain type='qemu'><name>g</name></domain>"


@pytest.mark.parametrize(
    ("inside", "error", "word"),
    [
        ("", XMLError, "<name>"),
        ("<name>a</name>", InternalError, "<creationTime>"),
        ("<name>a</name><creationTime>1</creationTime>", XMLError, "<state>"),
        ("<name>a</name><creationTime>1</creationTime><state>dreaming</state>", ConfigUnsupported, "dreaming"),
        ("<name>a</name><creationTime>1</creationTime><state>running</state>", InternalError, "<domain>"),
        ("<name>a</name><creationTime>1</creationTime><state>running</state><domain><uuid>x</uuid></domain>",
         InternalError, "<domain>"),
    ],
)  # fmt: skip
def test_snapshots_told_again_tell_everything(inside: str, error: type[VirtError], word: str) -> None:
    with pytest.raises(error) as caught:
        check_redefined(parse_snapshot(f"<domainsnapshot>{inside}</domainsnapshot>"))
    assert word in caught.value.message


@pytest.mark.parametrize(
    ("inside", "word"),
    [
        ("<memory snapshot='external'/>", "file"),
        ("<memory snapshot='external' file='m'/>", "absolute"),
        ("<memory snapshot='internal' file='/m'/>", "external"),
        ("<memory snapshot='internal'/>", "no memory"),
        ("<disks><disk snapshot='no'/></disks>", "name"),
        ("<disks><disk name='vda' snapshot='internal'><source file='/a'/></disk></disks>", "external"),
        ("<disks><disk name='vda'><source file='a'/></disk></disks>", "absolute"),
    ],
)
def test_snapshots_that_cannot_be_made(inside: str, word: str) -> None:
    with pytest.raises(XMLError) as caught:
        check_created(parse_snapshot(f"<domainsnapshot>{inside}</domainsnapshot>"), running=False, disk_only=False)
    assert word in caught.value.message


def test_every_disk_has_a_place_in_a_snapshot() -> None:
    text = "<domainsnapshot><disks><disk name='vdb'><source file='/b'/></disk></disks></domainsnapshot>"
    made = parse_snapshot(text)
    check_created(made, running=True, disk_only=True)
    complete_snapshot(made, "1700000000", 1700000000, running=True, disk_only=True)
    align_disks(made, ["vda", "vdb"], "external", external_only=True)
    assert [(disk.name, disk.snapshot) for disk in made.disks] == [("vda", "external"), ("vdb", "external")]
    assert (made.name, made.state, made.memory) == ("1700000000", "disk-snapshot", "no")
    assert "<disk name='vdb' snapshot='external' type='file'>" in format_snapshot(made)
    with pytest.raises(ConfigUnsupported):
        align_disks(parse_snapshot(text), ["vda"], "internal", external_only=False)
    with pytest.raises(ConfigUnsupported):
        align_disks(parse_snapshot(text), ["vdb"], "internal", external_only=False)


@pytest.mark.parametrize(
    ("inside", "error"),
    [
        ("", XMLError),
        ("<name>a</name>", InternalError),
        ("<name>../a</name>", XMLInvalidSchema),
        ("<name>a</name><active>1</active>", XMLInvalidSchema),
        ("<name>a</name><creationTime>1</creationTime><disks><disk name='a'/><disk name='a'/></disks>", XMLError),
        ("<name>a</name><creationTime>1</creationTime><disks><disk name='a' checkpoint='no' bitmap='b'/></disks>",
         XMLError),
    ],
)  # fmt: skip
def test_checkpoints_that_cannot_be(inside: str, error: type[VirtError]) -> None:
    with pytest.raises(error):
        check_checkpoint(parse_checkpoint(f"<domaincheckpoint>{inside}</domaincheckpoint>"), redefined=True)


def test_bitmaps_are_named_after_the_checkpoint() -> None:
    disks = "<disks><disk name='vda'/><disk name='vdb' checkpoint='no'/></disks>"
    made = parse_checkpoint(f"<domaincheckpoint>{disks}</domaincheckpoint>")
    check_checkpoint(made, redefined=False)
    complete_checkpoint(made, "c", 5)
    printed = format_checkpoint(made)
    assert "<disk name='vda' checkpoint='bitmap' bitmap='c'/>" in printed
    assert "<disk name='vdb' checkpoint='no'/>" in printed


@pytest.mark.parametrize(
    ("mode", "inside", "error"),
    [
        ("push", "<server name='a'/>", XMLError),
        ("pull", "<server transport='unix'/>", XMLError),
        ("pull", "<server transport='unix' socket='s'/>", XMLError),
        ("pull", "<server transport='unix' socket='/s' tls='yes'/>", XMLError),
        ("pull", "<disks><disk name='a'/><disk name='a'/></disks>", InvalidArg),
        ("pull", "<disks><disk name='a'><target file='/t'/></disk></disks>", XMLError),
        ("push", "<disks><disk name='a'><scratch file='/t'/></disk></disks>", XMLError),
        ("push", "<disks><disk name='a' exportname='e'/></disks>", XMLError),
        ("pull", "<disks><disk name='a' backupmode='full' incremental='c'/></disks>", XMLError),
    ],
)
def test_backups_that_cannot_be(mode: str, inside: str, error: type[VirtError]) -> None:
    with pytest.raises(error):
        check_backup(parse_backup(f"<domainbackup mode='{mode}'>{inside}</domainbackup>"))


def test_disks_of_a_backup() -> None:
    everything = parse_backup("<domainbackup/>")
    complete_backup(everything, ["vda"], "17", {"vda": "/i.qcow2"})
    assert [(disk.backup, disk.mode) for disk in everything.disks] == [(True, "full")]
    assert everything.disks[0].target is not None
    assert everything.disks[0].target.file == "/i.qcow2.17"
    inside = "<incremental>c</incremental><disks><disk name='vda'/></disks>"
    some = parse_backup(f"<domainbackup mode='pull'>{inside}</domainbackup>")
    complete_backup(some, ["vda", "vdb"], "17")
    printed = format_backup(some)
    assert "<disk name='vda' backup='yes' type='file' backupmode='incremental' incremental='c'/>" in printed
    assert "<disk name='vdb' backup='no'/>" in printed
    assert some.server is not None
    assert some.server.name == "localhost"
    with pytest.raises(ConfigUnsupported):
        complete_backup(some, ["sda"], "17")
