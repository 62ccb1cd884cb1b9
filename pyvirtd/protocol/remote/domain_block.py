"""A domain's disks."""

# mypy: disable-error-code="empty-body"
from __future__ import annotations

from typing import Annotated, NamedTuple

from pyvirtd.protocol.calls import Program, Reply, at_most, call, nparams
from pyvirtd.protocol.remote.limits import (
    DOMAIN_BLOCK_COPY_PARAMETERS_MAX,
    DOMAIN_BLOCK_IO_TUNE_PARAMETERS_MAX,
    DOMAIN_BLOCK_PEEK_BUFFER_MAX,
    DOMAIN_BLOCK_STATS_PARAMETERS_MAX,
    DOMAIN_DISK_ERRORS_MAX,
    REMOTE,
)
from pyvirtd.protocol.remote.permissions import SAVES
from pyvirtd.protocol.types import I32, I64, U32, U64, DomainRef, Max, String, TypedParams


class DomainBlockStats(NamedTuple):
    """What domain_block_stats answers."""

    rd_req: I64
    rd_bytes: I64
    wr_req: I64
    wr_bytes: I64
    errs: I64


class DomainGetBlockInfo(NamedTuple):
    """What domain_get_block_info answers."""

    allocation: U64
    capacity: U64
    physical: U64


class DomainGetBlockJobInfo(NamedTuple):
    """What domain_get_block_job_info answers."""

    found: I32
    type: I32
    bandwidth: U64
    cur: U64
    end: U64


class DomainDiskError(NamedTuple):
    disk: String
    error: I32


class DomainBlockCalls(Program, number=REMOTE):
    """A domain's disks."""

    @call(64, acl="domain:read", ro=True)
    def domain_block_stats(self, dom: DomainRef, path: String) -> Reply[DomainBlockStats]:
        """virDomainBlockStats."""

    @call(103, acl="domain:block_read")
    def domain_block_peek(
        self, dom: DomainRef, path: String, offset: U64, size: U32, flags: U32
    ) -> Reply[Annotated[bytes, Max(DOMAIN_BLOCK_PEEK_BUFFER_MAX)]]:
        """virDomainBlockPeek."""

    @call(194, acl="domain:read", ro=True)
    def domain_get_block_info(self, dom: DomainRef, path: String, flags: U32) -> Reply[DomainGetBlockInfo]:
        """virDomainGetBlockInfo."""

    @call(237, acl="domain:write")
    def domain_block_job_abort(self, dom: DomainRef, path: String, flags: U32) -> Reply[None]:
        """virDomainBlockJobAbort."""

    @call(238, acl="domain:read", ro=True)
    def domain_get_block_job_info(self, dom: DomainRef, path: String, flags: U32) -> Reply[DomainGetBlockJobInfo]:
        """virDomainGetBlockJobInfo."""

    @call(239, acl="domain:write")
    def domain_block_job_set_speed(self, dom: DomainRef, path: String, bandwidth: U64, flags: U32) -> Reply[None]:
        """virDomainBlockJobSetSpeed."""

    @call(240, acl="domain:block_write", via="domain_block_rebase")
    def domain_block_pull(self, dom: DomainRef, path: String, bandwidth: U64, flags: U32) -> Reply[None]:
        """virDomainBlockPull."""

        return self.domain_block_rebase(dom, path, None, bandwidth, flags)

    @call(243, acl="domain:read", ro=True, asks=nparams())
    def domain_block_stats_flags(
        self, dom: DomainRef, path: String, flags: U32
    ) -> Reply[Annotated[TypedParams, Max(DOMAIN_BLOCK_STATS_PARAMETERS_MAX)]]:
        """virDomainBlockStatsFlags."""

    @call(251, acl="domain:block_write")
    def domain_block_resize(self, dom: DomainRef, disk: String, size: U64, flags: U32) -> Reply[None]:
        """virDomainBlockResize."""

    @call(252, acl=("domain:write", *SAVES))
    def domain_set_block_io_tune(
        self,
        dom: DomainRef,
        disk: String,
        params: Annotated[TypedParams, Max(DOMAIN_BLOCK_IO_TUNE_PARAMETERS_MAX)],
        flags: U32,
    ) -> Reply[None]:
        """virDomainSetBlockIoTune."""

    @call(253, acl="domain:read", ro=True, asks=nparams())
    def domain_get_block_io_tune(
        self, dom: DomainRef, disk: String | None, flags: U32
    ) -> Reply[Annotated[TypedParams, Max(DOMAIN_BLOCK_IO_TUNE_PARAMETERS_MAX)]]:
        """virDomainGetBlockIoTune."""

    @call(263, acl="domain:read", ro=True, asks=at_most("maxerrors", arg=U32, ret=I32))
    def domain_get_disk_errors(
        self, dom: DomainRef, flags: U32
    ) -> Reply[Annotated[list[DomainDiskError], Max(DOMAIN_DISK_ERRORS_MAX)]]:
        """virDomainGetDiskErrors."""

    @call(266, acl="domain:block_write")
    def domain_block_rebase(
        self, dom: DomainRef, path: String, base: String | None, bandwidth: U64, flags: U32
    ) -> Reply[None]:
        """virDomainBlockRebase."""

    @call(290, acl="domain:block_write")
    def domain_block_commit(
        self, dom: DomainRef, disk: String, base: String | None, top: String | None, bandwidth: U64, flags: U32
    ) -> Reply[None]:
        """virDomainBlockCommit."""

    @call(345, acl="domain:block_write")
    def domain_block_copy(
        self,
        dom: DomainRef,
        path: String,
        destxml: String,
        params: Annotated[TypedParams, Max(DOMAIN_BLOCK_COPY_PARAMETERS_MAX)],
        flags: U32,
    ) -> Reply[None]:
        """virDomainBlockCopy."""

    @call(386, acl="domain:write")
    def domain_set_block_threshold(self, dom: DomainRef, dev: String, threshold: U64, flags: U32) -> Reply[None]:
        """virDomainSetBlockThreshold."""

    @call(451, acl=("domain:write", *SAVES))
    def domain_set_throttle_group(
        self,
        dom: DomainRef,
        group: String,
        params: Annotated[TypedParams, Max(DOMAIN_BLOCK_IO_TUNE_PARAMETERS_MAX)],
        flags: U32,
    ) -> Reply[None]:
        """virDomainSetThrottleGroup."""

    @call(452, acl=("domain:write", *SAVES))
    def domain_del_throttle_group(self, dom: DomainRef, group: String | None, flags: U32) -> Reply[None]:
        """virDomainDelThrottleGroup."""
