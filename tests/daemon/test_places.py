"""The well-known places: root's and a user's, where unmodified clients look without being told."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.programs import TOP, Ran, clean_env, require_program, require_root, run
from tests.harness.running import answers, install_plugin

pytestmark = pytest.mark.e2e

NOBODY = 65534

IN_PRIVATE = """
set -e
mount --make-rprivate /
for place in /run /var/lib /var/cache /var/log; do mount -t tmpfs -o mode=755 tmpfs "$place"; done
"$@" & daemon=$!
n=0; until [ -S /run/libvirt/libvirt-sock-ro ] || [ $n = 500 ]; do sleep 0.02; n=$((n+1)); done
sleep 0.3
virsh -q -c fake:///system domid one
virsh -q -r -c fake:///system domid one
virsh -q uri
virt-admin -q srv-list
stat -c '%a %n' /run/libvirt/*-sock*
ls -d /run/pyvirtd/pyvirtd.pid
kill $daemon; wait $daemon; echo "ended $?"
ls /run/libvirt
"""


def test_as_root(tmp_path: Path) -> None:
    require_root()
    for name in ("virsh", "virt-admin"):
        require_program(name)
    env = clean_env({"PYTHONPATH": f"{install_plugin(tmp_path / 'plugins')}:{TOP}"})
    argv = [require_program("unshare"), "-m", "sh", "-c", IN_PRIVATE, "sh", sys.executable, "-m", "pyvirtd.daemon.main"]
    out = run(*argv, env=env, timeout=60).check()
    lines = [line.strip() for line in out.splitlines() if line.strip()]
    # Without a URI the first driver that can be used is opened: QEMU's where it is installed.
    assert lines[:2] == ["3", "3"]
    assert lines[2] in ("qemu:///system", "fake:///")
    assert {"700 /run/libvirt/libvirt-sock", "777 /run/libvirt/libvirt-sock-ro",
            "700 /run/libvirt/libvirt-admin-sock", "/run/pyvirtd/pyvirtd.pid", "ended 0"} <= set(lines)  # fmt: skip
    assert out.rstrip().endswith("ended 0")


class Nobody:
    """A user without anything of its own but a home and a runtime directory."""

    def __init__(self, directory: Path) -> None:
        require_root()
        self.home, self.runtime = directory / "home", directory / "rt"
        for place in (self.home, self.runtime):
            place.mkdir(mode=0o700)
        run("chown", "-R", str(NOBODY), str(directory)).check()
        # The interpreter may be where only root looks; that is the test machine's business, not the daemon's.
        caps = ["--inh-caps", "+dac_read_search", "--ambient-caps", "+dac_read_search"]
        self.prefix = [require_program("setpriv"), "--reuid", str(NOBODY), "--clear-groups", *caps]
        plugins = install_plugin(directory / "plugins")
        self.env = clean_env(
            {"HOME": str(self.home), "XDG_RUNTIME_DIR": str(self.runtime), "PYTHONPATH": f"{plugins}:{TOP}"}
        )

    def run(self, *argv: str) -> Ran:
        return run(*self.prefix, *argv, env=self.env, timeout=20)


@pytest.fixture
def nobody(tmp_path: Path) -> Iterator[Nobody]:
    (tmp_path / "nobody").mkdir()
    user = Nobody(tmp_path / "nobody")
    with open(tmp_path / "out", "wb") as out:
        argv = [*user.prefix, sys.executable, "-m", "pyvirtd.daemon.main"]
        process = subprocess.Popen(argv, env=user.env, stdout=out, stderr=out, cwd="/")
    end = time.monotonic() + 10
    while not answers(user.runtime / "libvirt" / "libvirt-sock"):
        assert process.poll() is None, (tmp_path / "out").read_text()
        assert time.monotonic() < end
        time.sleep(0.02)
    yield user
    process.terminate()
    assert process.wait(10) == 0


def test_as_a_user(nobody: Nobody) -> None:
    virsh = require_program("virsh")
    assert nobody.run(virsh, "-q", "-c", "fake:///session", "domid", "one").check().strip() == "3"
    assert nobody.run(virsh, "-q", "-r", "-c", "fake:///session", "domid", "one").check().strip() == "3"
    assert "libvirtd" in nobody.run(require_program("virt-admin"), "srv-list").check()
    sockets = list((nobody.runtime / "libvirt").iterdir())
    assert len(sockets) == 3
    assert {oct(path.stat().st_mode & 0o777) for path in sockets} == {"0o700"}
    assert (nobody.runtime / "pyvirtd" / "pyvirtd.pid").exists()
