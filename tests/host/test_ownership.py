"""Files lent to guests come back to their owners, also when several guests share one, and after a crash."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pyvirtd.errors import OperationFailed
from pyvirtd.host.ownership import OWNER, SINCE, USERS, Owner, lend, lent_to, restore

QEMU = Owner(64055, 64055)
USER = Owner(1234, 5678)


def owner(path: Path) -> Owner:
    st = path.stat()
    return Owner(st.st_uid, st.st_gid)


@pytest.fixture
def image(tmp_path: Path) -> Path:
    if os.getuid() != 0:
        pytest.skip("needs root to give files away")
    path = tmp_path / "disk.img"
    path.write_bytes(b"data")
    os.chown(path, *USER)
    try:
        os.setxattr(path, "trusted.test", b"")
    except OSError as e:
        pytest.skip(f"no trusted attributes here: {e}")
    return path


def test_there_and_back(image: Path) -> None:
    lend(str(image), QEMU)
    assert owner(image) == QEMU
    assert lent_to(str(image)) == (USER, 1)
    restore(str(image))
    assert owner(image) == USER
    assert lent_to(str(image)) is None
    assert not [name for name in os.listxattr(image) if "libvirt" in name]


def test_shared_by_two_guests(image: Path) -> None:
    lend(str(image), QEMU)
    lend(str(image), QEMU)
    restore(str(image))
    assert owner(image) == QEMU
    restore(str(image))
    assert owner(image) == USER


def test_after_a_reboot_the_owner_still_holds_but_not_the_count(image: Path) -> None:
    lend(str(image), QEMU)
    lend(str(image), QEMU)
    os.setxattr(image, SINCE, b"1")
    lend(str(image), QEMU)
    assert lent_to(str(image)) == (USER, 1)
    restore(str(image))
    assert owner(image) == USER


def test_through_a_link_the_file_itself_is_lent(image: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(image)
    lend(str(tmp_path / "link"), QEMU)
    assert owner(image) == QEMU
    restore(str(tmp_path / "link"))
    assert owner(image) == USER


def test_not_remembered(image: Path) -> None:
    lend(str(image), QEMU, remember=False)
    restore(str(image))
    assert owner(image) == QEMU
    restore(str(image), fallback=Owner(0, 0))
    assert owner(image) == Owner(0, 0)


@pytest.mark.parametrize("value", [b"", b"x", b"+1", b"root:root"])
def test_garbage_in_the_attributes_is_no_owner(image: Path, value: bytes) -> None:
    lend(str(image), QEMU)
    os.setxattr(image, OWNER, value)
    restore(str(image))
    assert owner(image) == QEMU


def test_garbage_as_count(image: Path) -> None:
    lend(str(image), QEMU)
    os.setxattr(image, USERS, b"many")
    restore(str(image))
    assert owner(image) == QEMU


def test_what_is_not_there(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(OperationFailed, match=f"cannot reach {tmp_path}/gone: No such file"):
        lend(f"{tmp_path}/gone", QEMU)
    restore(f"{tmp_path}/gone")
    assert not caplog.records


def test_a_readable_file_that_cannot_be_given_is_fine(image: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "chown", refuse)
    image.chmod(0o644)
    lend(str(image), QEMU)
    assert lent_to(str(image)) is None
    image.chmod(0o600)
    with pytest.raises(OperationFailed, match="64055"):
        lend(str(image), QEMU)
