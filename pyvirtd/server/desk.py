"""The session calls: opening, features, registration for events. One desk answers them for all clients."""

from __future__ import annotations

from typing import Any, Final

from pyvirtd.errors import ErrorDomain, InternalError, InvalidArg, OperationInvalid
from pyvirtd.protocol.bind import ALL_FLAGS, Tables, bind
from pyvirtd.protocol.calls import Program, supports
from pyvirtd.protocol.constants.connect import ConnectFlags
from pyvirtd.protocol.constants.features import DriverFeature
from pyvirtd.protocol.qemu import QemuCalls, QemuDomainMonitorEvent
from pyvirtd.protocol.remote.host import HostCalls
from pyvirtd.protocol.remote.session import SessionCalls
from pyvirtd.protocol.types import DomainRef, NetworkRef, NodeDeviceRef, SecretRef, StoragePoolRef
from pyvirtd.server.connections import Connections, Route
from pyvirtd.server.events import EventHub, Match, Registration, about, event_kind, monitor_event
from pyvirtd.server.session import Session, current_session

LIBVIRT_VERSION: Final = 12_006_000
"""12.6.0, as major * 1,000,000 + minor * 1,000 + release: the libvirt that the wire is of."""

AUTH_NONE: Final = 0
REGISTRATIONS_MAX: Final = 1024
"""Of one client."""

_FEATURES: Final = frozenset(
    {
        DriverFeature.FD_PASSING,
        DriverFeature.TYPED_PARAM_STRING,
        DriverFeature.XML_MIGRATABLE,
        DriverFeature.REMOTE_EVENT_CALLBACK,
        DriverFeature.REMOTE_CLOSE_CALLBACK,
        DriverFeature.NETWORK_UPDATE_HAS_CORRECT_ORDER,
    }
)


class OpenConnection:
    """What connect_open made of a session."""

    def __init__(self, route: Route) -> None:
        self.route = route
        self.registrations: dict[tuple[str, int], Registration] = {}
        """By object and callback id; old-style ones by "domain, old style" and event id."""
        self.next_callback = 0

    def forget_all(self) -> None:
        for registration in self.registrations.values():
            for hub in self.route.hubs:
                hub.remove(registration)
        self.registrations.clear()


_OLD: Final = "domain, old style"
_LIFECYCLE: Final = 0


