"""The admin program: the daemon's servers, their clients and limits, logging, the daemon's end."""

from __future__ import annotations

import grp
import pwd
from collections.abc import Mapping
from typing import Final, Protocol

from pyvirtd.errors import (
    ArgumentUnsupported,
    ErrorDomain,
    InternalError,
    InvalidArg,
    NoClient,
    NoServer,
    OperationUnsupported,
)
from pyvirtd.protocol.admin import (
    AdminCalls,
    ClientRef,
    ConnectGetLoggingFilters,
    ConnectGetLoggingOutputs,
    ServerRef,
)
from pyvirtd.protocol.bind import Tables, bind
from pyvirtd.protocol.calls import supports
from pyvirtd.protocol.constants.admin import ClientTransport, DaemonShutdownFlags
from pyvirtd.protocol.constants.admin_fields import ClientInfoField, ServerClientsField, ThreadpoolField
from pyvirtd.protocol.types import TypedParams, UInt
from pyvirtd.server.desk import LIBVIRT_VERSION
from pyvirtd.server.server import Server
from pyvirtd.server.session import Session, current_session

WORKERS_MAX: Final = 1_000_000
_GREETING: Final = ("connect_open", "connect_close")


class Logs(Protocol):
    """The daemon's logging, changeable while it runs; setters raise InvalidArg."""

    def filters_text(self) -> str: ...
    def outputs_text(self) -> str: ...
    def set_filters(self, text: str) -> None: ...
    def set_outputs(self, text: str) -> None: ...


class Workers:
    """Numbers of a thread pool that there is none of: one loop does the work. Kept for whoever sets and reads them."""

    def __init__(self, minimum: int = 5, maximum: int = 20, priority: int = 5) -> None:
        self.minimum, self.maximum, self.priority = minimum, maximum, priority


class Daemon(Protocol):
    """What the admin interface does to the daemon."""

    @property
    def servers(self) -> Mapping[str, Server]: ...
    @property
    def workers(self) -> Mapping[str, Workers]: ...
    @property
    def logs(self) -> Logs: ...
    def set_timeout(self, seconds: int) -> None: ...
    def shut_down(self) -> None: ...


