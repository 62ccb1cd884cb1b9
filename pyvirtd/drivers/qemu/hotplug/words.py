"""Words of a command line as the monitor commands that do the same to a running guest, and what undoes each."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, Final

from pyvirtd.errors import OperationUnsupported

_FD_KEYS: Final = ("fd", "fds", "vhostfd", "vhostfds")
_numbers = count(1)


@dataclass(slots=True)
class Command:
    """A monitor command; `fd` goes along with it; `undo` is what takes back what it did."""

    name: str
    arguments: dict[str, Any]
    fd: int | None = None
    undo: tuple[str, dict[str, Any]] | None = None


def commands(words: Sequence[str]) -> list[Command]:
    """The commands for `-option value` pairs, in order. Raises OperationUnsupported for what no command can do."""
    found: list[Command] = []
    for option, value in zip(words[::2], words[1::2], strict=True):
        found += _command(option, value)
    return found


def _command(option: str, value: str) -> Iterator[Command]:
    match option:
        case "-blockdev":
            props = json.loads(value)
            yield Command("blockdev-add", props, undo=("blockdev-del", {"node-name": props["node-name"]}))
        case "-object":
            props = json.loads(value)
            yield Command("object-add", props, undo=("object-del", {"id": props["id"]}))
        case "-device":
            props = json.loads(value)
            yield Command("device_add", props, undo=("device_del", {"id": props.get("id", "")}))
        case "-netdev":
            props = json.loads(value)
            yield from _descriptors(props)
            yield Command("netdev_add", props, undo=("netdev_del", {"id": props["id"]}))
        case "-chardev":
            arguments = chardev(value)
            yield Command("chardev-add", arguments, undo=("chardev-remove", {"id": arguments["id"]}))
        case "-add-fd":
            pairs = dict(word.split("=", 1) for word in value.split(","))
            number = {"fdset-id": int(pairs["set"])}
            yield Command("add-fd", number, fd=int(pairs["fd"]), undo=("remove-fd", number))
        case "-watchdog-action":
            yield Command("watchdog-set-action", {"action": value})
        case _:
            raise OperationUnsupported(f"a device that needs QEMU's option {option} cannot be plugged in")


def _descriptors(props: dict[str, Any]) -> Iterator[Command]:
    """Descriptors go ahead under names; the network backend then has the names in place of numbers."""
    for key in _FD_KEYS:
        if key in props:
            names = []
            for fd in str(props[key]).split(":"):
                names.append(f"plugged{next(_numbers)}")
                yield Command("getfd", {"fdname": names[-1]}, fd=int(fd), undo=("closefd", {"fdname": names[-1]}))
            props[key] = ":".join(names)


def split(value: str) -> list[str]:
    """The words of a key=value list; a doubled comma is one that belongs to a value."""
    return [part.replace("\0", ",") for part in value.replace(",,", "\0").split(",")]


def chardev(value: str) -> dict[str, Any]:
    """Arguments of chardev-add for a -chardev word (QEMU's QAPI reference, ChardevBackend)."""
    kind, *words = split(value)
    given = dict(word.split("=", 1) for word in words)
    ident = given.pop("id")
    common: dict[str, Any] = {}
    if "logfile" in given:
        common["logfile"] = given["logfile"]
        if "logappend" in given:
            common["logappend"] = given["logappend"] == "on"
    return {"id": ident, "backend": {"type": kind, "data": {**_backend(kind, given), **common}}}


def _backend(kind: str, given: dict[str, str]) -> dict[str, Any]:
    match kind:
        case "null" | "pty":
            return {}
        case "file":
            append = {"append": given["append"] == "on"} if "append" in given else {}
            return {"out": given["path"], **append}
        case "serial" | "parallel" | "pipe":
            return {"device": given["path"]}
        case "socket":
            return _socket(given)
        case "udp":
            local = {"local": _inet(given["localaddr"], given["localport"])} if "localport" in given else {}
            return {"remote": _inet(given["host"], given["port"]), **local}
        case "spicevmc":
            return {"type": given["name"]}
        case "spiceport":
            return {"fqdn": given["name"]}
        case "dbus":
            return {"name": given["name"]}
        case "qemu-vdagent":
            return {"clipboard": given.get("clipboard") == "on", "mouse": given.get("mouse") == "on"}
        case _:
            raise OperationUnsupported(f"a character device of type {kind} cannot be plugged in")


def _inet(host: str, port: str) -> dict[str, Any]:
    return {"type": "inet", "data": {"host": host, "port": port}}


def _socket(given: dict[str, str]) -> dict[str, Any]:
    address: dict[str, Any]
    if "path" in given:
        address = {"type": "unix", "data": {"path": given["path"]}}
    elif "fd" in given:
        raise OperationUnsupported("a socket that the client opened cannot be plugged in")
    else:
        address = _inet(given["host"], given["port"])
    data: dict[str, Any] = {"addr": address, "server": given.get("server") == "on"}
    for name in ("wait", "telnet", "tn3270", "websocket", "nodelay"):
        if name in given and (name != "wait" or data["server"]):
            data[name] = given[name] == "on"
    if "reconnect" in given:
        data["reconnect"] = int(given["reconnect"])
    if "tls-creds" in given:
        data["tls-creds"] = given["tls-creds"]
    return data
