"""Devices plugged in, taken out and changed through virsh, in the running guest and in its definition."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.e2e.conftest import RichGuest
from tests.harness.daemon import wait_for

pytestmark = pytest.mark.e2e


def qmp(rich: RichGuest, command: str) -> str:
    """What QEMU itself says."""
    return rich.ok("qemu-monitor-command", "g", json.dumps({"execute": command}))


def disk_xml(rich: RichGuest, target: str = "vdc") -> str:
    return (f"<disk type='file' device='disk'><driver name='qemu' type='raw'/>"
            f"<source file='{rich.files}/hot.img'/><target dev='{target}' bus='virtio'/></disk>")


def test_a_disk_goes_in_and_out(rich: RichGuest, tmp_path: Path) -> None:
    rich.agent()
    file = tmp_path / "disk.xml"
    file.write_text(disk_xml(rich))
    rich.ok("attach-device", "g", str(file), "--live", "--config")
    assert "hot.img" in qmp(rich, "query-block")
    assert "hot.img" in rich.ok("dumpxml", "g")
    assert "hot.img" in rich.ok("dumpxml", "g", "--inactive")
    wait_for("the guest sees it", lambda: "disk.2.name" in rich.table("guestinfo", "g", "--disk"), 20, 0.5)
    assert "already" in rich.virsh("attach-device", "g", str(file), "--live").fails()
    rich.ok("detach-disk", "g", "vdc", "--live", "--config")
    wait_for("the guest lets go", lambda: "hot.img" not in rich.ok("dumpxml", "g"), 20, 0.3)
    wait_for("the image is closed", lambda: "hot.img" not in qmp(rich, "query-named-block-nodes"), 5)
    assert "hot.img" not in rich.ok("dumpxml", "g", "--inactive")
    assert "has no such" in rich.virsh("detach-device", "g", str(file), "--live").fails()
    # QEMU has let go of the file: it can be opened for writing again, also with its lock.
    subprocess.run(["qemu-io", "-f", "raw", "-c", "write 0 512", rich.files / "hot.img"], check=True, timeout=20)


def test_what_fails_leaves_nothing_behind(rich: RichGuest, tmp_path: Path) -> None:
    before = len(json.loads(qmp(rich, "query-named-block-nodes"))["return"])
    file = tmp_path / "disk.xml"
    file.write_text(disk_xml(rich).replace("hot.img", "missing.img"))
    assert "missing.img" in rich.virsh("attach-device", "g", str(file), "--live").fails()
    file.write_text(disk_xml(rich, "vda"))
    rich.virsh("attach-device", "g", str(file), "--live").fails()
    file.write_text("<disk type='file'")
    rich.virsh("attach-device", "g", str(file), "--live").fails()
    assert len(json.loads(qmp(rich, "query-named-block-nodes"))["return"]) == before


def test_a_cdrom_changes_its_medium(rich: RichGuest) -> None:
    rich.agent()
    rich.ok("change-media", "g", "sda", str(rich.files / "d.iso"), "--update", "--live", "--force")
    assert "d.iso" in qmp(rich, "query-block")
    assert "d.iso" in rich.ok("domblklist", "g")
    rich.ok("change-media", "g", "sda", "--eject", "--live", "--force")
    assert "d.iso" not in qmp(rich, "query-named-block-nodes")
    assert ["sda", "-"] in rich.rows("domblklist", "g")
    rich.ok("change-media", "g", "sda", str(rich.files / "c.iso"), "--insert", "--live")
    assert "c.iso" in qmp(rich, "query-block")


def test_a_card_goes_in_and_out_and_its_link_down_and_up(rich: RichGuest, tmp_path: Path) -> None:
    rich.agent()
    mac = "52:54:00:11:22:33"
    rich.ok("domif-setlink", "g", mac, "down")
    assert rich.ok("domif-getlink", "g", mac).split() == [mac, "down"]
    rich.ok("domif-setlink", "g", mac, "up")
    file = tmp_path / "card.xml"
    file.write_text("<interface type='user'><mac address='52:54:00:aa:bb:cc'/><model type='virtio'/></interface>")
    rich.ok("attach-device", "g", str(file), "--live")
    assert "52:54:00:aa:bb:cc" in rich.ok("domiflist", "g")
    wait_for("the guest sees it", lambda: "52:54:00:aa:bb:cc" in rich.ok("guestinfo", "g", "--interface"), 20, 0.5)
    rich.ok("detach-interface", "g", "user", "--mac", "52:54:00:aa:bb:cc", "--live")
    wait_for("the guest lets go", lambda: "52:54:00:aa:bb:cc" not in rich.ok("domiflist", "g"), 20, 0.3)


SMALL = {
    "rng": "<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>",
    "scsi": "<controller type='scsi' index='0' model='virtio-scsi'/>",
    "mouse": "<input type='mouse' bus='usb'/>",
    "channel": "<channel type='unix'><target type='virtio' name='org.test.0'/></channel>",
    "terminal": "<channel type='pty'><target type='virtio' name='org.test.1'/></channel>",
}


def test_small_devices_go_in_and_out(rich: RichGuest, tmp_path: Path) -> None:
    rich.agent()
    files = {}
    for name, xml in SMALL.items():
        files[name] = tmp_path / f"{name}.xml"
        files[name].write_text(xml)
        rich.ok("attach-device", "g", str(files[name]), "--live")
    live = rich.ok("dumpxml", "g")
    assert "name='org.test.0'" in live
    assert "model='virtio-scsi'" in live
    assert live.count("/dev/pts/") >= 4  # the serial line, its console, and the new channel
    chardevs = qmp(rich, "query-chardev")
    file = tmp_path / "disk.xml"
    file.write_text(disk_xml(rich).replace("vdc", "sdb").replace("bus='virtio'", "bus='scsi'"))
    rich.ok("attach-device", "g", str(file), "--live")
    rich.ok("detach-device", "g", str(file), "--live")
    for name in ("rng", "mouse", "channel", "terminal"):
        rich.ok("detach-device", "g", str(files[name]), "--live")
    wait_for("all are gone", lambda: not any(
        word in rich.ok("dumpxml", "g") for word in ("<rng", "type='mouse' bus='usb'", "org.test", "hot.img")), 20, 0.3)
    wait_for("their backends too", lambda: len(qmp(rich, "query-chardev")) < len(chardevs), 5)
    assert "no device with the alias" in rich.virsh("detach-device-alias", "g", "nope", "--live").fails()


def test_no_free_slot_is_said(rich: RichGuest, tmp_path: Path) -> None:
    file = tmp_path / "watchdog.xml"
    file.write_text("<watchdog model='i6300esb' action='reset'/>")
    said = rich.virsh("attach-device", "g", str(file), "--live").fails()
    assert "no free PCI slot" in said
    before = rich.ok("dumpxml", "g", "--inactive")
    rich.ok("attach-device", "g", str(file), "--config")
    assert "i6300esb" in rich.ok("dumpxml", "g", "--inactive")
    rich.ok("detach-device", "g", str(file), "--config")
    assert "i6300esb" not in rich.ok("dumpxml", "g", "--inactive")
    assert "i6300esb" not in before
