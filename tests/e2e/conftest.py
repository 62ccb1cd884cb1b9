"""A guest with a bit of everything, started once for a file of tests that look at it and change it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.harness.daemon import Daemon, Pyvirtd, wait_for
from tests.harness.guests import guest_files
from tests.harness.programs import Ran, require_program


class RichGuest(NamedTuple):
    """A running guest "g" and the daemon that runs it; `files` holds its images."""

    daemon: Daemon
    files: Path

    def virsh(self, *args: str, timeout: float = 60) -> Ran:
        """virsh against its daemon."""
        return self.daemon.virsh(*args, timeout=timeout)

    def ok(self, *args: str) -> str:
        """What virsh prints, provided it succeeds."""
        return self.virsh(*args).check()

    def rows(self, *args: str) -> list[list[str]]:
        """The words of each line that is not empty."""
        return [line.split() for line in self.ok(*args).splitlines() if line.strip()]

    def table(self, *args: str) -> dict[str, str]:
        """Lines of the form "name : value" or "name value"."""
        found = {}
        for line in self.ok(*args).splitlines():
            name, _, value = line.partition(":") if ":" in line else line.partition(" ")
            if name.strip():
                found[name.strip()] = value.strip()
        return found

    def agent(self) -> None:
        """Wait until the guest's agent answers."""
        ping = '{"execute":"guest-ping"}'
        wait_for("the guest agent", lambda: self.virsh("qemu-agent-command", "g", ping).code == 0, 90, 0.5)


RICH = """<domain type='qemu'>
  <name>g</name><memory unit='MiB'>128</memory><vcpu current='2'>4</vcpu><iothreads>1</iothreads>
  <os><type arch='x86_64' machine='q35'>hvm</type><kernel>{files}/vmlinuz</kernel><initrd>{files}/initrd.img</initrd>
    <cmdline>console=ttyS0 quiet</cmdline></os>
  <features><acpi/></features><pm><suspend-to-mem enabled='yes'/></pm>
  <devices><emulator>/usr/bin/qemu-system-x86_64</emulator>
    <controller type='pci' model='pcie-root'/>
    <controller type='pci' model='pcie-root-port'/><controller type='pci' model='pcie-root-port'/>
    <controller type='pci' model='pcie-root-port'/><controller type='pci' model='pcie-root-port'/>
    <controller type='pci' model='pcie-root-port'/><controller type='pci' model='pcie-root-port'/>
    <controller type='pci' model='pcie-root-port'/><controller type='pci' model='pcie-root-port'/>
    <controller type='pci' model='pcie-root-port'/><controller type='pci' model='pcie-root-port'/>
    <disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='{files}/a.qcow2'/>
      <target dev='vda' bus='virtio'/></disk>
    <disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='{files}/b.img'/>
      <target dev='vdb' bus='virtio'/></disk>
    <disk type='file' device='cdrom'><driver name='qemu' type='raw'/><source file='{files}/c.iso'/>
      <target dev='sda' bus='sata'/></disk>
    <interface type='user'><mac address='52:54:00:11:22:33'/><model type='virtio'/></interface>
    <serial type='pty'/><console type='pty'/>
    <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
    <graphics type='vnc' autoport='yes'/><video><model type='vga'/></video><memballoon model='virtio'/>
  </devices></domain>"""


@pytest.fixture(scope="module")
def rich() -> Iterator[RichGuest]:
    """See the module."""
    kernel, initrd = guest_files(agent=True)
    daemon = Pyvirtd()
    files = daemon.root / "files"
    files.mkdir()
    for source in (kernel, initrd):
        (files / source.name).write_bytes(source.read_bytes())
    image = require_program("qemu-img")
    for name, form, size in (("a.qcow2", "qcow2", "64M"), ("b.img", "raw", "8M"), ("c.iso", "raw", "2M"),
                             ("d.iso", "raw", "3M"), ("hot.img", "raw", "4M")):
        subprocess.run([image, "create", "-q", "-f", form, files / name, size], check=True, timeout=30)
    try:
        daemon.start()
        guest = RichGuest(daemon, files)
        (files / "g.xml").write_text(RICH.format(files=files))
        guest.ok("define", str(files / "g.xml"))
        guest.ok("start", "g")
        yield guest
    finally:
        daemon.close()
