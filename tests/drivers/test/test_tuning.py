"""Memory, vCPUs, I/O threads and limits: what is set is told again, and in the XML."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from pyvirtd.errors import InvalidArg, OperationInvalid
from pyvirtd.protocol.types import DomainRef, UInt, ULLong
from tests.drivers.test.conftest import Bench

LIVE, CONFIG, MAXIMUM = 1, 2, 4


async def test_memory(bench: Bench) -> None:
    await bench.conn.domain_set_memory_flags(bench.test, 1024, LIVE)
    assert bench.conn.domain_get_info(bench.test).memory == 1024
    assert "<currentMemory unit='KiB'>2097152<" in bench.conn.domain_get_xml_desc(bench.test, 2)
    with pytest.raises(OperationInvalid):
        await bench.conn.domain_set_memory_flags(bench.test, 1024, LIVE | MAXIMUM)
    with pytest.raises(InvalidArg):
        await bench.conn.domain_set_memory_flags(bench.test, 1 << 40, LIVE)
    await bench.conn.domain_set_memory_parameters(bench.test, {"hard_limit": ULLong(9)}, 0)
    assert bench.conn.domain_get_memory_parameters(bench.test, 0)["hard_limit"] == 9


async def test_vcpus(bench: Bench) -> None:
    ref = bench.define(rest="<vcpu current='1'>4</vcpu>")
    await bench.conn.domain_set_vcpus_flags(ref, 3, CONFIG)
    assert bench.conn.domain_get_vcpus_flags(ref, CONFIG) == 3
    assert bench.conn.domain_get_vcpus_flags(ref, CONFIG | MAXIMUM) == 4
    await bench.conn.domain_pin_vcpu_flags(ref, 1, b"\x05", CONFIG)
    assert bench.conn.domain_get_vcpu_pin_info(ref, 4, 1, CONFIG).cpumaps == b"\xff\x05\xff\xff"
    with pytest.raises(InvalidArg):
        await bench.conn.domain_set_vcpus_flags(ref, 5, CONFIG)
    with pytest.raises(InvalidArg):
        await bench.conn.domain_pin_vcpu_flags(ref, 4, b"\x01", CONFIG)


async def test_one_vcpu_stays_on(bench: Bench) -> None:
    await bench.conn.domain_set_vcpu(bench.test, "1", 0, 0)
    assert bench.conn.domain_get_vcpus_flags(bench.test, 0) == 1
    with pytest.raises(InvalidArg):
        await bench.conn.domain_set_vcpu(bench.test, "0", 0, 0)
    with pytest.raises(InvalidArg):
        await bench.conn.domain_set_vcpu(bench.test, "7", 1, 0)


async def test_iothreads(bench: Bench) -> None:
    conn, ref = bench.conn, bench.test
    await conn.domain_add_iothread(ref, 3, 0)
    await conn.domain_set_iothread_params(ref, 3, {"poll_max_ns": ULLong(7)}, 0)
    assert conn.connect_get_all_domain_stats([ref], 0, 0)[0].params["iothread.3.poll-max-ns"] == 7
    await conn.domain_pin_iothread(ref, 3, b"\x01", 0)
    assert [info.cpumap for info in conn.domain_get_iothread_info(ref, 0)] == [b"\x01"]
    await conn.domain_del_iothread(ref, 3, 0)
    assert conn.domain_get_iothread_info(ref, 0) == []


async def test_limits_of_disks_and_interfaces(bench: Bench) -> None:
    limits = {"total_bytes_sec": ULLong(5), "total_bytes_sec_max": ULLong(10)}
    await bench.conn.domain_set_block_io_tune(bench.test, "vda", limits, 0)
    assert bench.conn.domain_get_block_io_tune(bench.test, "vda", 0)["total_bytes_sec"] == 5
    with pytest.raises(InvalidArg):
        await bench.conn.domain_set_block_io_tune(bench.test, "vda", {"total_bytes_sec": ULLong(11)}, 0)
    await bench.conn.domain_set_interface_parameters(bench.test, "testnet0", {"inbound.average": UInt(8)}, 0)
    assert bench.conn.domain_get_interface_parameters(bench.test, "aa:bb:cc:dd:ee:ff", 0)["inbound.average"] == 8


@pytest.mark.parametrize("call", [
    lambda b, ref: b.conn.domain_set_block_io_tune(ref, "vdz", {}, 0),
    lambda b, ref: b.conn.domain_set_interface_parameters(ref, "", {}, 0),
    lambda b, ref: b.conn.domain_set_numa_parameters(ref, {"numa_nodeset": "x"}, 0),
    lambda b, ref: b.conn.domain_set_perf_events(ref, {"nonsense": True}, 0),
    lambda b, ref: b.conn.domain_set_memory_parameters(ref, {"hard_limit": UInt(1)}, 0),
    lambda b, ref: b.conn.domain_set_scheduler_parameters_flags(ref, {"weight": ULLong(1)}, 0),
    lambda b, ref: b.conn.domain_pin_emulator(ref, b"\0", 0),
    lambda b, ref: b.conn.domain_del_iothread(ref, 1, 0),
    lambda b, ref: b.conn.domain_send_key(ref, 99, 0, [1], 0),
    lambda b, ref: b.conn.domain_fsfreeze(ref, ["/nowhere"], 0),
    lambda b, ref: b.conn.domain_set_lifecycle_action(ref, 3, 0, 0),
])  # fmt: skip
async def test_nonsense_is_refused(bench: Bench, call: Callable[[Bench, DomainRef], Awaitable[None]]) -> None:
    before = bench.conn.domain_get_xml_desc(bench.test, 0)
    with pytest.raises(InvalidArg):
        await call(bench, bench.test)
    assert bench.conn.domain_get_xml_desc(bench.test, 0) == before


async def test_freezing_counts_what_changed(bench: Bench) -> None:
    assert await bench.conn.domain_fsfreeze(bench.test, ["/"], 0) == 1
    assert await bench.conn.domain_fsfreeze(bench.test, [], 0) == 1
    assert await bench.conn.domain_fsthaw(bench.test, [], 0) == 2
