"""-chardev: the host's side of serial ports, channels, smartcards, redirected USB and rng daemons."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyvirtd.drivers.qemu.command.words import option_word
from pyvirtd.errors import ConfigUnsupported, InternalError

if TYPE_CHECKING:
    from pyvirtd.conf.domain.chardev import Backend, ChardevSource
    from pyvirtd.drivers.qemu.command.builder import Builder

Pair = tuple[str, str | int | bool | None]


def add_chardev(b: Builder, backend: Backend, alias: str, *, default_path: str = "", wait: bool = False) -> str:
    """Adds the -chardev of that device alias; answers its id, `char<alias>`.

    `default_path` is where a unix socket without a path is made. A socket that listens doesn't hold up the start
    (wait=off) unless `wait`.
    """
    ident = f"char{alias}"
    source = backend.source
    pairs: list[Pair] = [("id", ident)]
    head: str
    match backend.type:
        case "null" | "vc" | "pty" | "stdio":
            head = backend.type
        case "dev":
            head = "parallel" if alias.startswith("parallel") else "serial"
            pairs.append(("path", _path(source, alias)))
        case "file":
            head = "file"
            fd = b.context.chardev_files.get(alias)
            pairs.append(("path", b.fdset(fd, f"{alias}-source") if fd is not None else _path(source, alias)))
            append = source.append if source is not None else None
            # What we opened is at its right end; QEMU must not cut it off.
            pairs.append(("append", True if fd is not None else append))
        case "pipe":
            head = "pipe"
            pairs.append(("path", _path(source, alias)))
        case "udp":
            head = "udp"
            pairs += udp_pairs(backend, alias)
        case "tcp":
            head = "socket"
            pairs += tcp_pairs(b, backend, alias, wait)
        case "unix":
            head = "socket"
            pairs += unix_pairs(b, backend, alias, default_path, wait)
        case "spicevmc":
            head = "spicevmc"
            pairs.append(("name", spice_name(alias)))
        case "spiceport":
            head = "spiceport"
            pairs.append(("name", source.channel if source is not None else None))
        case "qemu-vdagent":
            head = "qemu-vdagent"
            pairs.append(("name", "vdagent"))
            pairs.append(("clipboard", bool(source.copypaste) if source and source.copypaste is not None else False))
            mouse = source.mouse if source is not None else None
            pairs.append(("mouse", mouse == "client"))
        case "dbus":
            head = "dbus"
            pairs.append(("name", source.channel if source is not None and source.channel else dbus_name(alias)))
        case _:
            raise ConfigUnsupported(f"{alias}: QEMU has no character device backend of type '{backend.type}'")
    pairs += log_pairs(b, backend, alias)
    b.add("-chardev", option_word(head, pairs))
    return ident


def spice_name(alias: str) -> str:
    """Which SPICE channel a spicevmc backend is."""
    if alias.startswith("redir"):
        return "usbredir"
    if alias.startswith("smartcard"):
        return "smartcard"
    return "vdagent"


def dbus_name(alias: str) -> str:
    return "org.qemu.usbredir" if alias.startswith("redir") else "org.qemu.vdagent"


def _path(source: ChardevSource | None, alias: str) -> str:
    if source is None or not source.path:
        raise InternalError(f"{alias}: its <source> needs a path")
    return source.path


def log_pairs(b: Builder, backend: Backend, alias: str) -> list[Pair]:
    """The log file: through a descriptor where one was opened for us, so that QEMU need not reach it."""
    if backend.log_file is None:
        return []
    target = b.context.log_targets.get(alias)
    if target is not None and target.fd is not None:
        return [("logfile", b.fdset(target.fd, f"{alias}-log")), ("logappend", True)]
    append = backend.log_append
    return [("logfile", backend.log_file), ("logappend", append)]


def udp_pairs(backend: Backend, alias: str) -> list[Pair]:
    """Where datagrams go, and where they are awaited."""
    far, near = backend.end("connect"), backend.end("bind")
    if far is None or not far.service:
        raise InternalError(f"{alias}: a udp backend needs <source mode='connect' host=... service=.../>")
    pairs: list[Pair] = [("host", far.host or ""), ("port", far.service)]
    if near is not None and (near.host or near.service):
        pairs += [("localaddr", near.host or ""), ("localport", near.service or "0")]
    else:
        pairs += [("localaddr", ""), ("localport", "0")]
    return pairs


def tcp_pairs(b: Builder, backend: Backend, alias: str, wait: bool) -> list[Pair]:
    source = backend.source
    if source is None or not source.service:
        raise InternalError(f"{alias}: a tcp backend needs a service (port)")
    listening = source.mode == "bind"
    pairs: list[Pair] = [("host", source.host or ""), ("port", source.service)]
    if backend.protocol == "telnet":
        pairs.append(("telnet", True))
    if listening:
        pairs += [("server", True), ("wait", wait)]
    pairs += reconnect_pairs(source)
    if source.tls:
        creds = f"objchar{alias}_tls0"
        b.object(
            {
                "qom-type": "tls-creds-x509",
                "id": creds,
                "dir": b.context.tls.chardev,
                "endpoint": "server" if listening else "client",
                "verify-peer": True,
            }
        )
        pairs.append(("tls-creds", creds))
    return pairs


def unix_pairs(b: Builder, backend: Backend, alias: str, default_path: str, wait: bool) -> list[Pair]:
    source = backend.source
    listening = source is None or not source.path or source.mode == "bind"
    path = (source.path if source is not None else None) or default_path
    if not path:
        raise InternalError(f"{alias}: a unix backend needs a path")
    fd = b.context.chardev_fds.get(alias)
    if listening and fd is not None:
        return [("fd", b.inherit(fd)), ("server", True), ("wait", wait)]
    pairs: list[Pair] = [("path", path)]
    if listening:
        pairs += [("server", True), ("wait", wait)]
    return pairs + reconnect_pairs(source)


def reconnect_pairs(source: ChardevSource | None) -> list[Pair]:
    if source is None or source.reconnect is None:
        return []
    if source.reconnect.enabled:
        return [("reconnect", source.reconnect.timeout)]
    return [("reconnect", 0)] if source.reconnect.enabled is False else []
