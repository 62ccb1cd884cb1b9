"""Moving domains to another host."""

# mypy: disable-error-code="empty-body"
from __future__ import annotations

from typing import Annotated, NamedTuple

from pyvirtd.protocol.calls import Program, Reply, Stream, call
from pyvirtd.protocol.remote.limits import DOMAIN_MIGRATE_PARAM_LIST_MAX, MIGRATE_COOKIE_MAX, REMOTE
from pyvirtd.protocol.types import I32, U32, U64, DomainRef, Max, String, TypedParams


class DomainMigratePrepare(NamedTuple):
    """What domain_migrate_prepare answers."""

    cookie: Annotated[bytes, Max(MIGRATE_COOKIE_MAX)]
    uri_out: String | None


class DomainMigratePrepare2(NamedTuple):
    """What domain_migrate_prepare2 answers."""

    cookie: Annotated[bytes, Max(MIGRATE_COOKIE_MAX)]
    uri_out: String | None


class DomainMigrateBegin3(NamedTuple):
    """What domain_migrate_begin3 answers."""

    cookie_out: Annotated[bytes, Max(MIGRATE_COOKIE_MAX)]
    xml: String


class DomainMigratePrepare3(NamedTuple):
    """What domain_migrate_prepare3 answers."""

    cookie_out: Annotated[bytes, Max(MIGRATE_COOKIE_MAX)]
    uri_out: String | None


class DomainMigrateFinish3(NamedTuple):
    """What domain_migrate_finish3 answers."""

    dom: DomainRef
    cookie_out: Annotated[bytes, Max(MIGRATE_COOKIE_MAX)]


class DomainMigrateBegin3Params(NamedTuple):
    """What domain_migrate_begin3_params answers."""

    cookie_out: Annotated[bytes, Max(MIGRATE_COOKIE_MAX)]
    xml: String


class DomainMigratePrepare3Params(NamedTuple):
    """What domain_migrate_prepare3_params answers."""

    cookie_out: Annotated[bytes, Max(MIGRATE_COOKIE_MAX)]
    uri_out: String | None


class DomainMigrateFinish3Params(NamedTuple):
    """What domain_migrate_finish3_params answers."""

    dom: DomainRef
    cookie_out: Annotated[bytes, Max(MIGRATE_COOKIE_MAX)]


