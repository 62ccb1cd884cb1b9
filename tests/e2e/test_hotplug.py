"""Every kind of device that goes into a running guest and out again: QEMU, the guest and the definition agree."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.conftest import RichGuest
from tests.harness.daemon import Daemon, wait_for
from tests.harness.guests import guest_xml
from tests.harness.programs import require_program, run

pytestmark = pytest.mark.e2e

MAC = "52:54:00:aa:bb:01"
KINDS = {
    "rng": "<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>",
    "channel": "<channel type='unix'><target type='virtio' name='org.example.0'/></channel>",
    "pty-channel": "<channel type='pty'><target type='virtio' name='org.example.1'/></channel>",
    "console": "<console type='pty'><target type='virtio' port='1'/></console>",
    "input": "<input type='tablet' bus='usb'/>",
    "virtio-input": "<input type='keyboard' bus='virtio'/>",
    "usb-serial": "<serial type='pty'><target type='usb-serial' port='3'/></serial>",
    "controller": "<controller type='scsi' index='5' model='virtio-scsi'/>",
    "usb-disk": "<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='{files}/hot.img'/>"
                "<target dev='sdx' bus='usb'/></disk>",
    "interface": f"<interface type='user'><mac address='{MAC}'/><model type='e1000e'/><link state='down'/></interface>",
}


def qmp(rich: RichGuest, command: str) -> str:
    return rich.ok("qemu-monitor-command", "g", json.dumps({"execute": command}))


def backends(rich: RichGuest) -> list[str]:
    """What stands behind QEMU's devices."""
    nodes = json.loads(qmp(rich, "query-named-block-nodes"))["return"]
    lines = json.loads(qmp(rich, "query-chardev"))["return"]
    objects = json.loads(rich.ok("qemu-monitor-command", "g", json.dumps(
        {"execute": "qom-list", "arguments": {"path": "/objects"}})))["return"]
    devices = json.loads(rich.ok("qemu-monitor-command", "g", json.dumps(
        {"execute": "qom-list", "arguments": {"path": "/machine/peripheral"}})))["return"]
    named = [entry["node-name"] for entry in nodes] + [entry["label"] for entry in lines]
    return sorted(named + [entry["name"] for entry in objects + devices])


@pytest.mark.parametrize("kind", KINDS)
def test_a_device_goes_in_and_out(rich: RichGuest, tmp_path: Path, kind: str) -> None:
    rich.agent()
    file = tmp_path / "device.xml"
    file.write_text(KINDS[kind].format(files=rich.files))
    behind, before = backends(rich), rich.ok("dumpxml", "g")
    rich.ok("attach-device", "g", str(file), "--live")
    assert len(backends(rich)) > len(behind)
    assert rich.ok("dumpxml", "g") != before
    rich.ok("detach-device", "g", str(file), "--live")
    wait_for("it is gone", lambda: rich.ok("dumpxml", "g") == before, 30, 0.3)
    assert backends(rich) == behind


def test_an_old_board_takes_what_is_no_express(daemon: Daemon, tmp_path: Path) -> None:
    """A SCSI disk with the controller it needs, a watchdog, shared memory, and a memory module."""
    xml = guest_xml("old", agent=True, memory_mib=256).replace(
        "<vcpu>1</vcpu>", "<maxMemory slots='4' unit='MiB'>512</maxMemory><vcpu>1</vcpu>").replace(
        "<features>", "<cpu><numa><cell id='0' cpus='0' memory='256' unit='MiB'/></numa></cpu><features>")
    file = tmp_path / "device.xml"
    file.write_text(xml)
    daemon.virsh("create", str(file)).check()
    ping = '{"execute":"guest-ping"}'
    wait_for("the guest agent", lambda: daemon.virsh("qemu-agent-command", "old", ping).code == 0, 90, 0.5)
    image = daemon.root / "scsi.img"
    image.write_bytes(bytes(1 << 20))
    image.chmod(0o666)
    disk = (f"<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='{image}'/>"
            "<target dev='sdb' bus='scsi'/></disk>")
    memory = "<memory model='dimm'><target><size unit='MiB'>128</size><node>0</node></target></memory>"
    for device, shows in (
        (disk, "type='scsi'"),
        ("<watchdog model='i6300esb' action='none'/>", "i6300esb"),
        ("<shmem name='pyvirtd-test'><model type='ivshmem-plain'/><size unit='M'>1</size></shmem>", "ivshmem-plain"),
        (memory, "<memory model='dimm'"),
    ):
        file.write_text(device)
        daemon.virsh("attach-device", "old", str(file), "--live").check()
        assert shows in daemon.virsh("dumpxml", "old").check()
    assert "393216 KiB" in daemon.virsh("dominfo", "old").check()
    file.write_text("<controller type='scsi' index='0'/>")
    assert "unplug them first" in daemon.virsh("detach-device", "old", str(file), "--live").fails()
    daemon.virsh("detach-device-alias", "old", "scsi0-0-1", "--live").check()
    wait_for("the guest lets go", lambda: "scsi.img" not in daemon.virsh("dumpxml", "old").check(), 20, 0.3)
    daemon.virsh("destroy", "old").check()


def test_attach_disk_and_interface(rich: RichGuest) -> None:
    rich.agent()
    rich.ok("attach-disk", "g", str(rich.files / "hot.img"), "vdh", "--driver", "qemu", "--subdriver", "raw", "--live",
            "--config")
    assert "vdh" in rich.ok("domblklist", "g")
    rich.ok("detach-disk", "g", "vdh", "--persistent")
    wait_for("the guest lets go", lambda: "vdh" not in rich.ok("domblklist", "g"), 20, 0.3)
    assert "vdh" not in rich.ok("domblklist", "g", "--inactive")


