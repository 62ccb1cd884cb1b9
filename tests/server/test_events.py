import pytest

from pyvirtd.errors import InternalError, InvalidArg, OperationInvalid
from pyvirtd.protocol.qemu import QemuDomainMonitorEvent
from pyvirtd.protocol.remote.events import DomainEventLifecycle, DomainEventReboot, StoragePoolEventRefresh
from pyvirtd.protocol.types import StoragePoolRef
from pyvirtd.server.channel import CUT_OFF
from tests.harness.wire import DOMAIN, OTHER, World, until

STARTED, STOPPED = DomainEventLifecycle(DOMAIN, 2, 0), DomainEventLifecycle(OTHER, 5, 0)
POOL = StoragePoolRef("pool", b"p" * 16)


async def test_callback_style_with_and_without_a_domain(world: World) -> None:
    peer = await world.peer()
    assert await peer.call("connect_domain_event_callback_register_any", 0, None) == 0
    assert await peer.call("connect_domain_event_callback_register_any", 0, OTHER._replace(id=99)) == 1
    world.events.emit(STARTED)
    world.events.emit(STOPPED)
    assert [await peer.event() for _ in range(3)] == [(0, STARTED), (0, STOPPED), (1, STOPPED)]
    await peer.call("connect_domain_event_callback_deregister_any", 0)
    world.events.emit(STARTED)
    world.events.emit(DomainEventReboot(OTHER))
    assert await peer.quiet()
    with pytest.raises(InternalError, match="no domain event registration 0"):
        await peer.call("connect_domain_event_callback_deregister_any", 0)


async def test_old_style(world: World) -> None:
    peer = await world.peer()
    assert await peer.call("connect_domain_event_register") == 0
    with pytest.raises(InvalidArg, match="already"):
        await peer.call("connect_domain_event_register_any", 0)
    await peer.call("connect_domain_event_register_any", 1)
    world.events.emit(STARTED)
    world.events.emit(DomainEventReboot(DOMAIN))
    assert [await peer.event() for _ in range(2)] == [(None, STARTED), (None, DomainEventReboot(DOMAIN))]
    assert await peer.call("connect_domain_event_deregister") == 0
    await peer.call("connect_domain_event_deregister_any", 1)
    world.events.emit(STARTED)
    assert await peer.quiet()


async def test_secondary_drivers_events(world: World) -> None:
    peer = await world.peer()
    assert await peer.call("connect_storage_pool_event_register_any", 1, POOL) == 0
    world.storage_events.emit(StoragePoolEventRefresh(POOL._replace(uuid=b"q" * 16)))
    world.storage_events.emit(StoragePoolEventRefresh(POOL))
    assert await peer.event() == (0, StoragePoolEventRefresh(POOL))
    assert await peer.quiet()
    await peer.call("connect_storage_pool_event_deregister_any", 0)


@pytest.mark.parametrize(
    ("pattern", "flags", "heard"),
    [(None, 0, True), ("SHUTDOWN", 0, True), ("SHUT", 0, False), ("shutdown", 2, True), ("^SHUT", 1, True),
     ("down$", 3, True), ("down$", 1, False)],
)  # fmt: skip
async def test_monitor_events(world: World, pattern: str | None, flags: int, heard: bool) -> None:
    peer = await world.peer()
    number = await peer.call("connect_domain_monitor_event_register", DOMAIN, pattern, flags)
    event = QemuDomainMonitorEvent(DOMAIN, "SHUTDOWN", 12, 34, "{}")
    world.events.emit(event._replace(dom=OTHER))
    world.events.emit(event)
    if heard:
        assert await peer.event() == (number, event)
    assert await peer.quiet()
    await peer.call("connect_domain_monitor_event_deregister", number)


@pytest.mark.parametrize(("pattern", "flags"), [("(a+)+$", 1), ("(", 1), ("x" * 300, 0), ("(a)\\1", 1), ("x", 4)])
async def test_bad_monitor_patterns(world: World, pattern: str, flags: int) -> None:
    peer = await world.peer()
    with pytest.raises(InvalidArg):
        await peer.call("connect_domain_monitor_event_register", None, pattern, flags)


async def test_unknown_kinds(world: World) -> None:
    peer = await world.peer()
    for number in (-1, 999):
        with pytest.raises(InternalError, match="does not exist"):
            await peer.call("connect_domain_event_callback_register_any", number, None)
    with pytest.raises(InternalError):
        await peer.call("connect_domain_event_register_any", 27)  # never had an old style
    with pytest.raises(InternalError):
        await peer.call("connect_network_event_register_any", 9, None)


async def test_close_callbacks_may_come_and_go(world: World) -> None:
    peer = await world.peer()
    for name in ("unregister", "register", "register", "unregister"):
        await peer.call(f"connect_{name}_close_callback")


async def test_what_happened_before_anybody_listened(world: World) -> None:
    world.events.emit(STARTED, keep=10)
    world.events.emit(STOPPED)
    peer = await world.peer()
    number = await peer.call("connect_domain_event_callback_register_any", 0, None)
    assert await peer.event() == (number, STARTED)
    assert await peer.quiet()


async def test_what_happened_before_comes_before_what_happens_then(world: World) -> None:
    world.events.emit(STARTED, keep=10)
    peer = await world.peer()
    number = await peer.call("connect_domain_event_callback_register_any", 0, None)
    world.events.emit(STOPPED)
    assert await peer.quiet()  # its thread that registered may not have stored the number yet
    assert [await peer.event(), await peer.event()] == [(number, STARTED), (number, STOPPED)]


async def test_a_client_that_is_gone_hears_nothing(world: World) -> None:
    peer = await world.peer()
    await peer.call("connect_domain_event_callback_register_any", 0, None)
    peer.close()
    await until(lambda: not world.server.sessions)
    world.events.emit(STARTED)
    assert not any(world.events.hub._registrations.values())  # type: ignore[attr-defined]


async def test_a_client_that_does_not_read_is_cut_off_and_the_others_are_not(world: World) -> None:
    slow, quick = await world.peer(), await world.peer()
    for peer in (slow, quick):
        await peer.call("connect_domain_event_callback_register_any", 0, None)
    big = DomainEventLifecycle(DOMAIN._replace(name="n" * 100_000), 2, 0)
    for _ in range(CUT_OFF // 100_000 + 20):
        world.events.emit(big)
        await quick.event()
    await until(lambda: len(world.server.sessions) == 1)
    assert await slow.is_cut_off()
    assert await quick.call("connect_get_type") == "Fake"


async def test_registrations_are_bounded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyvirtd.server.desk.REGISTRATIONS_MAX", 2)
    peer = await world.peer()
    for _ in range(2):
        await peer.call("connect_domain_event_callback_register_any", 0, None)
    with pytest.raises(OperationInvalid):
        await peer.call("connect_domain_event_callback_register_any", 0, None)
