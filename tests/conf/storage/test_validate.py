"""Pools and volumes that can't be, and what is made of those that can."""

from __future__ import annotations

import pytest

from pyvirtd.conf.storage import (
    check_backend,
    check_pool,
    check_volume,
    complete_pool,
    complete_volume,
    format_pool,
    parse_pool,
    parse_volume,
    place_volume,
)
from pyvirtd.conf.storage.values import clean_path
from pyvirtd.errors import ConfigUnsupported, InternalError, NoSupport, VirtError, XMLError

HERE = "<target><path>/p</path></target>"


def pool(type: str, inside: str) -> None:
    made = parse_pool(f"<pool type='{type}'><name>n</name>{inside}</pool>")
    complete_pool(made)
    check_pool(made)


@pytest.mark.parametrize(
    ("type", "inside", "word"),
    [
        ("dir", "", "<path>"),
        ("dir", "<target><path>p</path></target>", "absolute"),
        ("fs", HERE, "<device>"),
        ("netfs", "<source><dir path='/d'/></source>" + HERE, "<host>"),
        ("netfs", "<source><host name='h'/></source>" + HERE, "<dir>"),
        ("iscsi-direct", "<source><host name='h'/><device path='iqn'/></source>", "<initiator>"),
        ("scsi", HERE, "<adapter>"),
        ("scsi", "<source><adapter type='fc_host'/></source>" + HERE, "wwnn"),
        ("scsi", "<source><adapter type='scsi_host'/></source>" + HERE, "name"),
        ("scsi", "<source>"
         "<adapter name='a'><parentaddr unique_id='1'><address/></parentaddr></adapter></source>" + HERE,
         "not both"),
        ("rbd", "<source><host name='h'/><auth type='ceph' username='u'/></source>", "<secret>"),
        ("floppy", HERE, "floppy"),
    ],
)  # fmt: skip
def test_pools_that_cannot_be(type: str, inside: str, word: str) -> None:
    with pytest.raises(XMLError) as caught:
        pool(type, inside)
    assert word in caught.value.message


@pytest.mark.parametrize(
    "inside",
    [
        "<source><host name='h'/><dir path='/d'/><format type='afs'/></source>",
        "<source><host name='h'/><dir path='/d'/><format type='cifs'/><protocol ver='3'/></source>",
    ],
)
def test_formats_that_cannot_be(inside: str) -> None:
    with pytest.raises(ConfigUnsupported):
        pool("netfs", inside + HERE)


def test_copy_on_write_is_for_files() -> None:
    with pytest.raises(NoSupport):
        pool("mpath", "<features><cow state='no'/></features>" + HERE)


def test_what_a_pool_is_completed_with() -> None:
    made = parse_pool("<pool type='logical'><name>vg</name><capacity unit='G'>5</capacity></pool>")
    complete_pool(made)
    check_pool(made)
    assert (made.source.name, made.source.format, made.target, made.capacity) == ("vg", "lvm2", "/dev/vg", 0)
    assert made.uuid is not None
    again = parse_pool(format_pool(made))
    complete_pool(again)
    assert again == made
    check_backend(made, ("dir", "logical"))
    with pytest.raises(InternalError):
        check_backend(made, ("dir",))


def test_paths_lose_spare_slashes() -> None:
    cleaned = [clean_path(path) for path in ("/a//b/", "///a", "//a", "/", "a//b")]
    assert cleaned == ["/a/b", "/a", "//a", "/", "a/b"]


def volume(inside: str) -> None:
    made = parse_volume(f"<volume><name>n</name>{inside}</volume>")
    complete_volume(made)
    check_volume(made)


@pytest.mark.parametrize(
    ("inside", "error"),
    [
        ("", XMLError),
        ("<capacity>1</capacity><target><format type='zip'/></target>", ConfigUnsupported),
        ("<capacity>1</capacity><target><format type='cow'/></target>", InternalError),
        ("<capacity>1</capacity><backingStore><path>/a</path></backingStore>", NoSupport),
        ("<capacity>1</capacity><target><format type='qcow2'/><compat>0.10</compat>"
         "<features><lazy_refcounts/></features></target>", ConfigUnsupported),
        ("<capacity>1</capacity><target><format type='qcow2'/><encryption format='qcow'/></target>", ConfigUnsupported),
        ("<capacity>1</capacity><target><format type='qcow2'/><compat>new</compat></target>", XMLError),
        ("<capacity>1</capacity><target><permissions><mode>9</mode></permissions></target>", XMLError),
        ("<capacity unit='furlong'>1</capacity>", XMLError),
    ],
)  # fmt: skip
def test_volumes_that_cannot_be(inside: str, error: type[VirtError]) -> None:
    with pytest.raises(error) as caught:
        volume(inside)
    assert type(caught.value) is error


def test_a_volume_in_a_directory() -> None:
    made = parse_volume("<volume><name>n</name><target><permissions><owner>-1</owner></permissions></target></volume>")
    complete_volume(made)
    place_volume(made, "/p/", 7)
    assert (made.path, made.key, made.type, made.format, made.mode) == ("/p/n", "/p/n", "file", "raw", 0o600)
    assert (made.owner, made.group, made.capacity) == (0, 0, 7)
