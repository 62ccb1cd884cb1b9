"""Devices in and out, in the running domain, in its definition, or in both alike."""

from __future__ import annotations

import pytest

from pyvirtd.errors import ArgumentUnsupported, DeviceMissing, OperationInvalid, VirtError
from tests.drivers.test.conftest import Bench

LIVE, CONFIG = 1, 2
NIC = "<interface type='network'><source network='default'/></interface>"
DISK = "<disk type='file'><source file='/x'/><target dev='vdb' bus='virtio'/></disk>"


async def test_a_card_has_one_address_in_both(bench: Bench) -> None:
    await bench.conn.domain_attach_device_flags(bench.test, NIC, LIVE | CONFIG)
    dumps = [bench.conn.domain_get_xml_desc(bench.test, flags) for flags in (0, 2)]
    found = [[line for line in dump.splitlines() if "52:54:00" in line] for dump in dumps]
    assert len(found[0]) == 1
    assert found[0] == found[1]
    assert all("testnet1" in dump for dump in dumps)


async def test_disks(bench: Bench) -> None:
    conn = bench.conn
    await conn.domain_attach_device_flags(bench.test, DISK, LIVE)
    assert "vdb" not in conn.domain_get_xml_desc(bench.test, 2)
    with pytest.raises(VirtError):
        await conn.domain_attach_device_flags(bench.test, DISK, LIVE)
    with pytest.raises(DeviceMissing):
        await conn.domain_detach_device_flags(bench.test, DISK, CONFIG)
    await conn.domain_detach_device_flags(bench.test, DISK, LIVE)
    assert "vdb" not in conn.domain_get_xml_desc(bench.test, 0)
    with pytest.raises(VirtError):
        await conn.domain_attach_device_flags(bench.test, "<nonsense/>", LIVE)


async def test_all_or_nothing(bench: Bench) -> None:
    conn = bench.conn
    await conn.domain_attach_device_flags(bench.test, DISK, CONFIG)
    before = conn.domain_get_xml_desc(bench.test, 0)
    with pytest.raises(VirtError):
        await conn.domain_attach_device_flags(bench.test, DISK, LIVE | CONFIG)
    assert conn.domain_get_xml_desc(bench.test, 0) == before
    with pytest.raises(OperationInvalid):
        await conn.domain_attach_device_flags(bench.define(), NIC, LIVE)


async def test_signals(bench: Bench) -> None:
    with pytest.raises(ArgumentUnsupported):
        await bench.conn.domain_send_process_signal(bench.test, 2, 9, 0)
    await bench.conn.domain_send_process_signal(bench.test, 1, 15, 0)
    assert bench.conn.domain_is_active(bench.test) == 0
