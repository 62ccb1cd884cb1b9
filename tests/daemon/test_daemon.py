import os
import signal
import socket
import stat
import subprocess
import time
from pathlib import Path

import pytest

from tests.harness.programs import require_program, require_root, run
from tests.harness.running import Running, answers


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_sockets_appear_with_their_modes_and_go(running: Running) -> None:
    run_dir = running.root / "run"
    assert mode(run_dir / "libvirt-sock") == 0o700
    assert mode(run_dir / "libvirt-admin-sock") == 0o700
    assert mode(run_dir / "libvirt-sock-ro") == (0o777 if os.geteuid() == 0 else 0o700)
    assert (run_dir / "pyvirtd.pid").read_text().strip() == str(running.process.pid)  # type: ignore[union-attr]
    assert running.stop() == 0
    assert sorted(path.name for path in run_dir.iterdir() if path.is_file()) == ["pyvirtd.pid"]
    assert "Traceback" not in running.log()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_ends_in_good_order_with_a_client_connected(running: Running, number: int) -> None:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(running.socket))
        assert running.stop(number) == 0
        assert client.recv(1) == b""
    assert "Traceback" not in running.log()


def test_starts_again_after_kill_9(running: Running) -> None:
    running.stop(signal.SIGKILL)
    assert running.socket.exists()
    running.start()


def test_is_listening_within_half_a_second(stopped: Running) -> None:
    """Counted in processor time: a busy test machine is not the daemon's doing."""
    del stopped.env["PYTHONDONTWRITEBYTECODE"]
    stopped.start()
    stopped.stop()
    assert min(processor_seconds(stopped) for _ in range(3)) < 0.5


def processor_seconds(running: Running) -> float:
    running.start()
    assert running.process is not None
    fields = Path(f"/proc/{running.process.pid}/stat").read_text().rpartition(")")[2].split()
    running.stop()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_sighup_rereads_the_configuration(stopped: Running) -> None:
    config = stopped.root / "etc" / "pyvirtd.toml"
    config.parent.mkdir()
    config.write_text("max_clients = 11\nlog_level = 2\n")
    stopped.start()
    assert "nclients_max        : 11" in stopped.admin("srv-clients-info", "libvirtd").check()
    config.write_text("max_clients = 12\nlog_level = 2\n")
    stopped.tell(signal.SIGHUP)
    stopped.wait_log("configuration read again")
    assert "nclients_max        : 12" in stopped.admin("srv-clients-info", "libvirtd").check()
    config.write_text("max_clients = 13\nbogus = 1\n")
    stopped.tell(signal.SIGHUP)
    stopped.wait_log(f"the old one stays: {config}:2: unknown key 'bogus'")
    assert "nclients_max        : 12" in stopped.admin("srv-clients-info", "libvirtd").check()


@pytest.mark.slow
def test_what_keeps_it_from_starting_is_said(running: Running, tmp_path: Path) -> None:
    for args, words in (
        (["--root", str(running.root)], f"another pyvirtd (pid {running.process.pid})"),  # type: ignore[union-attr]
        (["--root", f"{tmp_path}/b", "--socket-dir", str(running.socket.parent)], "holds the socket"),
        (["--root", f"{tmp_path}/c", "--config", f"{tmp_path}/absent"], "absent: cannot read it"),
    ):
        ran = run(*running.argv[:3], *args, env=running.env, timeout=20)
        assert ran.code == 1
        assert words in ran.err
        assert "Traceback" not in ran.err
    assert answers(running.socket)


def test_other_names_and_another_directory(stopped: Running, tmp_path: Path) -> None:
    stopped.args = ["--socket-dir", f"{tmp_path}/s", "--socket-name", "libvirt", "--socket-name", "virtqemud"]
    (stopped.root / "run").mkdir()
    os.symlink(tmp_path / "s" / "libvirt-sock", stopped.socket)
    stopped.start()
    assert sorted(path.name for path in (tmp_path / "s").iterdir()) == sorted(
        f"{name}{suffix}" for name in ("libvirt", "virtqemud") for suffix in ("-sock", "-sock-ro", "-admin-sock")
    )


def test_a_group_may_be_let_in(stopped: Running) -> None:
    require_root()
    config = stopped.root / "c.toml"
    config.write_text('unix_sock_group = "daemon"\n')
    stopped.args = ["--config", str(config)]
    stopped.start()
    status = stopped.socket.stat()
    assert stat.S_IMODE(status.st_mode) == 0o770
    assert status.st_gid == 1
    assert (stopped.root / "run" / "libvirt-admin-sock").stat().st_gid == 0


