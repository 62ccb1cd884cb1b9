"""The driver from define to undefine, on fake QEMUs: states, events, errors, restarts."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable

import pytest

from pyvirtd.core.client import CURRENT, Client
from pyvirtd.core.lifecycle import State
from pyvirtd.errors import (
    InternalError,
    InvalidArg,
    NoDomain,
    NoDomainMetadata,
    OperationFailed,
    OperationInvalid,
    OperationTimeout,
    VirtError,
    XMLError,
)
from pyvirtd.protocol.constants.domain import DomainCreateFlags, DomainDestroyFlags
from pyvirtd.protocol.remote.events import DomainEventReboot
from pyvirtd.protocol.types import DomainRef
from tests.drivers.qemu.conftest import Bench

DEFINED, UNDEFINED, STARTED, SUSPENDED, RESUMED, STOPPED, SHUTDOWN, _, CRASHED = range(9)
CONSOLE = "<serial type='pty'/>"


async def until(what: str, check: Callable[[], object], timeout: float = 5.0) -> None:
    """Wait for something that another task does."""
    end = time.monotonic() + timeout
    while not check():
        assert time.monotonic() < end, f"{what}: not within {timeout} s"
        await asyncio.sleep(0.01)


async def define(bench: Bench, name: str = "a", number: int = 1, devices: str = "") -> DomainRef:
    return await bench.driver.domain_define_xml_flags(bench.xml(name, number, devices), 0)


async def test_a_whole_life(bench: Bench) -> None:
    driver = bench.driver
    dom = await define(bench, devices=CONSOLE)
    assert driver.domain_get_state(dom, 0) == (State.SHUTOFF, 0)
    dom = await driver.domain_create_with_files(dom, 0, [])
    assert dom.id == 1
    assert driver.domain_get_state(dom, 0) == (State.RUNNING, 1)
    assert "<source path='/dev/pts/99'/>" in driver.domain_get_xml_desc(dom, 0)
    assert "/dev/pts/99" not in driver.domain_get_xml_desc(dom, 2)
    await driver.domain_suspend(dom)
    assert driver.domain_get_state(dom, 0) == (State.PAUSED, 1)
    await driver.domain_suspend(dom)
    await driver.domain_resume(dom)
    assert driver.domain_get_state(dom, 0) == (State.RUNNING, 5)
    with pytest.raises(OperationInvalid, match="already running"):
        await driver.domain_resume(dom)
    await driver.domain_shutdown_flags(dom, 0)
    await until("the end", lambda: driver.domain_get_state(dom, 0) == (State.SHUTOFF, 1))
    await driver.domain_undefine_flags(dom, 0)
    with pytest.raises(NoDomain):
        driver.domain_get_state(dom, 0)
    assert bench.lifecycle() == [
        ("a", DEFINED, 0), ("a", RESUMED, 0), ("a", STARTED, 0), ("a", SUSPENDED, 0), ("a", RESUMED, 0),
        ("a", SHUTDOWN, 1), ("a", STOPPED, 0), ("a", UNDEFINED, 0),
    ]  # fmt: skip
    assert not [path for path in (bench.root / "run/qemu").iterdir() if path.name != "autostarted" and path.is_dir()
                and path.name != "channel"]


async def test_calls_in_the_wrong_state(bench: Bench) -> None:
    driver, dom = bench.driver, await define(bench)
    for call in (driver.domain_suspend, driver.domain_resume):
        with pytest.raises(OperationInvalid, match="not running"):
            await call(dom)
    for flagged in (driver.domain_destroy_flags, driver.domain_shutdown_flags, driver.domain_reboot,
                    driver.domain_reset):
        with pytest.raises(OperationInvalid, match="not running"):
            await flagged(dom, 0)
    dom = await driver.domain_create_with_files(dom, 0, [])
    with pytest.raises(OperationInvalid, match="already running"):
        await driver.domain_create_with_files(dom, 0, [])
    with pytest.raises(OperationInvalid, match="already active"):
        await driver.domain_create_xml_with_files(bench.xml(), 0, [])
    with pytest.raises(OperationInvalid, match="only a domain that is shut off"):
        await driver.domain_rename(dom, "b", 0)


async def test_names_and_uuids_are_unique(bench: Bench) -> None:
    await define(bench, "a", 1)
    with pytest.raises(OperationFailed, match=r"'a' already exists with UUID 00000000-.*1"):
        await define(bench, "a", 2)
    with pytest.raises(OperationFailed, match="'a' is already defined with UUID"):
        await define(bench, "b", 1)
    with pytest.raises(XMLError, match="cannot have a '/'"):
        await define(bench, "a/b", 3)


async def test_two_clients_define_the_same_at_once(bench: Bench) -> None:
    results = await asyncio.gather(*(define(bench, "a", 1) for _ in range(5)), define(bench, "a", 2),
                                   return_exceptions=True)
    assert [type(result) for result in results] == [DomainRef] * 5 + [OperationFailed]


async def test_starting_paused_and_destroying(bench: Bench) -> None:
    driver, dom = bench.driver, await define(bench)
    dom = await driver.domain_create_with_files(dom, DomainCreateFlags.START_PAUSED, [])
    assert driver.domain_get_state(dom, 0) == (State.PAUSED, 1)
    await driver.domain_destroy_flags(dom, DomainDestroyFlags.GRACEFUL)
    assert driver.domain_get_state(dom, 0) == (State.SHUTOFF, 2)
    assert bench.lifecycle()[1:] == [("a", STARTED, 0), ("a", SUSPENDED, 0), ("a", STOPPED, 1)]


@pytest.mark.parametrize("flags", [0, DomainCreateFlags.START_PAUSED])
async def test_a_reset_before_the_guest_ran_is_no_reboot(bench: Bench, flags: int) -> None:
    bench.play = "reset-at-start"
    dom = await define(bench)
    dom = await bench.driver.domain_create_with_files(dom, flags, [])
    assert not [event for event in bench.events if isinstance(event, DomainEventReboot)]
    await bench.driver.domain_reset(dom, 0)
    await until("the reboot", lambda: [event for event in bench.events if isinstance(event, DomainEventReboot)])


async def test_transient_domains_go_when_they_end(bench: Bench) -> None:
    driver = bench.driver
    dom = await driver.domain_create_xml_with_files(bench.xml(), 0, [])
    assert driver.domain_is_persistent(dom) == 0
    with pytest.raises(OperationInvalid, match="transient"):
        await driver.domain_undefine_flags(dom, 0)
    await driver.domain_destroy_flags(dom, 0)
    with pytest.raises(NoDomain):
        driver.domain_lookup_by_name("a")
    again = await driver.domain_create_xml_with_files(bench.xml(), 0, [])
    assert again.id == dom.id + 1
    assert (await define(bench)).id == again.id
    await driver.domain_destroy_flags(again, 0)
    assert driver.domain_lookup_by_name("a").id == -1


async def test_qemu_that_exits_at_once_is_quoted_and_leaves_nothing(bench: Bench) -> None:
    bench.play = "refuse"
    driver, dom = bench.driver, await define(bench)
    with pytest.raises(InternalError, match="-drive nonsense: cannot do that"):
        await driver.domain_create_with_files(dom, 0, [])
    assert driver.domain_get_state(dom, 0) == (State.SHUTOFF, 6)
    assert bench.lifecycle() == [("a", DEFINED, 0)]
    assert not list((bench.root / "run/qemu").glob("*.xml"))
    assert not list((bench.root / "run/qemu").glob("1-*"))
    with pytest.raises(InternalError, match="nonsense"):
        await driver.domain_create_xml_with_files(bench.xml("t", 2), 0, [])
    with pytest.raises(NoDomain):
        driver.domain_lookup_by_name("t")


@pytest.mark.parametrize(("play", "state", "events"), [
    ("shutdown", (State.SHUTOFF, 1), [(SHUTDOWN, 1), (STOPPED, 0)]),
    ("panic", (State.SHUTOFF, 3), [(CRASHED, 0), (STOPPED, 2)]),
    ("io-error", (State.PAUSED, 5), [(SUSPENDED, 2)]),
    ("exit:1", (State.SHUTOFF, 3), [(STOPPED, 5)]),
    ("garbage", (State.SHUTOFF, 3), [(STOPPED, 5)]),
])  # fmt: skip
async def test_what_guests_do_by_themselves(
    bench: Bench, play: str, state: tuple[int, int], events: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pyvirtd.drivers.qemu.machine.GRACE", 0.2)
    bench.play = play
    disk = "<disk type='file'><source file='/dev/null'/><target dev='vda' bus='virtio'/></disk>"
    dom = await define(bench, devices=disk)
    try:
        await bench.driver.domain_create_with_files(dom, 0, [])
    except VirtError:
        # It ended before its start was through; that is a failed start.
        assert play in ("exit:1", "garbage")
        return
    await until("its own end", lambda: bench.driver.domain_get_state(dom, 0) == state)
    assert [event[1:] for event in bench.lifecycle()[3:]] == events


async def test_the_job_timeout_names_who_holds_it(bench: Bench) -> None:
    await bench.driver.stop()
    await bench.start({"job_timeout": 0.3})
    driver = bench.driver
    dom = await driver.domain_create_with_files(await define(bench), 0, [])
    os.kill(driver.domains.by_name("a").machine.pid, signal.SIGSTOP)
    CURRENT.set(Client(7))
    stuck = asyncio.ensure_future(driver.domain_suspend(dom))
    await asyncio.sleep(0.05)
    began = time.monotonic()
    words = r"domain_set_metadata: domain 'a' was busy .* domain_suspend of client 7"
    with pytest.raises(OperationTimeout, match=words):
        await driver.domain_set_metadata(dom, 1, "x", None, None, 0)
    assert 0.2 < time.monotonic() - began < 2
    assert driver.domain_get_state(dom, 0)[0] == State.RUNNING
    began = time.monotonic()
    await driver.domain_destroy_flags(dom, 0)
    assert time.monotonic() - began < 2
    with pytest.raises(OperationFailed, match="ended before it answered"):
        await stuck


async def test_autodestroy(bench: Bench) -> None:
    client = Client(3)
    CURRENT.set(client)
    dom = await bench.driver.domain_create_with_files(await define(bench), DomainCreateFlags.START_AUTODESTROY, [])
    client.close()
    await until("its end", lambda: bench.driver.domain_get_state(dom, 0) == (State.SHUTOFF, 2))


async def test_rename(bench: Bench) -> None:
    driver, dom = bench.driver, await define(bench)
    await driver.domain_set_autostart(dom, 1)
    await define(bench, "taken", 2)
    with pytest.raises(OperationInvalid, match="'taken' already"):
        await driver.domain_rename(dom, "taken", 0)
    with pytest.raises(XMLError):
        await driver.domain_rename(dom, "a/b", 0)
    assert await driver.domain_rename(dom, "new", 0) == 0
    assert "<name>new</name>" in driver.domain_get_xml_desc(dom, 0)
    await bench.driver.stop()
    await bench.start()
    found = bench.driver.domain_lookup_by_name("new")
    assert bench.driver.domain_get_autostart(found) == 1
    assert bench.lifecycle()[2:] == [("a", UNDEFINED, 1), ("new", DEFINED, 2)]


async def test_metadata(bench: Bench) -> None:
    driver, dom = bench.driver, await define(bench)
    await driver.domain_set_metadata(dom, 1, "a title", None, None, 0)
    await driver.domain_set_metadata(dom, 0, "two\nlines", None, None, 0)
    await driver.domain_set_metadata(dom, 2, "<thing x='1'><y/></thing>", "me", "urn:me", 0)
    assert driver.domain_get_metadata(dom, 1, None, 0) == "a title"
    assert driver.domain_get_metadata(dom, 0, None, 0) == "two\nlines"
    assert driver.domain_get_metadata(dom, 2, "urn:me", 0) == '<thing x="1"><y/></thing>'
    await bench.driver.stop()
    await bench.start()
    driver = bench.driver
    assert driver.domain_get_metadata(dom, 1, None, 0) == "a title"
    await driver.domain_set_metadata(dom, 2, None, "me", "urn:me", 0)
    for type, uri in ((2, "urn:me"),):
        with pytest.raises(NoDomainMetadata):
            driver.domain_get_metadata(dom, type, uri, 0)
    with pytest.raises(InvalidArg, match="one line"):
        await driver.domain_set_metadata(dom, 1, "a\nb", None, None, 0)
    with pytest.raises(InvalidArg, match="prefix"):
        await driver.domain_set_metadata(dom, 2, "<x/>", "9 bad", "urn:me", 0)


async def test_lists(bench: Bench) -> None:
    driver = bench.driver
    await define(bench, "off", 1)
    await driver.domain_create_with_files(await define(bench, "on", 2), 0, [])
    await driver.domain_create_xml_with_files(bench.xml("passing", 3), DomainCreateFlags.START_PAUSED, [])
    await driver.domain_set_autostart(driver.domain_lookup_by_name("off"), 1)

    def names(flags: int) -> set[str]:
        return {ref.name for ref in driver.connect_list_all_domains(flags)}

    assert names(0) == names(1 | 2) == {"off", "on", "passing"}
    assert names(1) == {"on", "passing"}
    assert names(2) == names(64) == {"off"}
    assert names(8) == {"passing"}
    assert names(16) == {"on"}
    assert names(32 | 64) == {"off", "passing"}
    assert names(1024) == {"off"}
    assert names(1 | 8 | 2048) == {"passing"}


async def test_a_restart_finds_guests_and_what_happened(bench: Bench) -> None:
    driver = bench.driver
    for number, name in enumerate(("stays", "dies", "pauses", "ends"), 1):
        await driver.domain_create_with_files(await define(bench, name, number), 0, [])
    pids = {domain.name: domain.machine.pid for domain in driver.domains}
    await driver.domains.by_name("pauses").machine.run("stop")
    await until("pause", lambda: driver.domains.by_name("pauses").state is State.PAUSED)
    driver.domains.by_name("pauses").machine.save_soon()
    await driver.domain_resume(driver.domain_lookup_by_name("pauses"))
    await driver.stop()
    os.kill(pids["dies"], signal.SIGKILL)
    bench.events.clear()
    await bench.start()
    driver = bench.driver
    assert driver.domain_lookup_by_name("stays").id == 1
    assert driver.domains.by_name("stays").machine.pid == pids["stays"]
    assert driver.domains.by_name("stays").state is State.RUNNING
    assert driver.domains.by_name("dies").state is State.SHUTOFF
    assert bench.lifecycle() == [("dies", STOPPED, 5)]
    assert [event.dom.name for event in driver.runtime.context.events.kept()] == ["dies"]
    new = await driver.domain_create_with_files(driver.domain_lookup_by_name("dies"), 0, [])
    assert new.id == 5


async def test_a_stopped_guest_does_not_delay_the_restart(bench: Bench) -> None:
    driver = bench.driver
    dom = await driver.domain_create_with_files(await define(bench), 0, [])
    pid = driver.domains.by_name("a").machine.pid
    await driver.stop()
    os.kill(pid, signal.SIGSTOP)
    began = time.monotonic()
    await bench.start()
    assert time.monotonic() - began < 2
    assert bench.driver.domain_get_state(dom, 0)[0] == State.RUNNING
    assert "<name>a</name>" in bench.driver.domain_get_xml_desc(dom, 0)
    os.kill(pid, signal.SIGCONT)
    await until("its monitor", lambda: bench.driver.domains.by_name("a").machine.monitor is not None)


async def test_an_unfinished_start_is_ended(bench: Bench) -> None:
    driver = bench.driver
    await driver.domain_create_with_files(await define(bench), 0, [])
    pid = driver.domains.by_name("a").machine.pid
    await driver.stop()
    for file in (bench.root / "run/qemu").glob("*.xml"):
        file.unlink()  # as if the daemon had been killed before it wrote the file
    await bench.start()
    assert bench.driver.domains.by_name("a").state is State.SHUTOFF
    await until("its end", lambda: not os.path.exists(f"/proc/{pid}") or os.waitpid(pid, os.WNOHANG)[0] == pid)
    assert not list((bench.root / "run/qemu").glob("1-*"))


async def test_5000_definitions_are_indexed_not_parsed(bench: Bench) -> None:
    await define(bench, "one", 1)
    text = bench.driver.runtime.directory.read("one").decode()
    for number in range(2, 1001):
        named = text.replace("<name>one<", f"<name>n{number}<").replace(f"{1:012}</uuid>", f"{number:012x}</uuid>")
        bench.driver.runtime.directory.file(f"n{number}").write_text(named)
    await bench.driver.stop()
    began = time.process_time()
    await bench.start()
    assert time.process_time() - began < 2
    assert len(bench.driver.connect_list_all_domains(0)) == 1000
    assert all(domain._definition is None for domain in bench.driver.domains)
    dom = bench.driver.domain_lookup_by_name("n77")
    assert "<name>n77</name>" in bench.driver.domain_get_xml_desc(dom, 0)
