"""The command line."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pyvirtd import __version__
from pyvirtd.core.paths import Paths
from pyvirtd.daemon.config import SOCKET_NAME

_EPILOG = """\
As root it listens in /run/libvirt, where libvirt's clients look, and keeps its state in /var/lib/pyvirtd; as a user
in $XDG_RUNTIME_DIR/libvirt and the XDG directories. The configuration is pyvirtd.toml in /etc/pyvirtd or
~/.config/pyvirtd if there is one: TOML with the key names of libvirtd.conf.

SIGTERM ends the daemon and leaves guests running, SIGHUP rereads the configuration.
"""


@dataclass(frozen=True)
class Options:
    root: Path | None = None
    socket_dir: Path | None = None
    socket_names: tuple[str, ...] = ()
    """Empty: as the configuration says."""
    config: Path | None = None
    timeout: int | None = None
    verbose: bool = False

    def paths(self, environ: Mapping[str, str], *, privileged: bool) -> Paths:
        """The daemon's directories, as far as the command line decides them."""
        if self.root is not None:
            return Paths.under(self.root)
        return Paths.system() if privileged else Paths.user(environ)

    def config_file(self, paths: Paths) -> Path | None:
        """What was named, or else the usual file if it is there."""
        usual = paths.etc / "pyvirtd.toml"
        return self.config or (usual if usual.exists() else None)


def parse(argv: Sequence[str] | None = None) -> Options:
    """Ends the process with a message for --help, --version and what it does not understand."""
    parser = argparse.ArgumentParser(
        prog="pyvirtd",
        description="A virtualization daemon that libvirt's clients talk to.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--root", type=_path, metavar="DIR", help="keep everything under DIR: run (sockets), etc, lib, cache, log")
    add("--socket-dir", type=_path, metavar="DIR", help="make the sockets there")
    add("--socket-name", type=_socket_name, action="append", default=[], metavar="NAME",
        help="call them NAME-sock, NAME-sock-ro, NAME-admin-sock; may be repeated (libvirt)")
    add("-f", "--config", type=_path, metavar="FILE", help="read this configuration")
    add("-t", "--timeout", type=_seconds, metavar="SECONDS", help="end after that long without clients and guests")
    add("-v", "--verbose", action="store_true", help="log what happens, not only what goes wrong")
    add("-V", "--version", action="version", version=f"pyvirtd {__version__}")
    got = parser.parse_args(argv)
    return Options(got.root, got.socket_dir, tuple(got.socket_name), got.config, got.timeout, got.verbose)


def _path(text: str) -> Path:
    if not text:
        raise argparse.ArgumentTypeError("a path is expected")
    return Path(os.path.abspath(text))


def _socket_name(text: str) -> str:
    if not SOCKET_NAME.fullmatch(text):
        raise argparse.ArgumentTypeError(f"'{text}' is no socket name; one like virtqemud is expected")
    return text


def _seconds(text: str) -> int:
    if not text.isdigit():
        raise argparse.ArgumentTypeError(f"'{text}' is no number of seconds")
    return int(text)
