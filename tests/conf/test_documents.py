"""Documents other than domains, held against the corpus: rates reached are floors, laws hold for every input."""

from __future__ import annotations

import pytest

from pyvirtd.errors import VirtError
from tests.conf import documents, makers

pytestmark = pytest.mark.skipif(not documents.place().is_dir(), reason="the shared corpus is not beside the repository")

# kind: (same documents, same error codes) at least
FLOORS = {
    "network": (1.0, 1.0),
    "pool": (1.0, 1.0),
    "volume": (1.0, 1.0),
    "nwfilter": (1.0, 1.0),
    "secret": (1.0, 1.0),
    "interface": (1.0, 1.0),
    "snapshot": (1.0, 0.94),  # that QEMU has no <bootloader>, the driver says
    "checkpoint": (1.0, 1.0),
}
VALIDATED_FLOORS = {
    "network": (1.0, 1.0),
    "pool": (1.0, 0.87),
    "nwfilter": (1.0, 0.92),
    "secret": (1.0, 1.0),
    "interface": (1.0, 1.0),
    "snapshot": (1.0, 0.88),
}
EXPECTED_FLOORS = {
    "network": 1.0,
    "pool": 1.0,
    "backup": 1.0,
    "nodedev": 1.0,
    "nwfilter": 0.92,  # quirks-invalid: 9.0.0 prints negated matches first
}


@pytest.mark.parametrize("kind", FLOORS)
def test_as_the_real_daemon(kind: str) -> None:
    found = documents.verdicts(kind)
    got = documents.rates(found)
    same, codes = FLOORS[kind]
    assert got.accepted + got.refused > 0
    assert got.same >= same, [verdict for verdict in found if verdict.kind in ("different", "refused")]
    assert got.codes >= codes, [verdict for verdict in found if verdict.kind in ("taken", "other code")]


@pytest.mark.parametrize("kind", VALIDATED_FLOORS)
def test_validated_as_by_the_real_daemon(kind: str) -> None:
    found = documents.validated(kind)
    same, codes = VALIDATED_FLOORS[kind]
    got = documents.rates(found)
    assert got.same >= same, [verdict for verdict in found if verdict.kind == "refused"]
    assert got.codes >= codes, [verdict for verdict in found if verdict.kind in ("taken", "other code")]


@pytest.mark.parametrize("kind", EXPECTED_FLOORS)
def test_as_libvirts_own_tests_expect(kind: str) -> None:
    found = documents.expected(kind)
    assert documents.rates(found).same >= EXPECTED_FLOORS[kind], [v for v in found if v.kind != "same"]


@pytest.mark.parametrize("kind", makers.ROUND)
def test_printing_settles(kind: str) -> None:
    """What is printed reads as the same model, and prints the same."""
    parse, format = makers.ROUND[kind]
    count = 0
    for path in sorted((documents.place() / "corpus" / kind / "in").glob("*.xml")):
        try:
            model = parse(path.read_bytes())
        except VirtError:
            continue
        text = format(model)
        again = parse(text)
        assert again == model, path.name
        assert format(again) == text, path.name
        count += 1
    assert count
