"""Save images: written, read, and what is no image."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pyvirtd.core.lifecycle import State
from pyvirtd.errors import ConfigUnsupported, HostSystemError, InternalError, InvalidArg, OperationInvalid, VirtError
from tests.drivers.test.conftest import Bench


async def test_saved_and_restored(bench: Bench, tmp_path: Path) -> None:
    image = str(tmp_path / "image")
    await bench.conn.domain_save_flags(bench.test, image, None, 0)
    assert bench.conn.domain_get_state(bench.test, 0) == (State.SHUTOFF, 5)
    assert "<name>test</name>" in await bench.conn.domain_save_image_get_xml_desc(image, 0)
    await bench.conn.domain_restore_flags(image, None, 0)
    assert bench.conn.domain_get_state(bench.test, 0) == (State.RUNNING, 3)
    assert bench.lifecycle() == [("test", 5, 4), ("test", 2, 2)]
    with pytest.raises(OperationInvalid):
        await bench.conn.domain_restore_flags(image, None, 0)
    with pytest.raises(ConfigUnsupported):
        await bench.conn.domain_save_image_define_xml(
            image, "<domain type='test'><name>x</name><memory>1</memory><os><type>hvm</type></os></domain>", 0)


async def test_managed_save(bench: Bench) -> None:
    await bench.conn.domain_managed_save(bench.test, 0)
    assert bench.conn.domain_has_managed_save_image(bench.test, 0) == 1
    with pytest.raises(OperationInvalid):
        await bench.conn.domain_undefine_flags(bench.test, 0)
    await bench.conn.domain_create_with_files(bench.test, 0, [])
    assert bench.conn.domain_get_state(bench.test, 0) == (State.RUNNING, 3)
    assert bench.conn.domain_has_managed_save_image(bench.test, 0) == 0


@pytest.mark.parametrize(("content", "error"), [
    (b"", InternalError),
    (b"TestGuestMagic\0", InternalError),
    (b"TestGuestMagic\0\xff\xff\xff\xff", InternalError),
    (b"TestGuestMagic\0\x09\0\0\0<domain", InternalError),
    (b"TestGuestMagic\0\x09\0\0\0<domain/>", VirtError),
])  # fmt: skip
async def test_what_is_no_image(bench: Bench, tmp_path: Path, content: bytes, error: type[Exception]) -> None:
    (tmp_path / "image").write_bytes(content)
    with pytest.raises(error):
        await bench.conn.domain_restore_flags(str(tmp_path / "image"), None, 0)


async def test_paths(bench: Bench, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InternalError):
        await bench.conn.domain_restore_flags(str(tmp_path / "pipe"), None, 0)
    with pytest.raises(HostSystemError):
        await bench.conn.domain_restore_flags(str(tmp_path / "gone"), None, 0)
    with pytest.raises(InvalidArg):
        await bench.conn.domain_save_flags(bench.test, "relative", None, 0)
    with pytest.raises(HostSystemError):
        await bench.conn.domain_save_flags(bench.test, str(tmp_path / "no" / "dir"), None, 0)
    assert bench.conn.domain_get_state(bench.test, 0).state == State.RUNNING
