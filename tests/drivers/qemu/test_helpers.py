"""Words for the programs beside a guest."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from pyvirtd.conf.domain.interface import Interface
from pyvirtd.conf.xml import parse
from pyvirtd.drivers.qemu.helpers import _forwards
from pyvirtd.host.procfile import listens


@pytest.mark.parametrize(("xml", "words"), [
    ("<portForward proto='tcp'/>", ["--tcp-ports", "all"]),
    ("<portForward proto='udp'><range start='53'/></portForward>", ["--udp-ports", "53"]),
    ("<portForward proto='tcp' address='127.0.0.1' dev='lo'><range start='80' end='89' to='8080'/>"
     "<range start='85' exclude='yes'/></portForward>", ["--tcp-ports", "127.0.0.1%lo/80-89:8080-8089,~85"]),
])  # fmt: skip
def test_forwarded_ports(xml: str, words: list[str]) -> None:
    assert _forwards(parse(Interface, f"<interface type='user'>{xml}</interface>")) == words


def test_a_bound_socket_does_not_listen_yet(tmp_path: Path) -> None:
    path = tmp_path / "s"
    assert not listens(str(path))
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(path))
        assert not listens(str(path))
        sock.listen(1)
        assert listens(str(path))