def test_what_cannot_be_plugged(rich: RichGuest, tmp_path: Path) -> None:
    behind, before = backends(rich), rich.ok("dumpxml", "g")
    file = tmp_path / "device.xml"
    for xml, why in (
        ("<disk type='file' device='cdrom'><target dev='sdq' bus='sata'/></disk>", "no drive 'sdq'"),
        ("<disk type='file' device='disk'><source file='/dev/null'/><target dev='hdq' bus='sata'/></disk>", "sata bus"),
        ("<controller type='usb' index='4' model='qemu-xhci'/>", "usb controllers"),
        ("<sound model='ich9'/>", "sound"),
        ("<graphics type='vnc'/>", "graphics"),
        ("<input type='mouse' bus='ps2'/>", "ps2"),
        ("<serial type='pty'/>", "isa-serial"),
    ):
        file.write_text(xml)
        assert why in rich.virsh("attach-device", "g", str(file), "--live").fails(), xml
    assert (backends(rich), rich.ok("dumpxml", "g")) == (behind, before)


def test_what_qemu_refuses_leaves_nothing_behind(rich: RichGuest, tmp_path: Path) -> None:
    """Images, networks and channels open before the device is tried."""
    behind, before = backends(rich), rich.ok("dumpxml", "g")
    network = rich.ok("qemu-monitor-command", "g", "--hmp", "info network")
    file = tmp_path / "device.xml"
    for xml in (
        f"<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='{rich.files}/hot.img'/>"
        "<target dev='vdz' bus='virtio'/><blockio logical_block_size='4096' physical_block_size='512'/></disk>",
        "<interface type='user'><model type='virtio'/><driver rx_queue_size='257'/></interface>",
        "<channel type='unix'><source mode='connect' path='/nowhere/at/all'/><target type='virtio' name='x.0'/>"
        "</channel>",
    ):
        file.write_text(xml)
        rich.virsh("attach-device", "g", str(file), "--live").fails()
    assert (backends(rich), rich.ok("dumpxml", "g")) == (behind, before)
    assert rich.ok("qemu-monitor-command", "g", "--hmp", "info network") == network


def test_a_guest_that_takes_its_time(rich: RichGuest, tmp_path: Path) -> None:
    """A paused guest lets go of nothing: the call returns, and the rest is done when the guest gets to it."""
    rich.agent()
    file = tmp_path / "device.xml"
    file.write_text(KINDS["rng"])
    behind, before = backends(rich), rich.ok("dumpxml", "g")
    rich.ok("attach-device", "g", str(file), "--live")
    rich.ok("suspend", "g")
    rich.ok("detach-device", "g", str(file), "--live")
    assert "/dev/urandom" in rich.ok("dumpxml", "g")
    rich.ok("resume", "g")
    wait_for("the guest lets go", lambda: rich.ok("dumpxml", "g") == before, 30, 0.3)
    assert backends(rich) == behind


def test_what_cannot_change_while_it_runs(rich: RichGuest, tmp_path: Path) -> None:
    before = rich.ok("dumpxml", "g")
    file = tmp_path / "device.xml"
    for xml, why in (
        ("<interface type='user'><mac address='52:54:00:11:22:33'/><model type='e1000'/></interface>", "model"),
        (f"<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='{rich.files}/hot.img'/>"
         "<target dev='vdb' bus='virtio'/></disk>", "cdrom and floppy"),
        ("<disk type='file' device='cdrom'><target dev='sdm' bus='sata'/></disk>", "no disk 'sdm'"),
        ("<rng model='virtio'><backend model='random'>/dev/random</backend></rng>", "rng cannot be changed"),
    ):
        file.write_text(xml)
        assert why in rich.virsh("update-device", "g", str(file), "--live").fails(), xml
    assert rich.ok("dumpxml", "g") == before


def test_a_removal_outlives_the_daemon(rich: RichGuest, tmp_path: Path) -> None:
    """The guest lets go while no daemon looks, or a new one does: what was behind the device goes all the same."""
    rich.agent()
    file = tmp_path / "device.xml"
    behind, before = backends(rich), rich.ok("dumpxml", "g")
    for resume_first in (False, True):
        for xml in (KINDS["rng"], KINDS["usb-disk"].replace("sdx", "vdx").replace("'usb'", "'virtio'")):
            file.write_text(xml.format(files=rich.files))
            rich.ok("attach-device", "g", str(file), "--live")
            rich.ok("suspend", "g")
            rich.ok("detach-device", "g", str(file), "--live")
            if resume_first:
                rich.ok("resume", "g")
            rich.daemon.kill9()
            rich.daemon.start()
            if not resume_first:
                rich.ok("resume", "g")
            wait_for("the guest lets go", lambda: rich.ok("dumpxml", "g") == before, 30, 0.3)
            assert backends(rich) == behind


def test_virt_xml_adds_edits_and_removes(rich: RichGuest) -> None:
    rich.agent()
    mac = "52:54:00:aa:bb:09"
    command = (require_program("virt-xml"), "--connect", rich.daemon.uri, "g", "--update")
    clean = {"HOME": str(rich.daemon.root), "XDG_CACHE_HOME": str(rich.daemon.root / "home-cache")}

    def virt_xml(*words: str) -> None:
        run(*command, *words, timeout=60, env=clean).check()

    virt_xml("--add-device", "--network", f"user,model=virtio,mac={mac}")
    assert mac in rich.ok("domiflist", "g")
    virt_xml("--edit", f"mac={mac}", "--network", "link.state=down")
    assert rich.ok("domif-getlink", "g", mac).split() == [mac, "down"]
    virt_xml("--remove-device", "--network", f"mac={mac}")
    wait_for("the guest lets go", lambda: mac not in rich.ok("domiflist", "g"), 20, 0.3)