class DomainMigrationCalls(Program, number=REMOTE):
    """Moving domains to another host."""

    @call(61, acl=("domain:migrate", "domain:start", "domain:write"))
    def domain_migrate_prepare(
        self, uri_in: String | None, flags: U64, dname: String | None, bandwidth: U64
    ) -> Reply[DomainMigratePrepare]: ...

    @call(62, acl="domain:migrate")
    def domain_migrate_perform(
        self,
        dom: DomainRef,
        cookie: Annotated[bytes, Max(MIGRATE_COOKIE_MAX)],
        uri: String,
        flags: U64,
        dname: String | None,
        bandwidth: U64,
    ) -> Reply[None]: ...

    @call(63, acl="domain:migrate")
    def domain_migrate_finish(
        self, dname: String, cookie: Annotated[bytes, Max(MIGRATE_COOKIE_MAX)], uri: String, flags: U64
    ) -> Reply[DomainRef]: ...

    @call(108, acl=("domain:migrate", "domain:start", "domain:write"))
    def domain_migrate_prepare2(
        self, uri_in: String | None, flags: U64, dname: String | None, bandwidth: U64, dom_xml: String
    ) -> Reply[DomainMigratePrepare2]: ...

    @call(109, acl="domain:migrate")
    def domain_migrate_finish2(
        self, dname: String, cookie: Annotated[bytes, Max(MIGRATE_COOKIE_MAX)], uri: String, flags: U64, retcode: I32
    ) -> Reply[DomainRef]: ...

    @call(148, acl=("domain:migrate", "domain:start", "domain:write"), stream="write")
    def domain_migrate_prepare_tunnel(
        self, flags: U64, dname: String | None, bandwidth: U64, dom_xml: String, stream: Stream
    ) -> Reply[None]: ...

    @call(166, acl="domain:migrate")
    def domain_migrate_set_max_downtime(self, dom: DomainRef, downtime: U64, flags: U32) -> Reply[None]:
        """virDomainMigrateSetMaxDowntime."""

    @call(207, acl="domain:migrate")
    def domain_migrate_set_max_speed(self, dom: DomainRef, bandwidth: U64, flags: U32) -> Reply[None]:
        """virDomainMigrateSetMaxSpeed."""

    @call(213, acl="domain:migrate")
    def domain_migrate_begin3(
        self, dom: DomainRef, xmlin: String | None, flags: U64, dname: String | None, bandwidth: U64
    ) -> Reply[DomainMigrateBegin3]: ...

    @call(214, acl=("domain:migrate", "domain:start", "domain:write"))
    def domain_migrate_prepare3(
        self,
        cookie_in: Annotated[bytes, Max(MIGRATE_COOKIE_MAX)],
        uri_in: String | None,
        flags: U64,
        dname: String | None,
        bandwidth: U64,
        dom_xml: String,
    ) -> Reply[DomainMigratePrepare3]: ...

    @call(215, acl=("domain:migrate", "domain:start", "domain:write"), stream="write")
    def domain_migrate_prepare_tunnel3(
        self,
        cookie_in: Annotated[bytes, Max(MIGRATE_COOKIE_MAX)],
        flags: U64,
        dname: String | None,
        bandwidth: U64,
        dom_xml: String,
        stream: Stream,
    ) -> Reply[Annotated[bytes, Max(MIGRATE_COOKIE_MAX)]]: ...

    @call(216, acl="domain:migrate")
    def domain_migrate_perform3(
        self,
        dom: DomainRef,
        xmlin: String | None,
        cookie_in: Annotated[bytes, Max(MIGRATE_COOKIE_MAX)],
        dconnuri: String | None,
        uri: String | None,
        flags: U64,
        dname: String | None,
        bandwidth: U64,
    ) -> Reply[Annotated[bytes, Max(MIGRATE_COOKIE_MAX)]]: ...

    @call(217, acl="domain:migrate")
    def domain_migrate_finish3(
        self,
        dname: String,
        cookie_in: Annotated[bytes, Max(MIGRATE_COOKIE_MAX)],
        dconnuri: String | None,
        uri: String | None,
        flags: U64,
        cancelled: I32,
    ) -> Reply[DomainMigrateFinish3]: ...

    @call(218, acl="domain:migrate")
    def domain_migrate_confirm3(
        self, dom: DomainRef, cookie_in: Annotated[bytes, Max(MIGRATE_COOKIE_MAX)], flags: U64, cancelled: I32
    ) -> Reply[None]: ...

    @call(242, acl="domain:migrate")
    def domain_migrate_get_max_speed(self, dom: DomainRef, flags: U32) -> Reply[U64]:
        """virDomainMigrateGetMaxSpeed."""

    @call(299, acl="domain:migrate")
    def domain_migrate_get_compression_cache(self, dom: DomainRef, flags: U32) -> Reply[U64]:
        """virDomainMigrateGetCompressionCache."""

    @call(300, acl="domain:migrate")
    def domain_migrate_set_compression_cache(self, dom: DomainRef, cache_size: U64, flags: U32) -> Reply[None]:
        """virDomainMigrateSetCompressionCache."""

    @call(302, acl="domain:migrate")
    def domain_migrate_begin3_params(
        self, dom: DomainRef, params: Annotated[TypedParams, Max(DOMAIN_MIGRATE_PARAM_LIST_MAX)], flags: U32
    ) -> Reply[DomainMigrateBegin3Params]: ...

    @call(303, acl=("domain:migrate", "domain:start", "domain:write"))
    def domain_migrate_prepare3_params(
        self,
        params: Annotated[TypedParams, Max(DOMAIN_MIGRATE_PARAM_LIST_MAX)],
        cookie_in: Annotated[bytes, Max(MIGRATE_COOKIE_MAX)],
        flags: U32,
    ) -> Reply[DomainMigratePrepare3Params]: ...

    @call(304, acl=("domain:migrate", "domain:start", "domain:write"), stream="write")
    def domain_migrate_prepare_tunnel3_params(
        self,
        params: Annotated[TypedParams, Max(DOMAIN_MIGRATE_PARAM_LIST_MAX)],
        cookie_in: Annotated[bytes, Max(MIGRATE_COOKIE_MAX)],
        flags: U32,
        stream: Stream,
    ) -> Reply[Annotated[bytes, Max(MIGRATE_COOKIE_MAX)]]: ...

    @call(305, acl="domain:migrate")
    def domain_migrate_perform3_params(
        self,
        dom: DomainRef,
        dconnuri: String | None,
        params: Annotated[TypedParams, Max(DOMAIN_MIGRATE_PARAM_LIST_MAX)],
        cookie_in: Annotated[bytes, Max(MIGRATE_COOKIE_MAX)],
        flags: U32,
    ) -> Reply[Annotated[bytes, Max(MIGRATE_COOKIE_MAX)]]: ...

    @call(306, acl="domain:migrate")
    def domain_migrate_finish3_params(
        self,
        params: Annotated[TypedParams, Max(DOMAIN_MIGRATE_PARAM_LIST_MAX)],
        cookie_in: Annotated[bytes, Max(MIGRATE_COOKIE_MAX)],
        flags: U32,
        cancelled: I32,
    ) -> Reply[DomainMigrateFinish3Params]: ...

    @call(307, acl="domain:migrate")
    def domain_migrate_confirm3_params(
        self,
        dom: DomainRef,
        params: Annotated[TypedParams, Max(DOMAIN_MIGRATE_PARAM_LIST_MAX)],
        cookie_in: Annotated[bytes, Max(MIGRATE_COOKIE_MAX)],
        flags: U32,
        cancelled: I32,
    ) -> Reply[None]: ...

    @call(364, acl="domain:migrate")
    def domain_migrate_start_post_copy(self, dom: DomainRef, flags: U32) -> Reply[None]:
        """virDomainMigrateStartPostCopy."""

    @call(387, acl="domain:migrate")
    def domain_migrate_get_max_downtime(self, dom: DomainRef, flags: U32) -> Reply[U64]:
        """virDomainMigrateGetMaxDowntime."""
