"""SMBIOS tables, well-formed and broken."""

from __future__ import annotations

import os
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyvirtd.errors import OperationFailed
from pyvirtd.host.pty import open_console
from pyvirtd.host.sysinfo import parse


def structure(kind: int, body: bytes, *strings: str) -> bytes:
    text = b"".join(s.encode() + b"\0" for s in strings) or b"\0"
    return struct.pack("<BBH", kind, 4 + len(body), kind) + body + text + b"\0"


BIOS = structure(0, b"\1\2\0\xe8\3\0" + bytes(10) + b"\x02\x0a", "SeaBIOS", "1.16.2", "04/01/2014")
UUID = bytes(range(16))
SYSTEM = structure(1, b"\1\2\3\0" + UUID + b"\6\0\4", "QEMU", "PC", "q35 ", "Server")
MEMORY = structure(17, bytes(8) + struct.pack("<H", 2048) + b"\0\0\1\0" + bytes(15), "DIMM 0")
END = structure(127, b"")


def test_a_small_table() -> None:
    info = parse(BIOS + SYSTEM + MEMORY + END)
    assert info.bios == (("vendor", "SeaBIOS"), ("version", "1.16.2"), ("date", "04/01/2014"), ("release", "2.10"))
    assert info.system == (
        ("manufacturer", "QEMU"),
        ("product", "PC"),
        ("version", "q35"),
        ("uuid", "03020100-0504-0706-0809-0a0b0c0d0e0f"),
        ("family", "Server"),
    )
    assert info.memory_devices == ((("size", "2048 MB"), ("locator", "DIMM 0")),)
    assert info.processors == ()


@given(st.binary(max_size=300))
def test_garbage_is_survived(garbage: bytes) -> None:
    parse(BIOS + garbage)


def test_a_table_cut_anywhere() -> None:
    table = BIOS + SYSTEM + MEMORY
    for n in range(len(table)):
        parse(table[:n])


def test_a_console_is_opened_raw() -> None:
    ours, theirs = os.openpty()
    fd = open_console(os.ttyname(theirs))
    os.write(ours, b"\x03\n")
    assert os.read(fd, 10) == b"\x03\n"
    assert not os.get_blocking(fd)
    for each in (ours, theirs, fd):
        os.close(each)


@pytest.mark.parametrize("path", ["/dev/null", "/etc/passwd", "/nonexistent"])
def test_what_is_no_console(path: str) -> None:
    with pytest.raises(OperationFailed, match=path):
        open_console(path)
