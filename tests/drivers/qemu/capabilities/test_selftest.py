"""The KVM self-test: its payload is what its source says, runs under emulation, and failures are told apart."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from pyvirtd.drivers.qemu.capabilities import selftest
from pyvirtd.drivers.qemu.capabilities.selftest import KvmSelfTest, Verdict, run_test

QEMU = shutil.which("qemu-system-x86_64") or ""
needs_qemu = pytest.mark.skipif(not QEMU, reason="qemu-system-x86_64 is not installed")
SOURCE = Path(__file__).parents[4] / "tools/kvm_selftest.S"


def script(path: Path, text: str) -> str:
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(0o755)
    return str(path)


@needs_qemu
async def test_the_payload_comes_through_under_emulation() -> None:
    assert await run_test(QEMU, accelerator="tcg") == Verdict(True, "")


@pytest.mark.skipif(not shutil.which("as") or not shutil.which("objcopy"), reason="no assembler")
def test_the_payload_is_what_its_source_says(tmp_path: Path) -> None:
    subprocess.run(["as", "-o", tmp_path / "o", SOURCE], check=True, timeout=30)
    subprocess.run(["objcopy", "-O", "binary", "-j", ".text", tmp_path / "o", tmp_path / "b"], check=True, timeout=30)
    assert (tmp_path / "b").read_bytes() == selftest._PAYLOAD


@needs_qemu
async def test_a_verdict_is_kept_until_the_next_boot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = await KvmSelfTest(tmp_path).verdict(QEMU)
    assert first.works or first.reason
    kept = json.loads((tmp_path / "kvm-selftest.json").read_bytes())
    kept[QEMU]["reason"] = "as kept"
    (tmp_path / "kvm-selftest.json").write_text(json.dumps(kept))
    again = KvmSelfTest(tmp_path)
    assert again.peek(QEMU) is None
    assert (await again.verdict(QEMU)).reason == "as kept"
    assert again.peek(QEMU) is not None
    monkeypatch.setattr(selftest, "boot_id", lambda: "another")
    assert (await KvmSelfTest(tmp_path).verdict(QEMU)).reason == first.reason


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("echo warning: x >&2; echo no such thing >&2; exit 1", "status 1 in a test guest.*no such thing"),
        ("printf '\\021\\022'; kill -6 $$", "signal 6.*protected mode"),
        (
            "printf '\\021\\022\\023'; echo KVM internal error. Suberror: 1 >&2; exec sleep 60",
            "an exception in long mode",
        ),
        ("exec sleep 60", "did not come through: it ran nothing"),
    ],
)
async def test_failures_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, words: str) -> None:
    monkeypatch.setattr(selftest, "PATIENCE", 0.5)
    verdict = await run_test(script(tmp_path / "qemu", text), accelerator="tcg")
    assert not verdict.works
    assert re.search(words, verdict.reason), verdict.reason


async def test_a_missing_binary_is_a_verdict(tmp_path: Path) -> None:
    assert not (await run_test("/nonexistent/qemu", accelerator="tcg")).works


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"x": 1}', "null"])
async def test_a_damaged_file_is_written_anew(tmp_path: Path, damage: str) -> None:
    (tmp_path / "kvm-selftest.json").write_text(damage)
    binary = script(tmp_path / "qemu", "exit 3\n")
    await KvmSelfTest(tmp_path).verdict(binary)
    assert binary in json.loads((tmp_path / "kvm-selftest.json").read_bytes())
