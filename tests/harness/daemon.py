"""Daemons under test: pyvirtd with a root of its own, and a private copy of the real libvirtd to measure it by."""

from __future__ import annotations

import abc
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from tests.harness.programs import Ran, clean_env, require_program, require_root, run

# Socket paths end at 107 bytes, so the roots are short and not under pytest's tmp_path.
SHORT_TMP = os.environ.get("PYVIRTD_TEST_TMP", "/tmp")

OWNER = "owner"
"""The file in a daemon's root that names the test run: its process id, and when that began."""


def wait_for(what: str, check: Callable[[], object], timeout: float = 10.0, every: float = 0.02) -> object:
    """The first true value of `check`, or an error that names what was waited for."""
    end = time.monotonic() + timeout
    while not (value := check()):
        assert time.monotonic() < end, f"{what}: not within {timeout} s"
        time.sleep(every)
    return value


def pids_that(test: Callable[[Path], bool]) -> Iterator[int]:
    """Processes whose /proc directory passes a test."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with contextlib.suppress(OSError):
                if test(entry):
                    yield int(entry.name)


def kill(pid: int, number: int = signal.SIGKILL) -> None:
    """Send a signal to a process that may be gone."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def answers(path: Path) -> bool:
    """Whether somebody listens on a UNIX socket."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(1)
        return sock.connect_ex(str(path)) == 0


def pids_of(root: Path) -> list[int]:
    """Processes that name a place below `root` in their command line, their environment, or as their stderr."""
    mark = f"{root}/".encode()

    def ours(proc: Path) -> bool:
        words = (proc / "cmdline").read_bytes(), (proc / "environ").read_bytes()
        return any(mark in each for each in words) or mark in os.readlink(os.fsencode(proc / "fd/2"))

    return list(pids_that(ours))


def started(pid: int) -> str:
    """When a process began, in the host's ticks; "" when there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return ""


def in_namespaces_of(pids: list[int]) -> list[int]:
    """Processes in the mount namespaces of others, where those are not our own."""
    spaces = {os.readlink(f"/proc/{pid}/ns/mnt") for pid in pids if Path(f"/proc/{pid}").exists()}
    spaces.discard(os.readlink("/proc/self/ns/mnt"))
    return list(pids_that(lambda proc: os.readlink(proc / "ns/mnt") in spaces))


def end_abandoned() -> list[int]:
    """End what the daemons of killed test runs left: those whose root names an owner that is no more."""
    ended = []
    for owner in Path(SHORT_TMP).glob(f"pv-*/{OWNER}"):
        try:
            words = owner.read_text().split()
            if owner.stat().st_uid != os.getuid() or len(words) != 2 or started(int(words[0])) == words[1]:
                continue
        except (OSError, ValueError):
            continue
        for pid in {*pids_of(owner.parent), *in_namespaces_of(pids_of(owner.parent))}:
            kill(pid)
            ended.append(pid)
        shutil.rmtree(owner.parent, ignore_errors=True)
    return ended


class Daemon(abc.ABC):
    """A daemon with everything it owns under `root`; its sockets are root/run/libvirt-sock and its siblings."""

    name = "a daemon"

    def __init__(self) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="pv-", dir=SHORT_TMP))
        self.root.chmod(0o755)
        (self.root / OWNER).write_text(f"{os.getpid()} {started(os.getpid())}")
        self.process: subprocess.Popen[bytes] | None = None
        self.log_path = self.root / "out"

    @property
    def socket(self) -> Path:
        """The read-write socket."""
        return self.root / "run" / "libvirt-sock"

    @property
    def uri(self) -> str:
        """Connection URI that reaches this daemon through its socket path."""
        return self.uri_for("qemu")

    def uri_for(self, scheme: str, readonly: bool = False) -> str:
        """Connection URI of a scheme: qemu, test, ..."""
        path = {"test": "/default"}.get(scheme, "/system" if os.geteuid() == 0 else "/session")
        return f"{scheme}+unix://{path}?socket={self.socket}{'-ro' if readonly else ''}"

    @abc.abstractmethod
    def argv(self) -> Sequence[str]:
        """The command line of the daemon."""

    def start(self, timeout: float = 20.0) -> float:
        """Start it and wait until it listens; returns the seconds that took."""
        began = time.monotonic()
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(self.argv(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env=clean_env(), start_new_session=True)
        while not (self.socket.exists() and answers(self.socket)):
            code = self.process.poll()
            assert code is None, f"{self.name} ended at once, status {code}:\n{self.log()}"
            assert time.monotonic() - began < timeout, f"{self.name} does not listen after {timeout} s:\n{self.log()}"
            time.sleep(0.01)
        return time.monotonic() - began

    @property
    def pid(self) -> int:
        """Process id of the running daemon."""
        assert self.process is not None, f"{self.name} is not running"
        return self.process.pid

    def stop(self, number: int = signal.SIGTERM, timeout: float = 15.0) -> int:
        """End it with a signal; returns its exit status."""
        assert self.process is not None, f"{self.name} is not running"
        process, self.process = self.process, None
        process.send_signal(number)
        try:
            return process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)
            raise AssertionError(f"{self.name} still there {timeout} s after signal {number}:\n{self.log()}") from None

    def kill9(self) -> None:
        """End it without any chance to tidy up."""
        self.stop(signal.SIGKILL)

    def restart(self) -> None:
        """Stop it in good order and start it again on the same root."""
        self.stop()
        self.start()

    def log(self, lines: int = 80) -> str:
        """The last lines of what it printed."""
        try:
            return "\n".join(self.log_path.read_text(errors="replace").splitlines()[-lines:])
        except OSError:
            return ""

    def virsh(self, *args: str, timeout: float = 60, scheme: str = "qemu", stdin: str | None = None) -> Ran:
        """Run Debian's virsh against this daemon."""
        return run(require_program("virsh"), "-q", "-c", self.uri_for(scheme), *args, timeout=timeout, stdin=stdin)

    def inside(self, *argv: str) -> list[str]:
        """A command line that runs `argv` where qemu:///system is this daemon (own mount namespace, as root)."""
        require_root()
        Path("/run/libvirt").mkdir(exist_ok=True)
        script = 'mount --bind "$0" /run/libvirt && exec "$@"'
        return [require_program("unshare"), "-m", "sh", "-c", script, str(self.root / "run"), *argv]

    def leftovers(self) -> list[int]:
        """Processes that belong to this daemon, guests above all, itself not counted."""
        own = self.process.pid if self.process else -1
        return [pid for pid in pids_of(self.root) if pid != own]

    def guests(self) -> dict[str, int]:
        """Name -> process id of the emulators that run for this daemon, as their command lines tell."""
        found = {}
        for pid in self.leftovers():
            with contextlib.suppress(OSError):
                words = Path(f"/proc/{pid}/cmdline").read_text(errors="replace").split("\0")
                if "qemu-system" in words[0] and "-name" in words:
                    label = words[words.index("-name") + 1].split(",")[0]
                    found[label.removeprefix("guest=")] = pid
        return found

    def close(self) -> None:
        """End the daemon and its guests and remove all of it."""
        try:
            if self.process is not None:
                with contextlib.suppress(AssertionError):
                    self.stop(timeout=5)
        finally:
            for _ in range(20):
                if not (left := self.leftovers()):
                    break
                for pid in left:
                    kill(pid)
                time.sleep(0.05)
            shutil.rmtree(self.root, ignore_errors=True)