class SessionDesk(SessionCalls, HostCalls, QemuCalls):
    """Answers for whichever session is calling."""

    error_domain: Final = ErrorDomain.RPC

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        opening = bind(self)
        allowed = {"auth_list", "connect_open", "connect_close", "connect_supports_feature"}
        self.greeting: Tables = {
            program: {number: bound for number, bound in table.items() if bound.name in allowed}
            for program, table in opening.items()
        }

    # Opening and closing

    @supports(ALL_FLAGS)  # libvirt's daemon overlooks what it does not know here
    def connect_open(self, name: str | None, flags: int) -> None:
        session = current_session()
        if session.connection is not None:
            raise InternalError("this client has opened its connection already")
        client = session.client
        readonly = client.readonly or bool(flags & ConnectFlags.RO)
        route = self._connections.open(name, self, readonly=readonly)
        client.readonly = readonly
        session.connection = connection = OpenConnection(route)
        session.tables = route.tables
        client.on_close(connection.forget_all)

    def connect_close(self) -> None:
        current_session().close_when_sent()

    def auth_list(self) -> list[int]:
        return [AUTH_NONE]

    # What the connection is

    def connect_get_uri(self) -> str:
        return _connection().route.uri

    def connect_get_lib_version(self) -> int:
        return LIBVIRT_VERSION

    def connect_is_secure(self) -> int:
        return 1  # a UNIX socket never leaves the host

    def connect_supports_feature(self, feature: int) -> int:
        session = current_session()
        if feature == DriverFeature.PROGRAM_KEEPALIVE:
            session.keepalive.start()
            return 1
        driver = _connection().route.driver
        return int(feature in _FEATURES or feature in driver.features)

    def connect_register_close_callback(self) -> None:
        """A local driver's connection never ends before its client's does: there is nothing to be told about."""
        _connection()

    def connect_unregister_close_callback(self) -> None:
        _connection()

    # Events, old style: one registration for each kind, no ids

    def connect_domain_event_register(self) -> int:
        self.connect_domain_event_register_any(_LIFECYCLE)
        return 0

    def connect_domain_event_deregister(self) -> int:
        self.connect_domain_event_deregister_any(_LIFECYCLE)
        return 0

    def connect_domain_event_register_any(self, event_id: int) -> None:
        connection = _connection()
        if (_OLD, event_id) in connection.registrations:
            raise InvalidArg(f"this client is registered for domain event {event_id} already")
        kind = event_kind("domain", event_id, callback=False)
        _register(connection, (_OLD, event_id), Registration(current_session(), kind, None, None))

    def connect_domain_event_deregister_any(self, event_id: int) -> None:
        _deregister(_OLD, event_id)

    # Events, each registration with an id

    def connect_domain_event_callback_register_any(self, event_id: int, dom: DomainRef | None) -> int:
        return _add("domain", event_id, dom)

    def connect_domain_event_callback_deregister_any(self, callback_id: int) -> None:
        _deregister("domain", callback_id)

    def connect_network_event_register_any(self, event_id: int, net: NetworkRef | None) -> int:
        return _add("network", event_id, net)

    def connect_network_event_deregister_any(self, callback_id: int) -> None:
        _deregister("network", callback_id)

    def connect_storage_pool_event_register_any(self, event_id: int, pool: StoragePoolRef | None) -> int:
        return _add("storage_pool", event_id, pool)

    def connect_storage_pool_event_deregister_any(self, callback_id: int) -> None:
        _deregister("storage_pool", callback_id)

    def connect_node_device_event_register_any(self, event_id: int, dev: NodeDeviceRef | None) -> int:
        return _add("node_device", event_id, dev)

    def connect_node_device_event_deregister_any(self, callback_id: int) -> None:
        _deregister("node_device", callback_id)

    def connect_secret_event_register_any(self, event_id: int, secret: SecretRef | None) -> int:
        return _add("secret", event_id, secret)

    def connect_secret_event_deregister_any(self, callback_id: int) -> None:
        _deregister("secret", callback_id)

    @supports(3)
    def connect_domain_monitor_event_register(self, dom: DomainRef | None, event: str | None, flags: int) -> int:
        return _add_callback("monitor", QemuDomainMonitorEvent, monitor_event(dom, event, flags))

    def connect_domain_monitor_event_deregister(self, callback_id: int) -> None:
        _deregister("monitor", callback_id)


def _connection() -> OpenConnection:
    connection = current_session().connection
    if not isinstance(connection, OpenConnection):
        raise InternalError("this call needs an open connection, and this client has not opened one")
    return connection


def _add(object: str, event_id: int, reference: Any) -> int:
    return _add_callback(object, event_kind(object, event_id), about(reference))


def _add_callback(object: str, kind: type, match: Match | None) -> int:
    connection = _connection()
    number = connection.next_callback
    _register(connection, (object, number), Registration(current_session(), kind, number, match))
    connection.next_callback += 1
    return number


def _register(connection: OpenConnection, key: tuple[str, int], registration: Registration) -> None:
    if len(connection.registrations) >= REGISTRATIONS_MAX:
        raise OperationInvalid(f"this client has {REGISTRATIONS_MAX} event registrations, the most it may have")
    connection.registrations[key] = registration
    for hub in connection.route.hubs:
        hub.add(registration)


def _deregister(object: str, number: int) -> None:
    connection = _connection()
    registration = connection.registrations.pop((object, number), None)
    if registration is None:
        raise InternalError(f"this client has no {object.replace('_', ' ')} event registration {number}")
    hub: EventHub
    for hub in connection.route.hubs:
        hub.remove(registration)


__all__ = ["LIBVIRT_VERSION", "OpenConnection", "Program", "Session", "SessionDesk"]
