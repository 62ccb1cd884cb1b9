import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from pyvirtd.daemon.ssh_helper import candidates, connect
from tests.harness.programs import TOP


@pytest.mark.parametrize(
    ("uri", "readonly", "uid", "names"),
    [
        ("qemu:///system", False, 0, ["/run/libvirt/libvirt-sock", "/run/libvirt/virtqemud-sock"]),
        ("qemu:///system", True, 1000, ["/run/libvirt/libvirt-sock-ro", "/run/libvirt/virtqemud-sock-ro"]),
        ("qemu:///session", True, 1000, ["/run/user/9/libvirt/libvirt-sock", "/run/user/9/libvirt/virtqemud-sock"]),
        ("qemu+ssh:///system", False, 0, ["/run/libvirt/libvirt-sock", "/run/libvirt/virtqemud-sock"]),
        ("lxc:///", False, 0, ["/run/libvirt/libvirt-sock", "/run/libvirt/virtlxcd-sock"]),
        ("", False, 0, ["/run/libvirt/libvirt-sock"]),
    ],
)
def test_where_it_looks(uri: str, readonly: bool, uid: int, names: list[str]) -> None:
    environ = {"HOME": "/home/me", "XDG_RUNTIME_DIR": "/run/user/9"}
    assert [str(path) for path in candidates(uri, readonly=readonly, environ=environ, uid=uid)] == names


def test_no_uri_and_nobody_there(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no connection URI"):
        candidates("nonsense", readonly=False, environ={}, uid=0)
    with pytest.raises(OSError, match=r"no daemon to connect to: '.*a': No such file.*; '.*b'"):
        connect([tmp_path / "a", tmp_path / "b"])


def test_carries_much_both_ways_and_ends_with_either_side(tmp_path: Path) -> None:
    size = 3_000_000
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "s"))
        listening.listen()
        listening.settimeout(10)
        got = bytearray()

        def serve() -> None:
            sock, _ = listening.accept()
            with sock:
                while len(got) < size:
                    got.extend(sock.recv(1 << 16))
                sock.sendall(got[::-1])

        thread = threading.Thread(target=serve)
        thread.start()
        sent = os.urandom(size)
        with subprocess.Popen(
            [sys.executable, "-m", "pyvirtd.daemon.ssh_helper", "--socket", str(tmp_path / "s"), "qemu:///system"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(TOP)},
        ) as helper:  # fmt: skip
            assert helper.stdin is not None
            assert helper.stdout is not None
            feeder = threading.Thread(target=lambda: (helper.stdin.write(sent), helper.stdin.flush()))  # type: ignore[union-attr]
            feeder.start()
            assert helper.stdout.read() == sent[::-1]
            assert helper.wait(10) == 0
            feeder.join()
        thread.join()
        assert bytes(got) == sent


def test_the_clients_end_ends_it(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "s"))
        listening.listen()
        helper = subprocess.run(
            [sys.executable, "-m", "pyvirtd.daemon.ssh_helper", "--socket", str(tmp_path / "s")],
            input=b"last words", env={**os.environ, "PYTHONPATH": str(TOP)}, timeout=10,
        )  # fmt: skip
        assert helper.returncode == 0
        sock, _ = listening.accept()
        assert sock.recv(100) == b"last words"
        sock.close()
