"""virt-ssh-helper: what libvirt's clients run at the far end of ssh.

`virt-ssh-helper [-r] URI` connects to the daemon that serves the URI and carries bytes between it and stdin/stdout.
It finds the socket by itself, where `nc -U PATH` makes the client guess it. Imports little: each ssh connection pays.
"""

from __future__ import annotations

import argparse
import os
import select
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

_CHUNK: Final = 1 << 16


def candidates(uri: str, *, readonly: bool, environ: Mapping[str, str], uid: int) -> list[Path]:
    """Sockets that may serve the URI, best first. Raises ValueError for what is no connection URI."""
    parts = urlsplit(uri)
    driver = parts.scheme.partition("+")[0]
    if uri and not driver:
        raise ValueError(f"'{uri}' is no connection URI; one like qemu:///system is expected")
    session = parts.path.startswith("/session") or (not parts.path.startswith("/system") and uid != 0)
    if session:
        runtime = environ.get("XDG_RUNTIME_DIR") or (
            environ.get("XDG_CACHE_HOME") or os.path.join(environ.get("HOME") or "/", ".cache")
        )
        directory = Path(runtime, "libvirt")
    else:
        directory = Path("/run/libvirt")
    # A session daemon has no read-only socket: its only user is its owner.
    suffix = "-sock-ro" if readonly and not session else "-sock"
    names = ["libvirt", f"virt{driver}d"] if driver else ["libvirt"]
    return [directory / f"{name}{suffix}" for name in names]


def connect(paths: Sequence[Path]) -> socket.socket:
    """The first of them that answers. Raises OSError that names them all."""
    reasons = []
    for path in paths:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.connect(str(path))
            return sock
        except OSError as error:
            sock.close()
            reasons.append(f"'{path}': {error.strerror}")
    raise OSError(f"no daemon to connect to: {'; '.join(reasons)}")


def pump(sock: socket.socket, source: int, sink: int) -> None:
    """Carries bytes both ways until the daemon closes, or the client does and everything has been handed on."""
    for descriptor in (source, sink, sock.fileno()):
        os.set_blocking(descriptor, False)
    outward, inward = bytearray(), bytearray()  # towards the daemon, towards the client
    source_open = sock_open = True
    while sock_open or inward:
        if not source_open and not outward and sock_open:
            return
        poller = select.poll()
        events = (select.POLLIN if sock_open and len(inward) < _CHUNK else 0) | (select.POLLOUT if outward else 0)
        if events:
            poller.register(sock, events)
        if source_open and len(outward) < _CHUNK and sock_open:
            poller.register(source, select.POLLIN)
        if inward:
            poller.register(sink, select.POLLOUT)
        ready = dict(poller.poll())
        if ready.get(sink, 0) and inward:
            del inward[: _write(sink, inward)]
        if ready.get(source, 0) and sink != source:
            data = _read(source)
            source_open = data != b""
            outward += data or b""
        if state := ready.get(sock.fileno(), 0):
            if outward and state & select.POLLOUT:
                del outward[: _write(sock.fileno(), outward)]
            if state & (select.POLLIN | select.POLLHUP | select.POLLERR) and len(inward) < _CHUNK:
                data = _read(sock.fileno())
                sock_open = data != b""
                inward += data or b""


def _read(descriptor: int) -> bytes | None:
    """None: nothing there now. b"": the end, however it came."""
    try:
        return os.read(descriptor, _CHUNK)
    except BlockingIOError:
        return None
    except ConnectionResetError:
        return b""


def _write(descriptor: int, data: bytearray) -> int:
    try:
        return os.write(descriptor, data)
    except BlockingIOError:
        return 0


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="virt-ssh-helper", description="Connects standard input and output to the daemon that serves URI."
    )
    parser.add_argument("-r", "--readonly", action="store_true", help="connect to the read-only socket")
    parser.add_argument("--socket", type=Path, metavar="PATH", help="connect there, whatever the URI says")
    parser.add_argument("-V", "--version", action="version", version="virt-ssh-helper (pyvirtd)")
    parser.add_argument("uri", metavar="URI", nargs="?", default="")
    options = parser.parse_args(argv)
    try:
        paths = [options.socket] if options.socket else candidates(
            options.uri, readonly=options.readonly, environ=os.environ, uid=os.getuid()
        )
        with connect(paths) as sock:
            pump(sock, 0, 1)
    except (OSError, ValueError) as error:
        print(f"virt-ssh-helper: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
