"""A full disk: what was there stays, nothing half-done does, and the daemon goes on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.daemon import Daemon, Pyvirtd
from tests.harness.guests import guest_xml
from tests.harness.programs import require_program, require_root

pytestmark = pytest.mark.e2e
MOUNT = 'mkdir -p "$0" && mount -t tmpfs -o size=96k none "$0" && exec "$@"'


@pytest.fixture
def small() -> Iterator[Daemon]:
    """A daemon for whose state there are 96 KiB, in a mount namespace of its own."""
    require_root()
    daemon = Pyvirtd()
    daemon.prefix = [require_program("unshare"), "-m", "sh", "-c", MOUNT, str(daemon.root / "lib")]
    try:
        daemon.start()
        yield daemon
    finally:
        daemon.close()


def state(daemon: Daemon) -> dict[str, bytes]:
    """Files and contents of its state directory, as it sees them."""
    place = Path(f"/proc/{daemon.pid}/root{daemon.root}/lib/qemu")
    return {str(path.relative_to(place)): path.read_bytes() for path in place.rglob("*") if path.is_file()}


def test_define_on_a_full_disk(small: Daemon, tmp_path: Path) -> None:
    file = tmp_path / "guest.xml"
    names: list[str] = []
    while True:
        name = f"guest{len(names)}"
        file.write_text(guest_xml(name))
        said = small.virsh("define", str(file))
        if said.code:
            break
        names.append(name)
        assert len(names) < 60, "96 KiB hold more than they can"
    assert f"{small.root}/lib/qemu/{name}.xml" in said.err, said.err
    assert "No space left on device" in said.err
    assert names

    def listed() -> list[str]:
        return sorted(small.virsh("list", "--all", "--name").check().split())

    assert listed() == sorted(names)
    before = state(small)
    assert sorted(before) == sorted(f"{each}.xml" for each in names)
    assert all(text.rstrip().endswith(b"</domain>") for text in before.values())
    # A definition that is there already stays as it is, on disk and in memory.
    was = small.virsh("dumpxml", names[0]).check()
    large = was.replace("</name>", f"</name><description>{'x' * 100_000}</description>")
    file.write_text(large)
    assert f"{names[0]}.xml" in small.virsh("define", str(file)).fails()
    assert small.virsh("dumpxml", names[0]).check() == was
    assert "No space left" in small.virsh("domrename", names[0], "another").err or "another" in listed()
    assert not [each for each in state(small) if "~" in each]
    # Room again: the daemon goes on as ever.
    for each in listed()[:2]:
        small.virsh("undefine", each).check()
    file.write_text(guest_xml(name))
    small.virsh("define", str(file)).check()
    small.virsh("start", name).check()
    small.virsh("destroy", name).check()
