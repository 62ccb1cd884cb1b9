"""A daemon process with a driver of the tests' own, found by its entry point as anybody's would be."""

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests.harness.programs import TOP, Ran, clean_env, require_program, run


class Running:
    """pyvirtd with the fake driver under `root`."""

    def __init__(self, root: Path, plugins: Path, args: Sequence[str] = (), env: dict[str, str] | None = None) -> None:
        self.root, self.plugins, self.args = root, plugins, list(args)
        self.env = clean_env({"PYTHONPATH": f"{plugins}:{TOP}", "PYTHONDONTWRITEBYTECODE": "1", **(env or {})})
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def argv(self) -> list[str]:
        return [sys.executable, "-m", "pyvirtd.daemon.main", "--root", str(self.root), *self.args]

    def start(self, *prefix: str) -> float:
        began = time.monotonic()
        with open(self.root / "out", "ab") as out:
            self.process = subprocess.Popen(
                [*prefix, *self.argv], env=self.env, stdin=subprocess.DEVNULL, stdout=out, stderr=out
            )
        while not answers(self.socket):
            assert self.process.poll() is None, self.log()
            assert time.monotonic() < began + 10, self.log()
            time.sleep(0.005)
        return time.monotonic() - began

    @property
    def socket(self) -> Path:
        return self.root / "run" / "libvirt-sock"

    def log(self) -> str:
        return (self.root / "out").read_text()

    def wait_log(self, text: str) -> None:
        end = time.monotonic() + 5
        while text not in self.log():
            assert time.monotonic() < end, f"no {text!r} in:\n{self.log()}"
            time.sleep(0.01)

    def tell(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def stop(self, number: int = signal.SIGTERM) -> int:
        assert self.process is not None
        process, self.process = self.process, None
        if process.poll() is None:
            process.send_signal(number)
        try:
            return process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            raise

    def ask(self, *, admin: bool = False, scheme: str = "fake") -> tuple[str, str]:
        name = "libvirt-admin-sock" if admin else "libvirt-sock"
        return "-c", f"{'libvirtd' if admin else scheme}:///system?socket={self.root}/run/{name}"

    def admin(self, *args: str) -> Ran:
        return run(require_program("virt-admin"), *self.ask(admin=True), *args, timeout=20)


def answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as sock:
        return sock.connect_ex(str(path)) == 0


def install_plugin(directory: Path) -> Path:
    """A distribution with nothing in it but the entry point of the fake driver; returns where it is found."""
    info = directory / "fakedriver-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: fakedriver\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[pyvirtd.drivers]\nfake = tests.harness.wire:FakeDriver\n")
    return directory
