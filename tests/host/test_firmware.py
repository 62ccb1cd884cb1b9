"""Firmware descriptors: order, replacement, hiding, damage."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pyvirtd.host.firmware import installed


def descriptor(executable: str, machines: str = "pc-q35-*") -> str:
    return json.dumps(
        {
            "interface-types": ["uefi"],
            "mapping": {"device": "flash", "executable": {"filename": executable, "format": "raw"}},
            "targets": [{"architecture": "x86_64", "machines": [machines]}],
            "features": [],
        }
    )


def test_later_directories_replace_and_hide(tmp_path: Path) -> None:
    share, etc = tmp_path / "share", tmp_path / "etc"
    for directory in (share, etc):
        directory.mkdir()
    (share / "30-a.json").write_text(descriptor("/a"))
    (share / "20-b.json").write_text(descriptor("/b"))
    (share / "10-c.json").write_text(descriptor("/c"))
    (etc / "30-a.json").write_text(descriptor("/other"))
    (etc / "10-c.json").write_text("")
    found = installed([str(share), str(etc), str(tmp_path / "none")])
    assert [f.executable for f in found] == ["/b", "/other"]
    assert found[0].fits("x86_64", "pc-q35-7.2")
    assert not found[0].fits("x86_64", "pc-i440fx-7.2")
    assert not found[0].fits("aarch64", "pc-q35-7.2")
    assert found[0].nvram_template is None


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"mapping": 1}', "null", '{"mapping": {"device": "flash"}}'])
def test_damage_is_logged_and_left_out(tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "1.json").write_text(text)
    (tmp_path / "2.json").write_text(descriptor("/good"))
    assert [f.executable for f in installed([str(tmp_path)])] == ["/good"]
    assert "1.json is left out" in caplog.text
