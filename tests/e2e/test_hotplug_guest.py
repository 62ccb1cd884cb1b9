"""What a guest itself sees of devices that come and go, and what clients are told of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.harness.daemon import Daemon, Pyvirtd, wait_for
from tests.harness.devices import Stage
from tests.harness.guests import GREETING, guest_xml
from tests.harness.programs import require_program, run
from tests.harness.terminal import Terminal

pytestmark = pytest.mark.e2e

MAC = "52:54:00:aa:bb:02"


@pytest.fixture
def stage() -> Iterator[Stage]:
    """A network of the test's own, with a bridge."""
    with closing(Stage()) as made:
        yield made


@pytest.fixture
def daemon(stage: Stage) -> Iterator[Daemon]:
    """pyvirtd in it."""
    with closing(Pyvirtd(prefix=stage.prefix)) as made:
        made.start()
        yield made


def on_bridge(stage: Stage) -> list[str]:
    """Names of the bridge's ports."""
    said = run(*stage.net.prefix, "ip", "-o", "link", "show", "master", "brtest").check()
    return [line.split()[1].rstrip(":") for line in said.splitlines()]


def test_guest_and_clients_see_devices_come_and_go(
    daemon: Daemon, stage: Stage, tmp_path: Path, terminal: Callable[..., Terminal]
) -> None:
    file = tmp_path / "guest.xml"
    file.write_text(guest_xml("small", append="nodhcp"))
    daemon.virsh("create", str(file), "--paused").check()
    virsh = (require_program("virsh"), "-c", daemon.uri)
    console = terminal(*virsh, "console", "small")
    console.expect("Connected to domain")
    daemon.virsh("resume", "small").check()
    console.expect(GREETING, 90)
    events = terminal(*virsh, "event", "--domain", "small", "--all", "--loop")
    wait_for("somebody who listens", lambda: _clients(daemon) >= 2)

    daemon.virsh("attach-interface", "small", "bridge", "brtest", "--mac", MAC, "--model", "virtio", "--live").check()
    events.expect("device-added.*: net0")
    assert len(on_bridge(stage)) == 1
    # The guest's words come with a quote inside, so that what the terminal echoes is not taken for them.
    console.send(f"\rfor i in 1 2 3 4 5 6 7 8 9; do grep -l {MAC} /sys/class/net/*/address && break; sleep 1; done\r")
    console.expect("/sys/class/net/eth0/address", 30)

    image = tmp_path / "hot.img"
    image.write_bytes(b"seen by the guest\n" + bytes(1 << 20))
    daemon.virsh("attach-disk", "small", str(image), "vdb", "--driver", "qemu", "--subdriver", "raw", "--serial",
                 "HOT", "--live").check()
    events.expect("device-added.*: virtio-disk1")
    console.send("\rfor i in 1 2 3 4 5 6 7 8 9; do [ -e /dev/vda ] && head -n1 /dev/vda && break; sleep 1; done\r")
    console.expect("seen by the guest", 30)

    daemon.virsh("detach-disk", "small", "vdb", "--live").check()
    events.expect("device-removed.*: virtio-disk1")
    daemon.virsh("detach-interface", "small", "bridge", "--mac", MAC, "--live").check()
    events.expect("device-removed.*: net0")
    wait_for("the tap to go", lambda: on_bridge(stage) == [], 5)
    console.send("\rls /sys/class/net/ | tr '\\n' ':'; echo; ls /dev/v'd'a\r")
    console.expect(r"lo:\r?\n", 20)
    console.expect("No such file", 20)
    daemon.virsh("destroy", "small").check()


def _clients(daemon: Daemon) -> int:
    """How many clients are connected to the daemon beside the one that asks."""
    uri = f"libvirtd+unix:///system?socket={daemon.root}/run/libvirt-admin-sock"
    said = run(require_program("virt-admin"), "-c", uri, "client-list", "libvirtd")
    return sum(1 for line in said.out.splitlines() if line.strip()[:1].isdigit())
