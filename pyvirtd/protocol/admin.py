"""The admin interface: the daemon itself, its servers and their clients."""

# mypy: disable-error-code="empty-body"
from __future__ import annotations

from typing import Annotated, NamedTuple

from pyvirtd.protocol.calls import Program, Reply, call, need_results
from pyvirtd.protocol.types import I64, U32, U64, Max, String, TypedParams

ADMIN = 0x6900690
ADMIN_SERVER_LIST_MAX = 16384
ADMIN_SERVER_THREADPOOL_PARAMETERS_MAX = 32
ADMIN_CLIENT_LIST_MAX = 16384
ADMIN_CLIENT_INFO_PARAMETERS_MAX = 64
ADMIN_SERVER_CLIENT_LIMITS_MAX = 32


class ServerRef(NamedTuple):
    name: String


class ClientRef(NamedTuple):
    srv: ServerRef
    id: U64
    timestamp: I64
    transport: U32


class ConnectGetLoggingOutputs(NamedTuple):
    """What connect_get_logging_outputs answers."""

    outputs: String
    noutputs: U32


class ConnectGetLoggingFilters(NamedTuple):
    """What connect_get_logging_filters answers."""

    filters: String | None
    nfilters: U32


class AdminCalls(Program, number=ADMIN):
    """The admin interface: the daemon itself, its servers and their clients."""

    @call(1)
    def connect_open(self, flags: U32) -> Reply[None]:
        """virAdmConnectOpen."""

    @call(2)
    def connect_close(self) -> Reply[None]:
        """virAdmConnectClose."""

    @call(3)
    def connect_get_lib_version(self) -> Reply[U64]:
        """virAdmConnectGetLibVersion."""

    @call(4, asks=need_results(arg=U32))
    def connect_list_servers(self, flags: U32) -> Reply[Annotated[list[ServerRef], Max(ADMIN_SERVER_LIST_MAX)]]:
        """virAdmConnectListServers."""

    @call(5)
    def connect_lookup_server(self, name: String, flags: U32) -> Reply[ServerRef]:
        """virAdmConnectLookupServer."""

    @call(6)
    def server_get_threadpool_parameters(
        self, srv: ServerRef, flags: U32
    ) -> Reply[Annotated[TypedParams, Max(ADMIN_SERVER_THREADPOOL_PARAMETERS_MAX)]]:
        """virAdmServerGetThreadPoolParameters."""

    @call(7)
    def server_set_threadpool_parameters(
        self, srv: ServerRef, params: Annotated[TypedParams, Max(ADMIN_SERVER_THREADPOOL_PARAMETERS_MAX)], flags: U32
    ) -> Reply[None]:
        """virAdmServerSetThreadPoolParameters."""

    @call(8, asks=need_results(arg=U32))
    def server_list_clients(
        self, srv: ServerRef, flags: U32
    ) -> Reply[Annotated[list[ClientRef], Max(ADMIN_CLIENT_LIST_MAX)]]:
        """virAdmServerListClients."""

    @call(9)
    def server_lookup_client(self, srv: ServerRef, id: U64, flags: U32) -> Reply[ClientRef]:
        """virAdmServerLookupClient."""

    @call(10)
    def client_get_info(
        self, clnt: ClientRef, flags: U32
    ) -> Reply[Annotated[TypedParams, Max(ADMIN_CLIENT_INFO_PARAMETERS_MAX)]]:
        """virAdmClientGetInfo."""

    @call(11)
    def client_close(self, clnt: ClientRef, flags: U32) -> Reply[None]:
        """virAdmClientClose."""

    @call(12)
    def server_get_client_limits(
        self, srv: ServerRef, flags: U32
    ) -> Reply[Annotated[TypedParams, Max(ADMIN_SERVER_CLIENT_LIMITS_MAX)]]:
        """virAdmServerGetClientLimits."""

    @call(13)
    def server_set_client_limits(
        self, srv: ServerRef, params: Annotated[TypedParams, Max(ADMIN_SERVER_CLIENT_LIMITS_MAX)], flags: U32
    ) -> Reply[None]:
        """virAdmServerSetClientLimits."""

    @call(14)
    def connect_get_logging_outputs(self, flags: U32) -> Reply[ConnectGetLoggingOutputs]:
        """virAdmConnectGetLoggingOutputs."""

    @call(15)
    def connect_get_logging_filters(self, flags: U32) -> Reply[ConnectGetLoggingFilters]:
        """virAdmConnectGetLoggingFilters."""

    @call(16)
    def connect_set_logging_outputs(self, outputs: String | None, flags: U32) -> Reply[None]:
        """virAdmConnectSetLoggingOutputs."""

    @call(17)
    def connect_set_logging_filters(self, filters: String | None, flags: U32) -> Reply[None]:
        """virAdmConnectSetLoggingFilters."""

    @call(18)
    def server_update_tls_files(self, srv: ServerRef, flags: U32) -> Reply[None]:
        """virAdmServerUpdateTlsFiles."""

    @call(19)
    def connect_set_daemon_timeout(self, timeout: U32, flags: U32) -> Reply[None]:
        """virAdmConnectSetDaemonTimeout."""

    @call(20)
    def connect_daemon_shutdown(self, flags: U32) -> Reply[None]:
        """virAdmConnectDaemonShutdown."""
