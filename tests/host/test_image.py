"""Sizes of images: of the recorded format only."""

from __future__ import annotations

from pathlib import Path

from pyvirtd.host.image import ImageSize, measure


def _qcow2(capacity: int) -> bytes:
    return b"QFI\xfb" + (3).to_bytes(4, "big") + bytes(16) + capacity.to_bytes(8, "big") + bytes(600)


def test_a_raw_image_is_as_large_as_its_file(tmp_path: Path) -> None:
    image = tmp_path / "disk.raw"
    image.write_bytes(b"x" * 5000)
    assert measure(str(image)) == ImageSize(5000, image.stat().st_blocks * 512, 5000)


def test_the_header_counts_only_for_the_recorded_format(tmp_path: Path) -> None:
    image = tmp_path / "disk"
    image.write_bytes(_qcow2(1 << 30))
    recorded, guessed = measure(str(image), "qcow2"), measure(str(image), "raw")
    assert recorded is not None
    assert recorded.capacity == 1 << 30
    assert guessed is not None
    assert guessed.capacity == len(_qcow2(0))


def test_what_is_no_image_has_no_size(tmp_path: Path) -> None:
    assert measure(str(tmp_path / "absent")) is None
    assert measure(str(tmp_path)) is None
    (tmp_path / "short").write_bytes(b"QFI\xfb")
    assert measure(str(tmp_path / "short"), "qcow2") == ImageSize(4, (tmp_path / "short").stat().st_blocks * 512, 4)