class AdminDesk(AdminCalls):
    """Answers the admin sockets' clients."""

    error_domain: Final = ErrorDomain.ADMIN

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        tables = bind(self)
        self.greeting: Tables = {
            program: {number: bound for number, bound in table.items() if bound.name in _GREETING}
            for program, table in tables.items()
        }
        self._tables = tables

    # The connection

    def connect_open(self, flags: int) -> None:
        session = current_session()
        if session.connection is not None:
            raise InternalError("this client has opened its connection already")
        session.connection = self
        session.tables = self._tables

    def connect_close(self) -> None:
        current_session().close_when_sent()

    def connect_get_lib_version(self) -> int:
        return LIBVIRT_VERSION

    # Servers

    def connect_list_servers(self, flags: int) -> list[ServerRef]:
        return [ServerRef(name) for name in self._daemon.servers]

    def connect_lookup_server(self, name: str, flags: int) -> ServerRef:
        return ServerRef(self._server(ServerRef(name)).name)

    def server_get_threadpool_parameters(self, srv: ServerRef, flags: int) -> TypedParams:
        workers = self._daemon.workers[self._server(srv).name]
        current = workers.minimum
        return {
            ThreadpoolField.WORKERS_MIN: UInt(workers.minimum),
            ThreadpoolField.WORKERS_MAX: UInt(workers.maximum),
            ThreadpoolField.WORKERS_CURRENT: UInt(current),
            ThreadpoolField.WORKERS_FREE: UInt(current),
            ThreadpoolField.WORKERS_PRIORITY: UInt(workers.priority),
            ThreadpoolField.JOB_QUEUE_DEPTH: UInt(0),
        }

    def server_set_threadpool_parameters(self, srv: ServerRef, params: TypedParams, flags: int) -> None:
        workers = self._daemon.workers[self._server(srv).name]
        known = (ThreadpoolField.WORKERS_MIN, ThreadpoolField.WORKERS_MAX, ThreadpoolField.WORKERS_PRIORITY)
        values = _numbers(params, known)
        minimum = values.get(ThreadpoolField.WORKERS_MIN, workers.minimum)
        maximum = values.get(ThreadpoolField.WORKERS_MAX, workers.maximum)
        priority = values.get(ThreadpoolField.WORKERS_PRIORITY, workers.priority)
        if not minimum <= maximum <= WORKERS_MAX or priority > WORKERS_MAX:
            raise InvalidArg(f"minWorkers {minimum} and maxWorkers {maximum}: the first must not be above the second")
        workers.minimum, workers.maximum, workers.priority = minimum, maximum, priority

    def server_get_client_limits(self, srv: ServerRef, flags: int) -> TypedParams:
        server = self._server(srv)
        anonymous = sum(1 for session in server.sessions.values() if not session.authenticated)
        return {
            ServerClientsField.MAX: UInt(server.limits.max_clients),
            ServerClientsField.CURRENT: UInt(len(server.sessions)),
            ServerClientsField.UNAUTH_MAX: UInt(server.limits.max_anonymous_clients),
            ServerClientsField.UNAUTH_CURRENT: UInt(anonymous),
        }

    def server_set_client_limits(self, srv: ServerRef, params: TypedParams, flags: int) -> None:
        server = self._server(srv)
        values = _numbers(params, (ServerClientsField.MAX, ServerClientsField.UNAUTH_MAX))
        server.set_client_limits(
            values.get(ServerClientsField.MAX, server.limits.max_clients),
            values.get(ServerClientsField.UNAUTH_MAX, server.limits.max_anonymous_clients),
        )

    def server_update_tls_files(self, srv: ServerRef, flags: int) -> None:
        self._server(srv)
        raise OperationUnsupported("this daemon has no TLS sockets whose files could be read again")

    # Clients

    def server_list_clients(self, srv: ServerRef, flags: int) -> list[ClientRef]:
        server = self._server(srv)
        return [_client_ref(server, session) for session in server.sessions.values()]

    def server_lookup_client(self, srv: ServerRef, id: int, flags: int) -> ClientRef:
        server = self._server(srv)
        return _client_ref(server, _session(server, id))

    def client_get_info(self, clnt: ClientRef, flags: int) -> TypedParams:
        session = _session(self._server(clnt.srv), clnt.id)
        identity = session.client.identity
        info: TypedParams = {ClientInfoField.READONLY: session.client.readonly}
        if identity.uid is not None:
            info[ClientInfoField.UNIX_USER_ID] = identity.uid
            info[ClientInfoField.UNIX_USER_NAME] = _user_name(identity.uid)
        if identity.gid is not None:
            info[ClientInfoField.UNIX_GROUP_ID] = identity.gid
            info[ClientInfoField.UNIX_GROUP_NAME] = _group_name(identity.gid)
        if identity.pid is not None:
            info[ClientInfoField.UNIX_PROCESS_ID] = identity.pid
        return info

    def client_close(self, clnt: ClientRef, flags: int) -> None:
        session = _session(self._server(clnt.srv), clnt.id)
        if session is current_session():
            session.close_when_sent()
        else:
            session.close("closed by an administrator")

    # Logging

    def connect_get_logging_outputs(self, flags: int) -> ConnectGetLoggingOutputs:
        text = self._daemon.logs.outputs_text()
        return ConnectGetLoggingOutputs(text, len(text.split()))

    def connect_get_logging_filters(self, flags: int) -> ConnectGetLoggingFilters:
        text = self._daemon.logs.filters_text()
        return ConnectGetLoggingFilters(text or None, len(text.split()))

    def connect_set_logging_outputs(self, outputs: str | None, flags: int) -> None:
        self._daemon.logs.set_outputs(outputs or "")

    def connect_set_logging_filters(self, filters: str | None, flags: int) -> None:
        self._daemon.logs.set_filters(filters or "")

    # The daemon

    def connect_set_daemon_timeout(self, timeout: int, flags: int) -> None:
        self._daemon.set_timeout(timeout)

    @supports(DaemonShutdownFlags.PRESERVE)
    def connect_daemon_shutdown(self, flags: int) -> None:
        """Guests are left running with or without PRESERVE: they are nobody's to stop but their users'."""
        self._daemon.shut_down()

    def _server(self, reference: ServerRef) -> Server:
        server = self._daemon.servers.get(reference.name)
        if server is None:
            names = ", ".join(f"'{name}'" for name in self._daemon.servers)
            raise NoServer(f"no server '{reference.name}'; there are {names}")
        return server


def _session(server: Server, id: int) -> Session:
    session = server.sessions.get(id)
    if session is None:
        raise NoClient(f"server '{server.name}' has no client {id}")
    return session


def _client_ref(server: Server, session: Session) -> ClientRef:
    return ClientRef(ServerRef(server.name), session.client.id, int(session.connected_at), ClientTransport.UNIX)


def _numbers(params: TypedParams, known: tuple[str, ...]) -> dict[str, int]:
    values: dict[str, int] = {}
    for key, value in params.items():
        if key not in known:
            raise ArgumentUnsupported(f"parameter '{key}' cannot be set; {', '.join(known)} can")
        if not isinstance(value, UInt):
            raise InvalidArg(f"parameter '{key}' must be an unsigned integer")
        values[key] = value
    return values


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _group_name(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)
