"""virsh over a real sshd: through our virt-ssh-helper, and through plain netcat."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.harness.programs import TOP, Ran, missing, require_program, require_root, run
from tests.harness.running import Running, install_plugin

pytestmark = pytest.mark.e2e

SSHD_CONFIG = """
ListenAddress 127.0.0.1:{port}
HostKey {dir}/host_key
AuthorizedKeysFile {dir}/user_key.pub
PidFile none
StrictModes no
UsePAM no
PermitRootLogin yes
PasswordAuthentication no
SetEnv PATH={path}
"""

HELPER = """#!/bin/sh
echo "$@" >> {dir}/helper-calls
PYTHONPATH={top} exec {python} -m pyvirtd.daemon.ssh_helper --socket {run}/libvirt-sock$SUFFIX "$@"
"""


class Sshd:
    """An ssh server of the test's own, and the ssh command that trusts it."""

    def __init__(self, directory: Path, daemon: Running) -> None:
        self.dir, self.daemon = directory, daemon
        self.nc = require_program("nc")
        program = require_program("sshd")
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        for name in ("host_key", "user_key"):
            run(require_program("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f", str(directory / name)).check()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.bin = directory / "bin"
        self.bin.mkdir()
        config = directory / "sshd_config"
        config.write_text(SSHD_CONFIG.format(port=self.port, dir=directory, path=f"{self.bin}:/usr/bin:/bin"))
        ssh = directory / "ssh"
        ssh.write_text(
            f"#!/bin/sh\nexec {require_program('ssh')} -F none -i {directory}/user_key"
            f" -o UserKnownHostsFile={directory}/known -o StrictHostKeyChecking=accept-new \"$@\"\n"
        )
        ssh.chmod(0o755)
        with open(directory / "sshd.log", "wb") as log:
            self.process = subprocess.Popen([program, "-D", "-e", "-f", str(config)], stdout=log, stderr=log)
        end = time.monotonic() + 10
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    break
            if self.process.poll() is not None or time.monotonic() > end:
                missing(f"a working sshd: {(directory / 'sshd.log').read_text()}")
            time.sleep(0.02)

    def install_helper(self, suffix: str = "") -> None:
        helper = self.bin / "virt-ssh-helper"
        text = HELPER.replace("$SUFFIX", suffix)
        helper.write_text(text.format(dir=self.dir, top=TOP, python=sys.executable, run=self.daemon.root / "run"))
        helper.chmod(0o755)

    def virsh(self, *args: str, options: tuple[str, ...] = (), scheme: str = "fake", **query: str) -> Ran:
        uri = f"{scheme}+ssh://root@127.0.0.1:{self.port}/system?" + urlencode({"command": f"{self.dir}/ssh", **query})
        return run(require_program("virsh"), *options, "-q", "-c", uri, *args, timeout=30)

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(5)


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[Sshd]:
    require_root()
    daemon = Running(tmp_path, install_plugin(tmp_path / "plugins"))
    daemon.start()
    try:
        server = Sshd(tmp_path, daemon)
        try:
            yield server
        finally:
            server.close()
    finally:
        daemon.stop()


def test_with_the_helper(sshd: Sshd) -> None:
    sshd.install_helper()
    for query in ({}, {"proxy": "native"}):
        assert sshd.virsh("domuuid", "one", **query).check().strip() == "31313131-3131-3131-3131-313131313131"
    assert (sshd.dir / "helper-calls").read_text().splitlines() == ["fake:///system", "fake:///system"]


def test_read_only_with_the_helper(sshd: Sshd) -> None:
    sshd.install_helper("-ro")
    assert sshd.virsh("domid", "one", options=("-r",)).check().strip() == "3"
    assert (sshd.dir / "helper-calls").read_text().splitlines() == ["-r fake:///system"]
    assert "read only" in sshd.virsh("shutdown", "one", options=("-r",)).fails()


def test_with_netcat(sshd: Sshd) -> None:
    path = str(sshd.daemon.socket)
    for query in ({"proxy": "netcat"}, {"proxy": "netcat", "netcat": sshd.nc}):
        assert sshd.virsh("domid", "one", socket=path, **query).check().strip() == "3"


def test_nobody_serves_there(sshd: Sshd) -> None:
    sshd.install_helper("-absent")
    error = sshd.virsh("domid", "one").fails()
    assert "no daemon to connect to" in error
    assert "No such file or directory" in error


def test_qemu_system_both_ways(sshd: Sshd) -> None:
    sshd.install_helper()
    for query in ({"proxy": "native"}, {"proxy": "netcat", "socket": str(sshd.daemon.socket)}):
        assert sshd.virsh("list", "--all", scheme="qemu", **query).check().strip() == ""
        assert "<capabilities>" in sshd.virsh("capabilities", scheme="qemu", **query).check()
    assert (sshd.dir / "helper-calls").read_text().splitlines() == ["qemu:///system", "qemu:///system"]
