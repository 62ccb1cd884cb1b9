"""The directory of definitions: what a kill between any two steps leaves, and what load makes of it."""

import os
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from pyvirtd.errors import HostSystemError
from pyvirtd.store import steps
from pyvirtd.store.directory import DefinitionDirectory


class Killed(BaseException):
    """Stands for kill -9: nothing in the store may catch it."""


def document(name: str, number: int = 1) -> str:
    return f"<domain type='qemu'>\n  <name>{name}</name>\n  <uuid>{uuid.UUID(int=number)}</uuid>\n</domain>\n"


@pytest.fixture
def directory(tmp_path: Path) -> DefinitionDirectory:
    return DefinitionDirectory(tmp_path / "qemu", "domain")


@pytest.fixture
def kill_at(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], list[str]]:
    def install(n: int) -> list[str]:
        seen: list[str] = []

        def reached(what: str, path: str) -> None:
            if len(seen) == n:
                raise Killed(what)
            seen.append(what)

        monkeypatch.setattr(steps, "reached", reached)
        return seen

    return install


def loaded(directory: DefinitionDirectory) -> dict[str, bool]:
    fresh = DefinitionDirectory(directory.path, "domain")
    return {entry.name: "autostart" in entry.marks for entry in fresh.load()}


def test_save_load_remove(directory: DefinitionDirectory) -> None:
    directory.save("a", document("a"))
    directory.mark("autostart", "a")
    (entry,) = directory.load()
    assert (entry.name, entry.uuid, entry.marks) == ("a", uuid.UUID(int=1).bytes, {"autostart"})
    assert directory.read("a") == document("a").encode()
    assert directory.file("a").stat().st_mode & 0o777 == 0o600
    assert directory.remove("a")
    assert not directory.remove("a")
    assert loaded(directory) == {}
    assert not list((directory.path / "autostart").iterdir())


@pytest.mark.parametrize("n", range(30))
def test_killed_while_renaming(directory: DefinitionDirectory, kill_at, monkeypatch, n: int) -> None:
    directory.save("old", document("old"))
    directory.mark("autostart", "old")
    kill_at(n)
    try:
        directory.rename("old", "new", document("new"))
        done = True
    except Killed:
        done = False
    monkeypatch.setattr(steps, "reached", lambda what, path: None)
    assert loaded(directory) in ([{"new": True}] if done else [{"old": True}, {"new": True}])
    assert loaded(directory) == loaded(directory)
    assert not list(directory.path.glob("*set-aside"))
    assert not list(directory.path.glob("*tmp~"))


@pytest.mark.parametrize("n", range(8))
def test_killed_while_saving(directory: DefinitionDirectory, kill_at, monkeypatch, n: int) -> None:
    directory.save("a", document("a", 1))
    seen = kill_at(n)
    try:
        directory.save("a", document("a", 2))
    except Killed:
        pass
    else:
        assert seen == ["write", "fsync", "rename", "renamed", "written"]
    monkeypatch.setattr(steps, "reached", lambda what, path: None)
    assert [entry.uuid[-1] for entry in directory.load()] in ([1], [2])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0\0\0",
        document("torn")[:-9].encode(),
        b"<network><name>n</name></network>",
        b"<domain><name>x</name></domain>",
        b"<domain><name>x</name><uuid>nope</uuid></domain>",
    ],
)
def test_unreadable_is_set_aside_with_its_content(directory: DefinitionDirectory, caplog, content: bytes) -> None:
    directory.save("good", document("good", 2))
    (directory.path / "bad.xml").write_bytes(content)
    assert loaded(directory) == {"good": False}
    (aside,) = directory.path.glob("bad.xml.*set-aside")
    assert aside.read_bytes() == content
    assert "bad.xml" in caplog.text


def test_two_files_with_one_uuid(directory: DefinitionDirectory) -> None:
    directory.save("a", document("a", 1))
    directory.save("b", document("b", 1))
    assert len(loaded(directory)) == 1
    assert len(list(directory.path.glob("*set-aside"))) == 1


def test_foreign_layout_is_understood(directory: DefinitionDirectory) -> None:
    directory.path.mkdir()
    text = f"<?xml version='1.0'?>\n<domain><uuid>{uuid.UUID(int=7)}</uuid><!-- --><name>a&amp;b</name></domain>"
    (directory.path / "a&b.xml").write_text(text)
    assert loaded(directory) == {"a&b": False}


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/b", ".hidden", "x" * 300, "ä" * 200, "tab\there", "%2F", "/"])
def test_awkward_names(directory: DefinitionDirectory, name: str) -> None:
    directory.save(name, document(name))
    directory.mark("autostart", name)
    assert directory.file(name).parent == directory.path
    assert loaded(directory) == {name: True}


def test_names_do_not_collide(directory: DefinitionDirectory) -> None:
    names = ["a/b", "a%2Fb", "a%252Fb", "x" * 300, "x" * 301]
    assert len({directory.file(name) for name in names}) == len(names)


def test_failed_write_leaves_the_old(directory: DefinitionDirectory, monkeypatch) -> None:
    directory.save("a", document("a", 1))

    def full(fd: int, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.write", full)
    with pytest.raises(HostSystemError, match=r"a\.xml: No space left on device"):
        directory.save("a", document("a", 2))
    monkeypatch.undo()
    assert directory.read("a") == document("a", 1).encode()
    assert sorted(path.name for path in directory.path.iterdir()) == ["a.xml"]


@pytest.mark.parametrize("kind", ["directory", "fifo", "endless", "dangling", "huge"])
def test_what_is_no_file_is_set_aside_and_harms_nobody(directory: DefinitionDirectory, caplog, kind: str) -> None:
    directory.save("good", document("good"))
    bad = directory.path / "bad.xml"
    if kind == "directory":
        bad.mkdir()
    elif kind == "fifo":
        os.mkfifo(bad)
    elif kind == "endless":
        bad.symlink_to("/dev/zero")
    elif kind == "dangling":
        bad.symlink_to("nowhere")
    else:
        with open(bad, "wb") as file:
            file.truncate((16 << 20) + 1)
    assert [entry.name for entry in directory.load()] == ["good"]
    assert len(list(directory.path.glob("bad.xml.*set-aside"))) == 1
    assert "bad.xml" in caplog.text
