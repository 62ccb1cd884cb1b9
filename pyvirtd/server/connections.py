"""From a connection URI to the drivers that answer it, their tables and their events."""

from __future__ import annotations

from typing import Final, NamedTuple

from pyvirtd.core.driver import Driver, Drivers
from pyvirtd.core.events import EventBus
from pyvirtd.core.uri import ConnectURI
from pyvirtd.errors import ErrorDomain, InternalError, InvalidArg, NoConnect, VirtError
from pyvirtd.protocol.bind import Tables, bind
from pyvirtd.protocol.calls import Program
from pyvirtd.server.events import EventHub

ROUTES_MAX: Final = 64
"""Ways to write a URI that are remembered; clients may think up more."""


class Route(NamedTuple):
    """What answers a connection."""

    uri: str
    driver: Driver
    tables: Tables
    hubs: list[EventHub]


class Connections:
    """Opens URIs. Tables are bound once for each driver and kind of client, not for each connection."""

    def __init__(self, drivers: Drivers, buses: dict[str, EventBus]) -> None:
        """`buses`: each driver's own, by its name."""
        self._drivers = drivers
        self._buses = buses
        self._tables: dict[tuple[str, bool], Tables] = {}
        self._routes: dict[tuple[str, bool], Route] = {}

    def open(self, name: str | None, desk: Program, *, readonly: bool) -> Route:
        """`name` None or empty: the first driver that can be used here. Raises NoConnect when there is none.

        A URI that its driver does not serve raises what the driver raises.
        """
        try:
            return self._open(name or self._default(), desk, readonly)
        except VirtError as error:
            # As in libvirt, what went wrong before there was a connection is no driver's error yet.
            error.domain = ErrorDomain.NONE if error.domain is None else error.domain
            raise

    def _open(self, text: str, desk: Program, readonly: bool) -> Route:
        known = self._routes.get((text, readonly))
        if known is not None:
            return known
        try:
            uri = ConnectURI.parse(text)
        except InvalidArg as error:
            raise NoConnect(error.message) from None
        if uri.transport not in ("", "unix") or uri.host:
            raise NoConnect(f"'{text}' names another host or transport; this daemon serves its own drivers only")
        driver = next((driver for driver in self._drivers if uri.scheme in driver.schemes), None)
        if driver is None:
            schemes = sorted(scheme for driver in self._drivers for scheme in driver.schemes)
            raise NoConnect(f"no driver here serves '{text}'; there are {', '.join(schemes) or 'none'}")
        target: object = driver.connect(uri)
        if not isinstance(target, Program):
            raise InternalError(f"driver '{driver.name}' answers '{text}' with something that takes no calls")
        others = [other for other in self._drivers if not other.schemes and isinstance(other, Program)]
        if not driver.joins_secondary:
            others = []
        hubs = [self._hub(getattr(target, "events", None) or self._buses[driver.name])]
        hubs += [self._hub(self._buses[other.name]) for other in others if isinstance(other, Driver)]
        key = (driver.name, readonly)
        # A driver may answer each URI with an object of its own, which goes when its connection does.
        shared = id(target) == id(driver)
        tables = self._tables.get(key) if shared else None
        if tables is None:
            tables = bind(desk, target, *others, readonly=readonly)
            if shared:
                self._tables[key] = tables
        route = Route(text, driver, tables, hubs)
        if shared and len(self._routes) < ROUTES_MAX:
            self._routes[text, readonly] = route
        return route

    def _default(self) -> str:
        for driver in self._drivers:
            if driver.schemes and (uri := driver.default_uri()):
                return uri
        raise NoConnect("no driver can be used here; name one by its connection URI to see why")

    def _hub(self, bus: object) -> EventHub:
        if not isinstance(bus, EventBus):
            raise InternalError("a driver's `events` is no EventBus")
        if not isinstance(bus.hub, EventHub):
            bus.hub = EventHub(bus)
        return bus.hub
