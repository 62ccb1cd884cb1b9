"""Chains of images: followed through recorded formats, stopped where there is none."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from pyvirtd.conf.domain.domain import DomainDef
from pyvirtd.conf.xml import parse
from pyvirtd.drivers.qemu.images import files_of_disks, settle_images
from pyvirtd.errors import ConfigUnsupported, HostSystemError, OperationFailed, OperationInvalid
from tests.harness.programs import require_program


def image(place: Path, name: str, below: str | None = None, format: str | None = None) -> Path:
    """A qcow2 image."""
    words = ["-b", below] if below else []
    words += ["-F", format] if format else []
    argv = [require_program("qemu-img"), "create", "-q", "-u", "-f", "qcow2", *words, str(place / name), "1M"]
    subprocess.run(argv, check=True, cwd=place, timeout=20)
    return place / name


def live(*disks: str) -> DomainDef:
    """A definition with those disks: type, format and path or XML of what is inside."""
    text = "".join(f"<disk type='file'>{disk}<target dev='vd{chr(97 + n)}' bus='virtio'/></disk>"
                   for n, disk in enumerate(disks))
    return parse(DomainDef, "<domain type='qemu'><name>x</name><memory>1</memory><os><type>hvm</type></os>"
                            f"<devices>{text}</devices></domain>")  # fmt: skip


def qcow2(path: Path) -> str:
    return f"<driver type='qcow2'/><source file='{path}'/>"


def test_a_chain_is_found_and_numbered_after_the_disks(tmp_path: Path) -> None:
    (tmp_path / "base").write_bytes(bytes(512))
    image(tmp_path, "mid", "base", "raw")
    top = image(tmp_path, "top", "mid", "qcow2")
    definition = live(qcow2(top), f"<source file='{tmp_path}/base'/>")
    settle_images(definition)
    first, second = definition.devices.disks
    assert first.source is not None
    assert second.source is not None
    assert (second.source.index, first.source.index) == (1, 2)
    mid = first.backing
    assert mid is not None
    assert mid.backing is not None
    assert [(s.index, s.format.type, s.source.file) for s in (mid, mid.backing) if s.format and s.source] == [
        (3, "qcow2", f"{tmp_path}/mid"), (4, "raw", f"{tmp_path}/base"),
    ]  # fmt: skip
    assert mid.backing.backing is not None
    assert mid.backing.backing.type is None
    assert list(files_of_disks(definition)) == [str(top), f"{tmp_path}/mid", f"{tmp_path}/base", f"{tmp_path}/base"]


def test_a_raw_image_is_never_looked_into(tmp_path: Path) -> None:
    top = image(tmp_path, "top", "/etc/passwd", "raw")
    definition = live(f"<driver type='raw'/><source file='{top}'/>")
    settle_images(definition)
    backing = definition.devices.disks[0].backing
    assert backing is not None
    assert backing.type is None


def test_what_a_definition_says_is_taken_as_it_stands(tmp_path: Path) -> None:
    top = image(tmp_path, "top", "missing", "raw")
    definition = live(qcow2(top) + "<backingStore/>")
    settle_images(definition)
    assert list(files_of_disks(definition)) == [str(top)]


def test_a_json_name_of_a_file_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "base").write_bytes(bytes(512))
    node = {"driver": "raw", "file": {"driver": "file", "filename": f"{tmp_path}/base"}}
    definition = live(qcow2(image(tmp_path, "top", "json:" + json.dumps(node), "raw")))
    settle_images(definition)
    assert f"{tmp_path}/base" in list(files_of_disks(definition))


@pytest.mark.parametrize(("below", "format", "error", "words"), [
    ("missing", "raw", HostSystemError, "missing, the image below .*top: No such file"),
    ("nowhere/x", "raw", HostSystemError, "No such file or directory at .*nowhere"),
    ("nbd://host/export", "raw", ConfigUnsupported, "no file of this host"),
    ("json:{", "raw", ConfigUnsupported, "no file of this host"),
    ("top", "qcow2", OperationFailed, "no end"),
])  # fmt: skip
def test_chains_that_end_badly(
    tmp_path: Path, below: str, format: str, error: type[Exception], words: str
) -> None:
    definition = live(qcow2(image(tmp_path, "top", below, format)))
    with pytest.raises(error, match=words):
        settle_images(definition)


def test_a_format_that_is_not_recorded_is_not_guessed(tmp_path: Path) -> None:
    (tmp_path / "base").write_bytes(bytes(512))
    top = image(tmp_path, "top", "base", "raw")
    data = bytearray(top.read_bytes())
    at = data.index((0xE2792ACA).to_bytes(4, "big"))
    data[at : at + 4] = (0x12345678).to_bytes(4, "big")  # an extension that nobody knows
    top.write_bytes(data)
    with pytest.raises(OperationInvalid, match="does not record the format of base"):
        settle_images(live(qcow2(top)))


def test_a_damaged_header(tmp_path: Path) -> None:
    top = image(tmp_path, "top", "base", "raw")
    data = bytearray(top.read_bytes())
    data[16:20] = (1 << 30).to_bytes(4, "big")
    top.write_bytes(data)
    with pytest.raises(OperationFailed, match="damaged"):
        settle_images(live(qcow2(top)))
    top.write_bytes(b"nothing")
    with pytest.raises(OperationFailed, match="is no qcow2 image"):
        settle_images(live(qcow2(top)))


def test_a_medium_that_may_be_missing(tmp_path: Path) -> None:
    definition = live(f"<source file='{tmp_path}/none' startupPolicy='optional'/>")
    settle_images(definition)
    assert definition.devices.disks[0].empty
