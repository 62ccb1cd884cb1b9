"""Connection URIs: where the socket is, and what the daemon is asked to open."""

from __future__ import annotations

import os
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from pyvirtd.errors import InvalidArg


class Target(NamedTuple):
    """`socket` is the path to connect to, `name` the URI for connect_open."""

    socket: str
    name: str


def target(uri: str, *, readonly: bool = False) -> Target:
    """Resolve a URI such as qemu:///system or test+unix:///default?socket=/path. InvalidArg for other transports."""
    parts = urlsplit(uri)
    scheme, _, transport = parts.scheme.partition("+")
    if transport not in ("", "unix") or parts.netloc:
        raise InvalidArg(f"{uri}: this client speaks over UNIX sockets; use {scheme}+unix:///...?socket=PATH")
    query = dict(parse_qsl(parts.query))
    path = query.pop("socket", None) or default_socket(parts.path, readonly=readonly)
    return Target(path, urlunsplit((scheme, "", parts.path, urlencode(query), "")).replace(":/", ":///", 1))


def default_socket(path: str, *, readonly: bool) -> str:
    """Libvirt's well-known socket: of the system daemon, or of the user's own for /session."""
    name = "libvirt-sock-ro" if readonly else "libvirt-sock"
    if path != "/session":
        return f"/run/libvirt/{name}"
    runtime = os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}"
    return f"{runtime}/libvirt/libvirt-sock"
