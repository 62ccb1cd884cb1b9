"""Devices of what the real libvirtd printed, one by one; and inputs of other drivers."""

from __future__ import annotations

import pytest

from pyvirtd.conf.domain.devices import DEVICE_CLASSES, parse_device
from pyvirtd.conf.domain.domain import parse_domain
from pyvirtd.conf.xml import Dump, format
from tests.conf import corpus

pytestmark = pytest.mark.skipif(not corpus.place().is_dir(), reason="the shared corpus is not beside the repository")

def test_every_device_copies_and_is_read_alone() -> None:
    seen: set[str] = set()
    for _, xml, _ in corpus.printed("domain-qemu", ("xml",)):
        for device in parse_domain(xml).devices.all():
            twin = device.copy()
            assert twin == device
            assert twin is not device
            if type(device).TAG not in seen:
                seen.add(type(device).TAG)
                text = format(device, Dump.SECURE)
                assert format(parse_device(text, 0), Dump.SECURE) == text
    assert len(seen) > 20
    assert seen <= set(DEVICE_CLASSES)


@pytest.mark.parametrize("kind", ["domain-xen", "bhyve", "device"])
def test_inputs_of_other_drivers_parse(kind: str) -> None:
    read = 0
    for path in sorted((corpus.place() / kind / "in").glob("*.xml")):
        text = path.read_bytes()
        if b"<domain " in text:
            parse_domain(text)
        else:
            parse_device(text)
        read += 1
    assert read > 10
