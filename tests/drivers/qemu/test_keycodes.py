"""Key codes of all sets: the same key has the same number for QEMU."""

from __future__ import annotations

import pytest

from pyvirtd.drivers.qemu.keycodes import HIGHEST, NAMES, to_qnum
from pyvirtd.protocol.constants.domain import KeycodeSet as Set

ENTER = {Set.LINUX: 28, Set.XT: 0x1C, Set.ATSET1: 0x1C, Set.ATSET2: 0x5A, Set.ATSET3: 0x5A, Set.OSX: 0x24,
         Set.XT_KBD: 28, Set.USB: 40, Set.WIN32: 0x0D, Set.QNUM: 0x1C}
A = {Set.LINUX: 30, Set.XT: 0x1E, Set.ATSET1: 0x1E, Set.ATSET2: 0x1C, Set.ATSET3: 0x1C, Set.OSX: 0, Set.XT_KBD: 30,
     Set.USB: 4, Set.WIN32: 0x41, Set.QNUM: 0x1E}
DELETE = {Set.LINUX: 111, Set.OSX: 0x75, Set.USB: 76, Set.WIN32: 0x2E, Set.QNUM: 0xD3}


@pytest.mark.parametrize(("codes", "number"), [(ENTER, 0x1C), (A, 0x1E), (DELETE, 0xD3)])
def test_a_key_in_every_set(codes: dict[int, int], number: int) -> None:
    assert {codeset: to_qnum(codeset, code) for codeset, code in codes.items()} == dict.fromkeys(codes, number)


def test_keys_that_no_set_has() -> None:
    assert to_qnum(Set.WIN32, 0xFFFF) is None
    assert to_qnum(Set.LINUX, 10_000) is None


@pytest.mark.parametrize("codeset", range(len(NAMES)))
def test_numbers_are_ones_that_qemu_takes(codeset: int) -> None:
    found = [number for code in range(0x400) if (number := to_qnum(codeset, code)) is not None]
    assert len(found) > 90
    assert min(found) >= 0
    assert max(found) <= HIGHEST
