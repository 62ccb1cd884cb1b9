"""virt-install, virt-xml and virt-clone, unmodified, on qemu:///system."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import serve
from tests.harness.daemon import Daemon, Pyvirtd, Reference
from tests.harness.guests import guest_files, guest_xml
from tests.harness.netns import NetworkNamespace
from tests.harness.programs import Ran, require_program, run

pytestmark = pytest.mark.e2e


@pytest.fixture
def daemon(request: pytest.FixtureRequest, netns: NetworkNamespace) -> Iterator[Daemon]:
    """In a network of its own: displays' ports are the host's, and other tests' guests want the first ones, too."""
    reference = request.config.getoption("reference")
    yield from serve(request, Reference() if reference else Pyvirtd(prefix=netns.prefix))


def tool(daemon: Daemon, *argv: str) -> Ran:
    """Run a program where qemu:///system is the daemon under test; its home is the daemon's, to keep ours clean."""
    return run(*daemon.inside(require_program(argv[0]), *argv[1:]), timeout=120,
               env={"HOME": str(daemon.root), "XDG_CACHE_HOME": str(daemon.root / "home-cache")})


def disk(daemon: Daemon, name: str = "disk.qcow2") -> Path:
    """An empty disk image."""
    path = daemon.root / name
    run(require_program("qemu-img"), "create", "-q", "-f", "qcow2", str(path), "32M").check()
    path.chmod(0o666)
    return path


def test_virt_install_imports_a_disk(daemon: Daemon) -> None:
    said = tool(
        daemon, "virt-install", "--connect", "qemu:///system", "--name", "t", "--memory", "128", "--virt-type", "qemu",
        "--import", "--disk", str(disk(daemon)), "--network", "user", "--graphics", "vnc", "--noautoconsole",
        "--osinfo", "generic",
    )
    assert "Domain creation completed" in said.check()
    assert daemon.virsh("domstate", "t").check().strip() == "running"
    assert re.search(r"vnc://127\.0\.0\.1:\d+", daemon.virsh("domdisplay", "t").check())
    xml = daemon.virsh("dumpxml", "t").check()
    for part in ("<graphics type='vnc'", "<interface type='user'>", "qcow2"):
        assert part in xml
    daemon.virsh("destroy", "t").check()
    daemon.virsh("undefine", "t").check()


def test_virt_install_boots_a_kernel_on_q35_with_many_devices(daemon: Daemon) -> None:
    kernel, initrd = guest_files()
    said = tool(
        daemon, "virt-install", "--connect", "qemu:///system", "--name", "many", "--memory", "160", "--virt-type",
        "qemu", "--machine", "q35", "--disk", f"{disk(daemon)},bus=virtio", "--disk",
        f"{disk(daemon, 'b.qcow2')},bus=scsi", "--controller", "scsi,model=virtio-scsi", "--network",
        "user,model=virtio", "--graphics", "vnc", "--sound", "ich9", "--import", "--watchdog",
        "i6300esb,action=reset", "--rng", "/dev/urandom", "--input", "tablet,bus=usb", "--channel",
        "unix,target.type=virtio,target.name=org.qemu.guest_agent.0", "--memballoon", "virtio", "--panic", "default",
        "--boot", f"kernel={kernel},initrd={initrd},kernel_args=console=ttyS0", "--noautoconsole",
        "--osinfo", "generic",
    )
    assert "Domain creation completed" in said.check()
    assert daemon.virsh("domstate", "many").check().strip() == "running"
    assert {line.split()[0] for line in daemon.virsh("domblklist", "many").check().splitlines()} == {"vda", "sda"}
    daemon.virsh("destroy", "many").check()


def test_virt_install_shows_the_capabilities_it_sees(daemon: Daemon) -> None:
    said = tool(daemon, "virt-install", "--connect", "qemu:///system", "--name", "t", "--memory", "128", "--disk",
                "none", "--import", "--print-xml", "--osinfo", "generic")
    assert "<emulator>/usr/bin/qemu-system-x86_64</emulator>" in said.check()


def test_virt_xml_edits_a_definition(daemon: Daemon, tmp_path: Path) -> None:
    file = tmp_path / "small.xml"
    file.write_text(guest_xml("small"))
    daemon.virsh("define", str(file)).check()
    edit = ("virt-xml", "--connect", "qemu:///system", "small", "--define")
    tool(daemon, *edit, "--edit", "--memory", "192").check()
    tool(daemon, *edit, "--add-device", "--disk", f"{disk(daemon)},bus=virtio").check()
    assert "vda" in daemon.virsh("domblklist", "small").check()
    assert "Max memory:     196608 KiB" in daemon.virsh("dominfo", "small").check()
    tool(daemon, *edit, "--remove-device", "--disk", "target=vda").check()
    assert "vda" not in daemon.virsh("domblklist", "small").check()


def test_virt_xml_plugs_into_a_running_guest(daemon: Daemon, tmp_path: Path) -> None:
    file = tmp_path / "small.xml"
    file.write_text(guest_xml("small"))
    daemon.virsh("create", str(file)).check()
    tool(daemon, "virt-xml", "--connect", "qemu:///system", "small", "--update", "--add-device", "--network",
         "user,model=virtio").check()
    assert len(daemon.virsh("domiflist", "small").check().splitlines()) == 1


def test_virt_clone_prints_the_clone(daemon: Daemon, tmp_path: Path) -> None:
    file = tmp_path / "small.xml"
    image = disk(daemon)
    device = f"<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='{image}'/>" \
             "<target dev='vda' bus='virtio'/></disk>" \
             "<interface type='user'><mac address='52:54:00:00:00:07'/><model type='virtio'/></interface>"
    file.write_text(guest_xml("small", devices=device))
    daemon.virsh("define", str(file)).check()
    xml = tool(daemon, "virt-clone", "--connect", "qemu:///system", "--original", "small", "--name", "twin", "--file",
               str(daemon.root / "twin.qcow2"), "--print-xml").check()
    assert "<name>twin</name>" in xml
    assert "twin.qcow2" in xml
    assert "52:54:00:00:00:07" not in xml
    assert daemon.virsh("list", "--all", "--name").check().split() == ["small"]
