"""Drivers bound to their declarations: what is there, what is refused, what goes through what."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from pyvirtd.errors import InvalidArg, OperationDenied
from pyvirtd.protocol.bind import BoundCall, bind
from pyvirtd.protocol.calls import Passed, supports
from pyvirtd.protocol.codec import args_encoder, reply_decoder
from pyvirtd.protocol.constants.domain import DomainDestroyFlags, DomainInterfaceAddressesSource, DomainXMLFlags
from pyvirtd.protocol.fragments import encoded, encoded_list, encoded_params
from pyvirtd.protocol.qemu import QemuCalls
from pyvirtd.protocol.remote.domain import DomainStatsRecord
from pyvirtd.protocol.remote.hypervisor import HypervisorCalls
from pyvirtd.protocol.remote.limits import REMOTE
from pyvirtd.protocol.types import DomainRef, TypedParams, ULLong

REFS = [DomainRef("on", bytes(16), 3), DomainRef("off", bytes(range(16)), -1)]
STATS: TypedParams = {"state.state": 1, "cpu.time": ULLong(7)}


class Driver(HypervisorCalls, QemuCalls):
    """A driver of very little."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def domain_lookup_by_name(self, name: str) -> DomainRef:
        return REFS[0]

    @supports(0xFFFF)
    def connect_list_all_domains(self, flags: int) -> list[DomainRef]:
        return [ref for ref in REFS if flags in (0, 1 if ref.id >= 0 else 2)]

    @supports(DomainDestroyFlags.GRACEFUL)
    async def domain_destroy_flags(self, dom: DomainRef, flags: int) -> None:
        self.seen.append((dom, flags))

    async def domain_create_with_files(self, dom: DomainRef, flags: int, files: list[int]) -> DomainRef:
        self.seen.append(files)
        return dom

    @supports(DomainXMLFlags.SECURE | DomainXMLFlags.INACTIVE)
    def domain_get_xml_desc(self, dom: DomainRef, flags: int) -> str:
        return "<domain/>"

    def domain_interface_addresses(self, dom: DomainRef, source: int, flags: int) -> list[Any]:
        return []

    def connect_get_all_domain_stats(self, doms: list[DomainRef], stats: int, flags: int) -> list[DomainStatsRecord]:
        return [encoded(DomainStatsRecord(REFS[0], encoded_params(STATS)))]

    def domain_monitor_command_with_files(self, dom: DomainRef, cmd: str, flags: int, files: list[int]) -> Passed[str]:
        return Passed(cmd, files)


def bound(name: str, *, readonly: bool = False) -> BoundCall:
    call = Driver.calls[name]
    return bind(Driver(), readonly=readonly)[call.program][call.number]


def ask(name: str, *args: Any, readonly: bool = False, asked: int | None = None) -> Any:
    """The call from the client's arguments to the client's result, async ones included."""
    call = bound(name, readonly=readonly)
    given, encode = call.decode(args_encoder(call.wire)(*args, **({} if asked is None else {"asked": asked})))
    result = call.method(*given)

    async def wait() -> Any:
        return await result

    return reply_decoder(call.wire)(encode(asyncio.run(wait()) if call.is_async else result))


def test_what_is_not_overridden_is_absent() -> None:
    tables = bind(Driver())
    names = {call.name for call in tables[REMOTE].values()}
    assert "domain_lookup_by_name" in names
    assert "domain_lookup_by_uuid" not in names
    assert bind(HypervisorCalls()) == {}


def test_old_calls_stand_on_the_new_ones() -> None:
    assert ask("connect_num_of_domains") == 1
    assert ask("connect_list_domains") == [3]
    assert ask("connect_list_defined_domains") == ["off"]
    assert bound("domain_destroy").is_async
    assert ask("domain_destroy", REFS[0]) is None
    assert ask("domain_create", REFS[0]) is None
    assert ask("domain_create_with_flags", REFS[0], 0) == REFS[0]
    assert ask("domain_monitor_command", REFS[0], "info") == "info"


def test_flags_are_masked_before_the_driver() -> None:
    ask("domain_destroy_flags", REFS[0], DomainDestroyFlags.GRACEFUL)
    with pytest.raises(InvalidArg, match="0x2"):
        ask("domain_destroy_flags", REFS[0], 3)
    with pytest.raises(InvalidArg, match="none are known"):
        ask("domain_interface_addresses", REFS[0], 0, 1)


def test_lists_are_counted_and_cut() -> None:
    assert ask("connect_list_all_domains", 0) == REFS
    assert ask("connect_list_all_domains", 0, asked=0) == []
    assert ask("connect_list_defined_domains", asked=0) == []


def test_readers_are_told_why() -> None:
    with pytest.raises(OperationDenied):
        ask("domain_destroy", REFS[0], readonly=True)
    assert ask("domain_lookup_by_name", "on", readonly=True) == REFS[0]


def test_readers_see_no_secrets_and_reach_no_agent() -> None:
    assert ask("domain_get_xml_desc", REFS[0], DomainXMLFlags.INACTIVE, readonly=True)
    with pytest.raises(OperationDenied, match="read_secure"):
        ask("domain_get_xml_desc", REFS[0], DomainXMLFlags.SECURE, readonly=True)
    assert ask("domain_interface_addresses", REFS[0], 0, 0, readonly=True) == []
    with pytest.raises(OperationDenied, match="source"):
        ask("domain_interface_addresses", REFS[0], DomainInterfaceAddressesSource.AGENT, 0, readonly=True)


def test_fragments_stand_for_their_values() -> None:
    assert ask("connect_get_all_domain_stats", [], 0, 0) == [(REFS[0], STATS)]
    call = bound("connect_list_all_domains")
    _, encode = call.decode(args_encoder(call.wire)(0))
    assert encode(encoded_list(REFS)) == encode([encoded(ref) for ref in REFS]) == encode(REFS)
    _, count = call.decode(args_encoder(call.wire)(0, asked=0))
    assert count(encoded_list(REFS)) == bytes([0, 0, 0, 0, 0, 0, 0, 2])


def test_a_fragment_may_be_the_whole_reply_or_a_part_of_it() -> None:
    call = bound("domain_lookup_by_name")
    _, encode = call.decode(args_encoder(call.wire)("on"))
    assert encode(encoded(REFS[0])) == encode(REFS[0])
    kept = DomainStatsRecord(encoded(REFS[0]), STATS)
    assert encoded(kept) == encoded(DomainStatsRecord(REFS[0], STATS))


def test_programs_keep_their_numbers_apart() -> None:
    tables = bind(Driver())
    assert set(tables) == {REMOTE, QemuCalls.number}
    assert tables[QemuCalls.number][7].files_in
    assert tables[QemuCalls.number][7].files_out