class Pyvirtd(Daemon):
    """The daemon this project is about. `prefix` runs it elsewhere, for example in a network namespace."""

    name = "pyvirtd"

    def __init__(self, *args: str, prefix: Sequence[str] = ()) -> None:
        super().__init__()
        self.args = args
        self.prefix = prefix

    def argv(self) -> Sequence[str]:
        """The console script of this interpreter's environment."""
        program = Path(sys.executable).with_name("pyvirtd")
        assert program.exists(), f"{program} is not installed: run tools/setup"
        return [*self.prefix, str(program), "--root", str(self.root), *self.args]

    def configure(self, toml: str) -> None:
        """Write its configuration file; taken at the next start."""
        (self.root / "etc").mkdir(exist_ok=True)
        (self.root / "etc/pyvirtd.toml").write_text(toml)


class Reference(Daemon):
    """The real libvirtd, its state under `root` by a mount namespace, a network namespace of its own."""

    name = "libvirtd"
    SCRIPT = """
set -e
for part in run lib cache log; do mount --bind "$0/$part" /$(
  case $part in run) echo run ;; *) echo "var/$part" ;; esac)/libvirt; done
mount --bind "$0/etc" /etc/libvirt
ip link set lo up
kill -0 "$(cat "$0/virtlogd.pid" 2>/dev/null)" 2>/dev/null || virtlogd -d -p "$0/virtlogd.pid"
exec libvirtd -p "$0/libvirtd.pid"
"""

    def __init__(self, own_network: bool = True) -> None:
        super().__init__()
        self.own_network = own_network
        self._namespaces: list[int] = []  # one a start; held open, so that their numbers stay theirs

    def argv(self) -> Sequence[str]:
        """libvirtd behind the mounts that keep it private."""
        flags = ["-m", "-n"] if self.own_network else ["-m"]
        return [require_program("unshare"), *flags, "--propagation", "private", "bash", "-c", self.SCRIPT,
                str(self.root)]

    def start(self, timeout: float = 20.0) -> float:
        """Start it and wait until it listens; returns the seconds that took."""
        require_root()
        for program in ("libvirtd", "virtlogd", "ip"):
            require_program(program)
        for place in ("/run/libvirt", "/var/lib/libvirt", "/var/cache/libvirt", "/var/log/libvirt", "/etc/libvirt"):
            Path(place).mkdir(parents=True, exist_ok=True)
        for part in ("run", "lib", "cache", "log", "etc"):
            (self.root / part).mkdir(exist_ok=True)
        # Without QEMU's private /dev the guests stay in the daemon's mount namespace, where close() finds them.
        (self.root / "etc/qemu.conf").write_text("namespaces = []\n")
        took = super().start(timeout)
        assert self.process is not None
        self._namespaces.append(os.open(f"/proc/{self.process.pid}/ns/mnt", os.O_RDONLY))
        return took

    def leftovers(self) -> list[int]:
        """Processes in the daemon's mount namespaces: guests, virtlogd, dnsmasq."""
        inodes = {os.fstat(each).st_ino for each in self._namespaces}
        own = self.process.pid if self.process else -1
        return [pid for pid in pids_that(lambda p: (p / "ns/mnt").stat().st_ino in inodes) if pid != own]

    def close(self) -> None:
        """End the daemon and its guests and remove all of it."""
        super().close()
        for each in self._namespaces:
            os.close(each)
        self._namespaces.clear()
