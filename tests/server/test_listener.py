import asyncio
import os
import socket
import stat
from pathlib import Path

import pytest

from pyvirtd.errors import OpenFailed
from pyvirtd.server.listener import Listener, bind_unix


async def test_mode_is_final_before_it_listens_and_the_file_goes_away(tmp_path: Path) -> None:
    path = tmp_path / "s"
    sock = bind_unix(path, mode=0o660, group="root")
    status = path.stat()
    assert stat.S_IMODE(status.st_mode) == 0o660
    with socket.socket(socket.AF_UNIX) as client, pytest.raises(ConnectionRefusedError):
        client.connect(str(path))
    got: list[socket.socket] = []
    listener = Listener(sock, got.append, path=path)
    listener.start()
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        await asyncio.sleep(0.02)
        assert len(got) == 1
        listener.pause()
        with socket.socket(socket.AF_UNIX) as second:
            second.connect(str(path))
            await asyncio.sleep(0.02)
            assert len(got) == 1
            listener.resume()
            await asyncio.sleep(0.02)
            assert len(got) == 2
    for each in got:
        each.close()
    listener.close()
    listener.close()
    assert not path.exists()


async def test_somebody_elses_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "s"
    listener = Listener(bind_unix(path, mode=0o600), lambda sock: sock.close(), path=path)
    listener.start()
    os.rename(path, tmp_path / "moved")
    path.write_text("other")
    listener.close()
    assert path.read_text() == "other"


def test_stale_is_replaced_and_held_says_who(tmp_path: Path) -> None:
    path = tmp_path / "s"
    first = bind_unix(path, mode=0o600)
    first.listen()
    with pytest.raises(OpenFailed, match=rf"\(pid {os.getpid()}\), holds the socket '{path}'.*--socket-dir"):
        bind_unix(path, mode=0o600)
    first.close()
    bind_unix(path, mode=0o600).close()


def test_a_full_backlog_is_somebody(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as busy, socket.socket(socket.AF_UNIX) as client:
        busy.bind(str(path))
        busy.listen(0)
        client.connect(str(path))
        with pytest.raises(OpenFailed, match="holds the socket"):
            bind_unix(path, mode=0o600)


def test_what_is_in_the_way(tmp_path: Path) -> None:
    path = tmp_path / "s"
    path.write_text("mine")
    with pytest.raises(OpenFailed, match="is no socket"):
        bind_unix(path, mode=0o600)
    assert path.read_text() == "mine"
    with pytest.raises(OpenFailed, match="No such file"):
        bind_unix(tmp_path / "absent" / "s", mode=0o600)
    with pytest.raises(OpenFailed, match="longer than the 107"):
        bind_unix(tmp_path / ("x" * 108), mode=0o600)
    with pytest.raises(OpenFailed, match="'no-such-group'"):
        bind_unix(tmp_path / "t", mode=0o600, group="no-such-group")
