"""Words of a command line as monitor commands: each has what undoes it."""

from __future__ import annotations

import pytest

from pyvirtd.drivers.qemu.command.words import escape
from pyvirtd.drivers.qemu.hotplug.words import chardev, commands, split
from pyvirtd.errors import OperationUnsupported


@pytest.mark.parametrize("value", ["plain", "a,b", ",", ",,", "a,", ",a", "a,,,b", "x=y,z"])
def test_commas_of_values(value: str) -> None:
    assert split(f"pty,k={escape(value)},l=1") == ["pty", f"k={value}", "l=1"]


def test_a_disk() -> None:
    node, device = '{"driver":"raw","node-name":"n","backing":null}', '{"id":"d","drive":"n"}'
    done = commands(["-blockdev", node, "-device", device])
    assert [(c.name, c.undo) for c in done] == [
        ("blockdev-add", ("blockdev-del", {"node-name": "n"})), ("device_add", ("device_del", {"id": "d"})),
    ]  # fmt: skip
    assert done[0].arguments["backing"] is None


def test_descriptors_go_ahead_by_name() -> None:
    first, second, netdev = commands(["-netdev", '{"type":"tap","fds":"7:8","id":"hostnet0"}'])
    assert [first.fd, second.fd] == [7, 8]
    names = [first.arguments["fdname"], second.arguments["fdname"]]
    assert netdev.arguments["fds"] == ":".join(names)
    assert len(set(names)) == 2
    (added,) = commands(["-add-fd", "set=5,fd=9"])
    assert (added.arguments, added.fd, added.undo) == ({"fdset-id": 5}, 9, ("remove-fd", {"fdset-id": 5}))


@pytest.mark.parametrize(("word", "kind", "data"), [
    ("pty,id=charx", "pty", {}),
    ("file,id=charx,path=/a,,b,append=on,logfile=/l,logappend=off", "file",
     {"out": "/a,b", "append": True, "logfile": "/l", "logappend": False}),
    ("socket,id=charx,path=/s,server=on,wait=off", "socket",
     {"addr": {"type": "unix", "data": {"path": "/s"}}, "server": True, "wait": False}),
    ("socket,id=charx,host=h,port=1,telnet=on,reconnect=3", "socket",
     {"addr": {"type": "inet", "data": {"host": "h", "port": "1"}}, "server": False, "telnet": True, "reconnect": 3}),
    ("udp,id=charx,host=h,port=1,localaddr=,localport=2", "udp",
     {"remote": {"type": "inet", "data": {"host": "h", "port": "1"}},
      "local": {"type": "inet", "data": {"host": "", "port": "2"}}}),
    ("spicevmc,id=charx,name=vdagent", "spicevmc", {"type": "vdagent"}),
])
def test_character_devices(word: str, kind: str, data: dict[str, object]) -> None:
    assert chardev(word) == {"id": "charx", "backend": {"type": kind, "data": data}}


def test_what_no_command_can_do() -> None:
    for words in (["-global", "x=y"], ["-chardev", "stdio,id=charx"], ["-serial", "chardev:x"]):
        with pytest.raises(OperationUnsupported):
            commands(words)
