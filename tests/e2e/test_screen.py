"""Screenshots, keys, interrupts and displays by descriptor, on a guest that runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.conftest import RichGuest
from tests.harness.programs import missing, run

pytestmark = pytest.mark.e2e
CLIENTS = Path(__file__).parent / "clients"


def test_screenshot(rich: RichGuest, tmp_path: Path) -> None:
    file = tmp_path / "screen"
    rich.ok("screenshot", "g", str(file))
    picture = file.read_bytes()
    png = picture.startswith(b"\x89PNG\r\n\x1a\n") and picture.endswith(b"IEND\xaeB\x60\x82")
    assert png or (picture.startswith(b"P6") and len(picture) > 720 * 400 * 3), picture[:20]
    assert not list(rich.daemon.root.glob("**/*screen*")), "nothing of a picture stays on the disk"
    refused = rich.virsh("screenshot", "g", str(file), "--screen", "3")
    assert refused.code == 1
    assert "no screen 3" in refused.err


def test_keys(rich: RichGuest) -> None:
    rich.ok("send-key", "g", "KEY_LEFTSHIFT", "KEY_A")
    rich.ok("send-key", "g", "--codeset", "usb", "--holdtime", "50", "40", "4")
    rich.ok("send-key", "g", "--codeset", "win32", "VK_RETURN")
    refused = rich.virsh("send-key", "g", "--codeset", "win32", "0xfe")
    assert refused.code == 1
    assert "no key 0xfe in the set win32" in refused.err


def test_nmi(rich: RichGuest) -> None:
    # A kernel that has no handler yet resets the machine upon it.
    rich.agent()
    rich.ok("inject-nmi", "g")
    assert rich.ok("domstate", "g").strip() == "running"


def test_display_by_descriptor_both_ways(rich: RichGuest) -> None:
    python = "/usr/bin/python3"
    if run(python, "-c", "import libvirt").code:
        missing("libvirt-python of /usr/bin/python3 (python3-libvirt)")
    said = run(python, str(CLIENTS / "open_graphics.py"), rich.daemon.uri, "g", timeout=60)
    assert said.check().split() == ["RFB", "RFB", "refused"]


def test_what_a_reset_does(rich: RichGuest) -> None:
    rich.agent()
    rich.ok("set-lifecycle-action", "g", "reboot", "destroy", "--live", "--config")
    assert "<on_reboot>destroy</on_reboot>" in rich.ok("dumpxml", "g")
    assert "<on_reboot>destroy</on_reboot>" in rich.ok("dumpxml", "g", "--inactive")
    rich.ok("set-lifecycle-action", "g", "reboot", "restart", "--live")
    assert "<on_reboot>restart</on_reboot>" in rich.ok("dumpxml", "g")
    assert "<on_reboot>destroy</on_reboot>" in rich.ok("dumpxml", "g", "--inactive")
    refused = rich.virsh("set-lifecycle-action", "g", "reboot", "coredump-restart")
    assert refused.code == 1
    assert "for a crash" in refused.err
    rich.ok("set-lifecycle-action", "g", "reboot", "restart", "--config")