@pytest.mark.slow
def test_ends_by_itself_when_idle(stopped: Running) -> None:
    stopped.args = ["--timeout", "1"]
    stopped.start()
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(stopped.socket))
        time.sleep(1.5)
        assert stopped.process is not None
        assert stopped.process.poll() is None
    assert stopped.process.wait(5) == 0


def test_tells_systemd_how_it_is(stopped: Running, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(5)
        stopped.env |= {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "400000"}
        stopped.start()
        heard = [manager.recv(1000) for _ in range(4)]
        assert heard[0] == b"WATCHDOG=1"
        assert any(text.startswith(b"READY=1\nMAINPID=") for text in heard)
        assert heard.count(b"WATCHDOG=1") >= 2
        stopped.tell(signal.SIGHUP)
        while not (text := manager.recv(1000)).startswith(b"RELOADING=1\nMONOTONIC_USEC="):
            assert text == b"WATCHDOG=1"
        while (text := manager.recv(1000)) != b"READY=1":
            assert text == b"WATCHDOG=1"
        assert stopped.stop() == 0
        while (text := manager.recv(1000)) != b"STOPPING=1":
            assert text == b"WATCHDOG=1"


def test_started_by_a_socket(stopped: Running, tmp_path: Path) -> None:
    program = require_program("systemd-socket-activate")
    paths = [stopped.socket, tmp_path / "run/libvirt-sock-ro", tmp_path / "run/libvirt-admin-sock"]
    (tmp_path / "run").mkdir()
    listen = [f"--listen={path}" for path in paths]
    names = "--fdname=libvirt-sock:libvirt-sock-ro:libvirt-admin-sock"
    setenv = [f"--setenv={key}={value}" for key, value in stopped.env.items() if key.startswith("PYTHON")]
    with open(tmp_path / "out", "wb") as out:
        stopped.process = subprocess.Popen(
            [program, *listen, names, *setenv, *stopped.argv], env=stopped.env, stdout=out, stderr=out
        )
    while not all(path.exists() for path in paths):
        time.sleep(0.01)
    assert "libvirtd" in stopped.admin("srv-list").check()
    with socket.socket(socket.AF_UNIX) as readonly:
        readonly.connect(str(paths[1]))
        clients = stopped.admin("client-list", "libvirtd").check().splitlines()
        [number] = [line.split()[0] for line in clients if " unix " in line]
        assert "readonly       : yes" in stopped.admin("client-info", "libvirtd", number).check()
    assert stopped.stop() == 0
    assert all(path.exists() for path in paths), "systemd's sockets are not ours to remove"


def test_unit_files_are_clean(tmp_path: Path) -> None:
    program = require_program("systemd-analyze")
    units = Path(__file__).parents[2] / "systemd"
    bin_dir = tmp_path / "pyvirtd"
    bin_dir.write_text("#!/bin/sh\n")
    bin_dir.chmod(0o755)
    for unit in units.iterdir():
        # The program is not installed here; that it is executable is all that is pretended.
        (tmp_path / unit.name).write_text(unit.read_text().replace("/usr/bin/pyvirtd", str(bin_dir)))
    ran = run(program, "verify", "--man=no", *[str(tmp_path / unit.name) for unit in units.iterdir()], timeout=30)
    own = [line for line in ran.err.splitlines() if "pyvirtd" in line]
    assert own == []
    assert ran.code == 0
    text = (units / "pyvirtd.service").read_text()
    assert "KillMode=process" in text
    assert "Type=notify" in text


def test_help_version_and_mistakes() -> None:
    from tests.harness.programs import TOP

    def ask(*args: str) -> object:
        import sys

        return run(sys.executable, "-m", "pyvirtd.daemon.main", *args, env={**os.environ, "PYTHONPATH": str(TOP)})

    assert "--socket-dir DIR" in ask("--help").check()  # type: ignore[attr-defined]
    assert ask("--version").check().startswith("pyvirtd ")  # type: ignore[attr-defined]
    for args in (["--nope"], ["--timeout", "x"], ["--socket-name", "../x"], ["extra"]):
        assert ask(*args).code == 2  # type: ignore[attr-defined]
