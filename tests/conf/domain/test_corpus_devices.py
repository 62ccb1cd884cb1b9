"""Devices of the real libvirtd's own output print again byte for byte."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from lxml import etree

from pyvirtd.conf.domain.devices import DEVICE_CLASSES
from pyvirtd.conf.xml import Dump, format, read

TOP = Path(__file__).resolve().parents[3]
SHARED = Path(os.environ.get("PYVIRTD_SHARED", TOP.parent / "shared"))
ORACLE = SHARED / "corpus" / "domain-qemu" / "oracle"
FLAGS = Dump.INACTIVE | Dump.SECURE


def _devices() -> Iterator[tuple[str, str, str]]:
    """(where from, tag, text with libvirt's indentation) of every device in the oracle's normalised documents."""
    for path in sorted(ORACLE.glob("*.json")):
        for variant in json.loads(path.read_text()).get("variants", {}).values():
            lines = variant.get("xml", {}).get("xml")
            if not variant.get("xml", {}).get("ok") or not lines:
                continue
            devices = etree.fromstring("\n".join(lines)).find("devices")
            if devices is None:
                continue
            found = [element for element in devices if isinstance(element.tag, str)]
            end = lines.index("  </devices>")
            stops = [element.sourceline - 1 for element in found[1:]] + [end]
            for element, stop in zip(found, stops, strict=True):
                if element.tag != "emulator":
                    text = "\n".join(lines[element.sourceline - 1 : stop]) + "\n"
                    yield f"{path.name}:{element.sourceline}", element.tag, text


@pytest.mark.skipif(not ORACLE.is_dir(), reason="the shared corpus is not here (PYVIRTD_SHARED)")
def test_devices_of_the_real_libvirtd_print_again() -> None:
    wrong: list[str] = []
    count = 0
    for where, tag, text in _devices():
        if tag not in DEVICE_CLASSES:
            wrong.append(f"{where}: <{tag}> is not declared")
            continue
        count += 1
        device = read(DEVICE_CLASSES[tag], etree.fromstring(text), FLAGS)
        if format(device, FLAGS, indent=4) != text:
            wrong.append(f"{where}: {text}")
        twin = device.copy()
        assert twin == device
        assert twin is not device
    assert count > 5000
    assert not wrong, f"{len(wrong)} of {count}:\n" + "\n".join(wrong[:5])
