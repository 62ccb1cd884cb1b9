"""Files of a pool: names and links that want out of the directory."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pyvirtd.drivers.storage import directory
from pyvirtd.errors import InvalidArg, OperationFailed, StorageVolExist


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../x", "/etc/passwd", "a\0b", "x" * 256])
def test_names_that_are_none(name: str) -> None:
    with pytest.raises(InvalidArg):
        directory.check_name(name)


def test_links_and_sockets_are_no_volumes(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"x" * 5000)
    (tmp_path / "link").symlink_to("/etc/passwd")
    os.mkfifo(tmp_path / "pipe")
    found = directory.read_all(str(tmp_path))
    assert list(found) == ["real"]
    assert (found["real"].capacity, found["real"].format) == (5000, "raw")


def test_new_files_have_their_mode_at_once_and_replace_nothing(tmp_path: Path) -> None:
    os.close(directory.create(str(tmp_path), "new", 0o640, (-1, -1)))
    assert (tmp_path / "new").stat().st_mode & 0o7777 == 0o640
    with pytest.raises(StorageVolExist):
        directory.create(str(tmp_path), "new", 0o640, (-1, -1))
    (tmp_path / "dangling").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StorageVolExist):
        directory.create(str(tmp_path), "dangling", 0o600, (-1, -1))
    assert not (tmp_path / "elsewhere").exists()


def test_deleting_a_link_leaves_what_it_points_to(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("kept")
    (tmp_path / "link").symlink_to("target")
    directory.delete(str(tmp_path), "link")
    assert (tmp_path / "target").read_text() == "kept"
    with pytest.raises(OperationFailed):
        directory.delete(str(tmp_path), "link")


def test_a_missing_directory_says_so(tmp_path: Path) -> None:
    with pytest.raises(OperationFailed, match="no-such"):
        directory.read_all(str(tmp_path / "no-such"))
