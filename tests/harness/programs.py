"""Programs of the host that tests need: found, skipped for, or, in CI, insisted on."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

TOP = Path(__file__).resolve().parents[2]


def in_ci() -> bool:
    """Whether a missing program is a failure (CI=true) rather than a reason to skip."""
    return os.environ.get("CI", "").lower() in {"1", "true", "yes"}


def missing(what: str) -> None:
    """Skip the test for want of something, or fail it where everything has to be there."""
    if in_ci():
        pytest.fail(f"{what} is missing, and CI runs every test", pytrace=False)
    pytest.skip(f"{what} is missing; tools/setup installs it")


NEEDED = ("virsh", "virt-admin", "virt-install", "virt-xml", "virt-clone", "qemu-system-x86_64", "qemu-img", "libvirtd",
          "sshd", "nc", "swtpm", "systemd-analyze", "systemd-socket-activate", "perl", "ip", "unshare")  # fmt: skip
"""What no test may go without in CI, whichever way the test asks for it."""


def absent() -> list[str]:
    """Those of the needed programs that are not installed."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    return [name for name in NEEDED if shutil.which(name, path=path) is None]


def require_program(name: str) -> str:
    """Absolute path of a program; skips (in CI: fails) without it."""
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if path is None:
        missing(f"the program {name}")
        raise AssertionError("not reached")
    return path


def require_root() -> None:
    """Namespaces and well-known paths need root."""
    if os.geteuid() != 0:
        missing("root")


def shared_dir() -> Path | None:
    """The directory of facts beside the repository: $PYVIRTD_SHARED or ../shared; None without it."""
    named = os.environ.get("PYVIRTD_SHARED")
    for place in [Path(named)] if named else [TOP.parent / "shared"]:
        if place.is_dir():
            return place
    return None


class Ran(NamedTuple):
    """What a program said. `out` and `err` are its streams, `code` its exit status (-N: ended by signal N)."""

    argv: Sequence[str]
    code: int
    out: str
    err: str

    def check(self) -> str:
        """Its output, provided it succeeded."""
        assert self.code == 0, f"{' '.join(self.argv)}\nexit status {self.code}\n{self.out}{self.err}"
        return self.out

    def fails(self) -> str:
        """Its error text, provided it failed."""
        assert self.code != 0, f"{' '.join(self.argv)}\nsucceeded, and should not have:\n{self.out}"
        return self.err


def clean_env(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment without what bends clients and daemons: locale, libvirt's and Python's own variables."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("LIBVIRT_", "VIRSH_", "LC_", "PYTHON"))}
    env |= {"LC_ALL": "C.UTF-8", "LANG": "C.UTF-8", "TERM": "dumb"}
    return env | dict(extra or {})


def run(*argv: str, timeout: float = 60, stdin: str | None = None, env: Mapping[str, str] | None = None) -> Ran:
    """Run a program to its end, at most `timeout` seconds."""
    try:
        done = subprocess.run(argv, capture_output=True, timeout=timeout, env=clean_env(env), check=False,
                              input=(stdin or "").encode())
    except subprocess.TimeoutExpired as late:
        said = ((late.stdout or b"") + (late.stderr or b"")).decode(errors="replace")
        return Ran(argv, -999, said, f"still running after {timeout} s\n")
    return Ran(argv, done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))
