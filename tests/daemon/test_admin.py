"""Debian's virt-admin against the daemon."""

import socket
import time
from pathlib import Path

import pytest

from pyvirtd.protocol.admin import ADMIN
from pyvirtd.protocol.frame import CALL, OK, REPLY, encode_message
from tests.harness.running import Running

pytestmark = pytest.mark.e2e


def test_servers_and_threadpool(running: Running) -> None:
    assert [line.split() for line in running.admin("srv-list").check().splitlines()[2:] if line] == [
        ["0", "libvirtd"], ["1", "admin"]]  # fmt: skip
    running.admin("srv-threadpool-set", "libvirtd", "--min-workers", "3", "--max-workers", "9").check()
    info = running.admin("srv-threadpool-info", "libvirtd").check()
    assert "minWorkers     : 3" in info
    assert "maxWorkers     : 9" in info
    assert "must not be above" in running.admin("srv-threadpool-set", "libvirtd", "--min-workers", "30").fails()
    assert "no server 'none'" in running.admin("srv-threadpool-info", "none").fails()


def test_clients(running: Running) -> None:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(running.socket))
        rows = [line.split() for line in running.admin("client-list", "libvirtd").check().splitlines()[2:] if line]
        [row] = rows
        assert row[1] == "unix"
        info = running.admin("client-info", "libvirtd", row[0]).check()
        assert "readonly       : no" in info
        assert "unix_process_id: " in info
        running.admin("client-disconnect", "libvirtd", row[0]).check()
        assert client.recv(1) == b""
    assert "no client 999" in running.admin("client-info", "libvirtd", "999").fails()


def test_limits(running: Running) -> None:
    running.admin("srv-clients-set", "libvirtd", "--max-clients", "50", "--max-unauth-clients", "9").check()
    info = running.admin("srv-clients-info", "libvirtd").check()
    assert "nclients_max        : 50" in info
    assert "nclients_unauth_max : 9" in info
    assert "unauthenticated" in running.admin("srv-clients-set", "libvirtd", "--max-unauth-clients", "90").fails()


def test_logging(running: Running, tmp_path: Path) -> None:
    running.admin("daemon-log-filters", "1:pyvirtd.server 3:qemu").check()
    assert "1:pyvirtd.server 3:qemu" in running.admin("daemon-log-filters").check()
    running.admin("daemon-log-outputs", f"1:file:{tmp_path}/daemon.log").check()
    assert f"1:file:{tmp_path}/daemon.log" in running.admin("daemon-log-outputs").check()
    assert "pyvirtd.server.session" in (tmp_path / "daemon.log").read_text()
    assert "a level of 1 to 4" in running.admin("daemon-log-filters", "9:x").fails()
    assert "1:pyvirtd.server" in running.admin("daemon-log-filters").check()
    running.admin("daemon-log-outputs", "").check()
    assert "1:stderr" in running.admin("daemon-log-outputs").check()


def test_timeout(running: Running) -> None:
    running.admin("daemon-timeout", "--timeout", "1").check()
    assert running.process is not None
    end = time.monotonic() + 5
    while running.process.poll() is None:
        assert time.monotonic() < end
        time.sleep(0.05)
    assert running.process.returncode == 0


def test_shutdown(running: Running) -> None:
    """Newer than Debian's virt-admin: by hand, as its client would say it."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(10)
        client.connect(str(running.root / "run" / "libvirt-admin-sock"))
        for serial, procedure in enumerate((1, 20)):
            client.sendall(encode_message(ADMIN, 1, procedure, CALL, serial, OK, b"\0\0\0\0"))
            assert client.recv(1000) == encode_message(ADMIN, 1, procedure, REPLY, serial, OK)
    assert running.process is not None
    assert running.process.wait(10) == 0
