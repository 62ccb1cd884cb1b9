"""Save images, dumps and the job a domain is busy with."""

# mypy: disable-error-code="empty-body"
from __future__ import annotations

from typing import Annotated, NamedTuple

from pyvirtd.protocol.calls import Program, Reply, When, call
from pyvirtd.protocol.constants.domain_jobs import DomainCoreDumpFormat, DomainSaveImageXMLFlags
from pyvirtd.protocol.remote.limits import DOMAIN_JOB_STATS_MAX, DOMAIN_SAVE_PARAMS_MAX, REMOTE
from pyvirtd.protocol.types import I32, U32, U64, DomainRef, Max, String, TypedParams


class DomainGetJobInfo(NamedTuple):
    """What domain_get_job_info answers."""

    type: I32
    time_elapsed: U64
    time_remaining: U64
    data_total: U64
    data_processed: U64
    data_remaining: U64
    mem_total: U64
    mem_processed: U64
    mem_remaining: U64
    file_total: U64
    file_processed: U64
    file_remaining: U64


class DomainGetJobStats(NamedTuple):
    """What domain_get_job_stats answers."""

    type: I32
    params: Annotated[TypedParams, Max(DOMAIN_JOB_STATS_MAX)]


class DomainSaveCalls(Program, number=REMOTE):
    """Save images, dumps and the job a domain is busy with."""

    @call(53, acl="domain:core_dump", via="domain_core_dump_with_format")
    def domain_core_dump(self, dom: DomainRef, to: String, flags: U32) -> Reply[None]:
        """virDomainCoreDump."""

        return self.domain_core_dump_with_format(dom, to, DomainCoreDumpFormat.RAW, flags)

    @call(54, acl=("domain:start", "domain:write"), via="domain_restore_flags")
    def domain_restore(self, from_: String) -> Reply[None]:
        """virDomainRestore."""

        return self.domain_restore_flags(from_, None, 0)

    @call(55, acl="domain:hibernate", via="domain_save_flags")
    def domain_save(self, dom: DomainRef, to: String) -> Reply[None]:
        """virDomainSave."""

        return self.domain_save_flags(dom, to, None, 0)

    @call(163, acl="domain:read", ro=True)
    def domain_get_job_info(self, dom: DomainRef) -> Reply[DomainGetJobInfo]:
        """virDomainGetJobInfo."""

    @call(164, acl="domain:write", via="domain_abort_job_flags")
    def domain_abort_job(self, dom: DomainRef) -> Reply[None]:
        """virDomainAbortJob."""

        return self.domain_abort_job_flags(dom, 0)

    @call(182, acl="domain:hibernate")
    def domain_managed_save(self, dom: DomainRef, flags: U32) -> Reply[None]:
        """virDomainManagedSave."""

    @call(183, acl="domain:read", ro=True)
    def domain_has_managed_save_image(self, dom: DomainRef, flags: U32) -> Reply[I32]:
        """virDomainHasManagedSaveImage."""

    @call(184, acl="domain:hibernate")
    def domain_managed_save_remove(self, dom: DomainRef, flags: U32) -> Reply[None]:
        """virDomainManagedSaveRemove."""

    @call(232, acl="domain:hibernate")
    def domain_save_flags(self, dom: DomainRef, to: String, dxml: String | None, flags: U32) -> Reply[None]:
        """virDomainSaveFlags."""

    @call(233, acl=("domain:start", "domain:write"))
    def domain_restore_flags(self, from_: String, dxml: String | None, flags: U32) -> Reply[None]:
        """virDomainRestoreFlags."""

    @call(235, acl="domain:write", high=True)
    def domain_save_image_get_xml_desc(self, file: String, flags: U32) -> Reply[String]:
        """virDomainSaveImageGetXMLDesc."""

    @call(236, acl=("domain:write", "domain:hibernate"), high=True)
    def domain_save_image_define_xml(self, file: String, dxml: String, flags: U32) -> Reply[None]:
        """virDomainSaveImageDefineXML."""

    @call(298, acl="domain:read", ro=True)
    def domain_get_job_stats(self, dom: DomainRef, flags: U32) -> Reply[DomainGetJobStats]:
        """virDomainGetJobStats."""

    @call(334, acl="domain:core_dump")
    def domain_core_dump_with_format(self, dom: DomainRef, to: String, dumpformat: U32, flags: U32) -> Reply[None]:
        """virDomainCoreDumpWithFormat."""

    @call(388, acl=("domain:read", When("domain:read_secure", flags=DomainSaveImageXMLFlags.SECURE)), ro=True)
    def domain_managed_save_get_xml_desc(self, dom: DomainRef, flags: U32) -> Reply[String]:
        """virDomainManagedSaveGetXMLDesc."""

    @call(389, acl=("domain:write", "domain:hibernate"))
    def domain_managed_save_define_xml(self, dom: DomainRef, dxml: String | None, flags: U32) -> Reply[None]:
        """virDomainManagedSaveDefineXML."""

    @call(440, acl="domain:hibernate")
    def domain_save_params(
        self, dom: DomainRef, params: Annotated[TypedParams, Max(DOMAIN_SAVE_PARAMS_MAX)], flags: U32
    ) -> Reply[None]:
        """virDomainSaveParams."""

    @call(441, acl=("domain:start", "domain:write"))
    def domain_restore_params(
        self, params: Annotated[TypedParams, Max(DOMAIN_SAVE_PARAMS_MAX)], flags: U32
    ) -> Reply[None]:
        """virDomainRestoreParams."""

    @call(442, acl="domain:write")
    def domain_abort_job_flags(self, dom: DomainRef, flags: U32) -> Reply[None]:
        """virDomainAbortJobFlags."""
