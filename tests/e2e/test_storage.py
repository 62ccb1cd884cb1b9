"""Directory pools through virsh."""

from __future__ import annotations

import pytest

from tests.harness.daemon import Daemon, wait_for
from tests.harness.programs import require_program, run

pytestmark = pytest.mark.e2e


def test_a_pools_life(daemon: Daemon) -> None:
    place = daemon.root / "images"
    virsh = daemon.virsh
    virsh("pool-define-as", "p", "dir", "--target", str(place)).check()
    virsh("pool-start", "p").fails()
    virsh("pool-build", "p").check()
    virsh("pool-start", "p").check()
    virsh("pool-autostart", "p").check()
    assert virsh("pool-list", "--name").check().split() == ["p"]
    virsh("vol-create-as", "p", "raw.img", "3M").check()
    virsh("vol-create-as", "p", "base.qcow2", "5M", "--format", "qcow2").check()
    virsh("vol-create-as", "p", "top.qcow2", "5M", "--format", "qcow2", "--backing-vol", "base.qcow2",
          "--backing-vol-format", "qcow2").check()
    virsh("vol-create-as", "p", "raw.img", "3M").fails()
    virsh("vol-create-as", "p", "../escaped", "1M").fails()
    assert not (daemon.root / "escaped").exists()
    assert (place / "raw.img").stat().st_size == 3 << 20
    xml = virsh("vol-dumpxml", "top.qcow2", "p").check()
    assert "<format type='qcow2'/>" in xml
    assert "base.qcow2</path>" in xml
    assert '"virtual-size": 5242880' in run(require_program("qemu-img"), "info", "--output=json",
                                            str(place / "top.qcow2")).check()
    (place / "found.img").write_bytes(bytes(4096))
    virsh("vol-info", "found.img", "p").fails()
    virsh("pool-refresh", "p").check()
    assert "4.00 KiB" in virsh("vol-info", "found.img", "p").check()
    assert virsh("vol-path", "raw.img", "p").check().strip() == str(place / "raw.img")
    assert virsh("vol-pool", str(place / "raw.img")).check().strip() == "p"
    virsh("vol-delete", "raw.img", "p").check()
    assert not (place / "raw.img").exists()
    virsh("pool-undefine", "p").fails()
    virsh("pool-destroy", "p").check()
    virsh("pool-undefine", "p").check()
    assert virsh("pool-list", "--all", "--name").check().strip() == ""
    assert (place / "base.qcow2").exists()


def test_pools_survive_the_daemon(pyvirtd: Daemon) -> None:
    for name in ("kept", "started", "transient"):
        (pyvirtd.root / name).mkdir()
    pyvirtd.virsh("pool-define-as", "kept", "dir", "--target", str(pyvirtd.root / "kept")).check()
    pyvirtd.virsh("pool-define-as", "started", "dir", "--target", str(pyvirtd.root / "started")).check()
    pyvirtd.virsh("pool-start", "started").check()
    pyvirtd.virsh("pool-create-as", "transient", "dir", "--target", str(pyvirtd.root / "transient")).check()
    pyvirtd.kill9()
    pyvirtd.start()
    wait_for("active pools", lambda: sorted(pyvirtd.virsh("pool-list", "--name").check().split()) == [
        "started", "transient"], 10)
    assert pyvirtd.virsh("pool-list", "--inactive", "--name").check().split() == ["kept"]
    assert "Persistent:     no" in pyvirtd.virsh("pool-info", "transient").check()
