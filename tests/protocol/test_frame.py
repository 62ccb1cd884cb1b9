"""Frames cut out of byte streams."""

import pytest

from pyvirtd.protocol import frame


def message(body: bytes = b"", kind: int = frame.CALL, files: int = 0) -> bytes:
    return frame.encode_message(0x20008086, 1, 23, kind, 7, frame.OK, body, files)


def test_whole_messages_come_out_at_once() -> None:
    got = frame.Framer().feed(message(b"abcd") + message())
    assert [m.body for m in got] == [b"abcd", b""]
    assert got[0][:6] == (0x20008086, 1, 23, frame.CALL, 7, frame.OK)


def test_bytes_may_come_one_by_one() -> None:
    framer = frame.Framer()
    got = [m for byte in message(b"abcd") + message(b"efgh") for m in framer.feed(bytes([byte]))]
    assert [m.body for m in got] == [b"abcd", b"efgh"]
    assert framer.pending == 0


def test_file_descriptors_follow_their_message() -> None:
    framer = frame.Framer()
    wire = message(b"abcd", frame.CALL_WITH_FILES, 2)
    assert framer.feed(wire) == []
    assert framer.feed(b"\0", [40]) == []
    (got,) = framer.feed(b"\0" + message(b"next"), [41])[:1]
    assert got.files == (40, 41)
    assert got.body == b"abcd"
    assert framer.take_files() == []


@pytest.mark.parametrize(
    "wire",
    [
        b"\0\0\0\x1b" + bytes(28),
        b"\xff\xff\xff\xff",
        b"\x02\x00\x00\x05",
        message(b"", frame.CALL_WITH_FILES, 33),
        message(kind=frame.CALL_WITH_FILES)[:3] + b"\x1c" + message(kind=frame.CALL_WITH_FILES)[4:28],
    ],
    ids=["too short", "huge", "past the limit", "33 files", "no count of files"],
)
def test_nonsense_breaks_the_connection(wire: bytes) -> None:
    with pytest.raises(frame.BrokenFrame):
        frame.Framer().feed(wire)


def test_announced_files_must_come() -> None:
    with pytest.raises(frame.BrokenFrame):
        frame.Framer().feed(message(b"", frame.CALL_WITH_FILES, 1) + b"\0")


def test_files_that_nobody_announced_break_the_connection() -> None:
    framer = frame.Framer()
    with pytest.raises(frame.BrokenFrame):
        framer.feed(message(), [7])
    assert framer.take_files() == [7]


def test_files_of_messages_that_nobody_sees_are_given_back() -> None:
    framer = frame.Framer()
    framer.feed(message(b"", frame.CALL_WITH_FILES, 1))
    with pytest.raises(frame.BrokenFrame):
        framer.feed(b"\0" + bytes(8), [9])
    assert framer.take_files() == [9]
