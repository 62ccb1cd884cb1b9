import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from pyvirtd.daemon.notify import notify, passed_sockets, reloading, watchdog_seconds


def test_notify_reaches_a_path_and_an_abstract_socket(tmp_path: Path) -> None:
    for address in (str(tmp_path / "n"), f"@pyvirtd-test-{os.getpid()}"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.bind("\0" + address[1:] if address[0] == "@" else address)
            sock.settimeout(2)
            assert notify({"NOTIFY_SOCKET": address}, "READY=1", "STATUS=up")
            assert sock.recv(100) == b"READY=1\nSTATUS=up"


def test_nobody_listens(tmp_path: Path) -> None:
    assert not notify({}, "READY=1")
    assert not notify({"NOTIFY_SOCKET": str(tmp_path / "absent")}, "READY=1")
    assert not notify({"NOTIFY_SOCKET": "relative"}, "READY=1")


def test_watchdog_is_for_this_process_only() -> None:
    assert watchdog_seconds({"WATCHDOG_USEC": "4000000"}) == 2.0
    assert watchdog_seconds({"WATCHDOG_USEC": "4000000", "WATCHDOG_PID": "1"}) is None
    assert watchdog_seconds({"WATCHDOG_USEC": "x"}) is None
    assert watchdog_seconds({}) is None


def test_reload_carries_the_time() -> None:
    first, second = reloading()
    assert first == "RELOADING=1"
    assert int(second.removeprefix("MONOTONIC_USEC=")) > 0


CHILD = """
import os, sys
from pyvirtd.daemon.notify import passed_sockets
os.environ["LISTEN_PID"] = str(os.getpid())
found = passed_sockets(os.environ)
print([(name, sock.getsockname(), sock.get_inheritable()) for name, sock in found], "LISTEN_FDS" in os.environ)
"""


def test_sockets_arrive_with_their_names(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one, socket.socket(socket.AF_UNIX) as two:
        for sock, name in ((one, "a"), (two, "b")):
            sock.bind(str(tmp_path / name))
            sock.listen()
        script = f"""
import os, sys
os.dup2({one.fileno()}, 63); os.dup2({two.fileno()}, 64); os.dup2(63, 3); os.dup2(64, 4)
{CHILD}"""
        ran = subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "LISTEN_FDS": "2", "LISTEN_FDNAMES": "first:second"},
            pass_fds=[one.fileno(), two.fileno()],
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
        )
    assert ran.stdout.strip() == (
        f"[('first', '{tmp_path}/a', False), ('second', '{tmp_path}/b', False)] False"
    )


def test_sockets_for_somebody_else_are_left_alone() -> None:
    assert passed_sockets({"LISTEN_FDS": "2", "LISTEN_PID": "1"}) == []
    assert passed_sockets({}) == []


def test_files_are_refused(tmp_path: Path) -> None:
    script = CHILD.replace("import os, sys", "import os; os.dup2(os.open('/dev/null', 0), 3)", 1)
    ran = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "LISTEN_FDS": "1"},
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert "descriptor 3, which is no socket" in ran.stderr


def test_wrong_types_of_sockets_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        monkeypatch.setattr("pyvirtd.daemon.notify.FIRST_FD", os.dup(sock.fileno()))
        with pytest.raises(ValueError, match="no UNIX stream socket"):
            passed_sockets({"LISTEN_FDS": "1", "LISTEN_PID": str(os.getpid())})
