"""What the first bytes of an image say, held against qemu-img where it is there."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyvirtd.drivers.storage.header import HEAD, Header, examine
from tests.harness.programs import require_program, run


def image(path: Path, *options: str, size: str | None = "16M") -> bytes:
    """The head of an image that qemu-img makes."""
    run(require_program("qemu-img"), "create", "-q", *options, str(path), *([size] if size else [])).check()
    return path.read_bytes()[:HEAD]


@pytest.mark.parametrize(("compat", "said"), [("1.1", "1.1"), ("0.10", "0.10")])
def test_qcow2_with_and_without_backing(tmp_path: Path, compat: str, said: str) -> None:
    base = tmp_path / "base"
    assert examine(image(base, "-f", "qcow2", "-o", f"compat={compat}")) == Header("qcow2", 16 << 20, compat=said)
    options = ("-f", "qcow2", "-o", f"compat={compat}", "-b", str(base), "-F", "qcow2")
    above = image(tmp_path / "above", *options, size=None)
    assert examine(above) == Header("qcow2", 16 << 20, str(base), "qcow2", said)


@pytest.mark.parametrize("kind", ["vmdk", "raw", "qed"])
def test_other_formats(tmp_path: Path, kind: str) -> None:
    assert examine(image(tmp_path / "x", "-f", kind)).format == kind


def test_a_backing_file_without_recorded_format_is_raw() -> None:
    head = bytearray(512)
    head[:4] = b"QFI\xfb"
    head[4:8] = (3).to_bytes(4, "big")
    head[8:16], head[16:20] = (256).to_bytes(8, "big"), (4).to_bytes(4, "big")
    head[100:104] = (104).to_bytes(4, "big")
    head[256:260] = b"/a/b"
    found = examine(bytes(head))
    assert (found.backing, found.backing_format) == ("/a/b", "raw")


def test_iso() -> None:
    assert examine(bytes(0x8001) + b"CD001" + bytes(16)).format == "iso"


@given(st.binary(max_size=600))
def test_nothing_a_guest_writes_breaks_it(junk: bytes) -> None:
    assert examine(b"QFI\xfb" + junk).format in ("qcow2", "qcow", "raw")
    assert examine(junk).format
