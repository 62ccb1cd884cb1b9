"""Domains: finding, defining, running them."""

# mypy: disable-error-code="empty-body"
from __future__ import annotations

from typing import Annotated, NamedTuple

from pyvirtd.protocol.calls import Program, Reply, When, at_most, call, counted, names, need_results, nothing, then
from pyvirtd.protocol.constants.connect import ConnectListAllDomainsFlags
from pyvirtd.protocol.constants.domain import (
    DomainModificationImpact,
    DomainRebootFlags,
    DomainShutdownFlags,
    DomainXMLFlags,
)
from pyvirtd.protocol.params import number_of
from pyvirtd.protocol.remote.limits import (
    CONNECT_GET_ALL_DOMAIN_STATS_MAX,
    DOMAIN_LAUNCH_SECURITY_INFO_PARAMS_MAX,
    DOMAIN_LAUNCH_SECURITY_STATE_PARAMS_MAX,
    DOMAIN_LIST_MAX,
    DOMAIN_MESSAGES_MAX,
    REMOTE,
    SECURITY_LABEL_LIST_MAX,
    SECURITY_LABEL_MAX,
)
from pyvirtd.protocol.remote.permissions import SAVES
from pyvirtd.protocol.types import (
    I32,
    I64,
    U32,
    U64,
    Chars,
    DomainRef,
    Max,
    String,
    TypedParams,
    UChar,
    UShort,
    Uuid,
    plain,
)


class DomainGetInfo(NamedTuple):
    """What domain_get_info answers."""

    state: UChar
    max_mem: U64
    memory: U64
    nr_virt_cpu: UShort
    cpu_time: U64


class DomainInterfaceStats(NamedTuple):
    """What domain_interface_stats answers."""

    rx_bytes: I64
    rx_packets: I64
    rx_errs: I64
    rx_drop: I64
    tx_bytes: I64
    tx_packets: I64
    tx_errs: I64
    tx_drop: I64


class DomainGetSecurityLabel(NamedTuple):
    """What domain_get_security_label answers."""

    label: Annotated[str, Chars(SECURITY_LABEL_MAX)]
    enforcing: I32


class DomainGetState(NamedTuple):
    """What domain_get_state answers."""

    state: I32
    reason: I32


class DomainGetControlInfo(NamedTuple):
    """What domain_get_control_info answers."""

    state: U32
    details: U32
    state_time: U64


class DomainStatsRecord(NamedTuple):
    dom: DomainRef
    params: Annotated[TypedParams, Max(CONNECT_GET_ALL_DOMAIN_STATS_MAX)]


class DomainCalls(Program, number=REMOTE):
    """Domains: finding, defining, running them."""

    @call(8, acl="domain:write", via="domain_attach_device_flags")
    def domain_attach_device(self, dom: DomainRef, xml: String) -> Reply[None]:
        """virDomainAttachDevice."""

        return self.domain_attach_device_flags(dom, xml, DomainModificationImpact.LIVE)

    @call(9, acl="domain:start", via="domain_create_with_flags")
    def domain_create(self, dom: DomainRef) -> Reply[None]:
        """virDomainCreate."""

        return then(self.domain_create_with_flags(dom, 0), nothing)

    @call(10, acl=("domain:write", "domain:start"), via="domain_create_xml_with_files")
    def domain_create_xml(self, xml_desc: String, flags: U32) -> Reply[DomainRef]:
        """virDomainCreateXML."""

        return self.domain_create_xml_with_files(xml_desc, flags, [])

    @call(11, acl=("domain:write", "domain:save"), high=True, via="domain_define_xml_flags")
    def domain_define_xml(self, xml: String) -> Reply[DomainRef]:
        """virDomainDefineXML."""

        return self.domain_define_xml_flags(xml, 0)

    @call(12, acl="domain:stop", high=True, via="domain_destroy_flags")
    def domain_destroy(self, dom: DomainRef) -> Reply[None]:
        """virDomainDestroy."""

        return self.domain_destroy_flags(dom, 0)

    @call(13, acl="domain:write", via="domain_detach_device_flags")
    def domain_detach_device(self, dom: DomainRef, xml: String) -> Reply[None]:
        """virDomainDetachDevice."""

        return self.domain_detach_device_flags(dom, xml, DomainModificationImpact.LIVE)

    @call(
        14,
        acl=(
            "domain:read",
            When("domain:read_secure", flags=DomainXMLFlags.SECURE),
            When("domain:read_secure", flags=DomainXMLFlags.MIGRATABLE),
        ),
        ro=True,
    )
    def domain_get_xml_desc(self, dom: DomainRef, flags: U32) -> Reply[String]:
        """virDomainGetXMLDesc."""

    @call(15, acl="domain:read", ro=True, high=True)
    def domain_get_autostart(self, dom: DomainRef) -> Reply[I32]:
        """virDomainGetAutostart."""

    @call(16, acl="domain:read", ro=True)
    def domain_get_info(self, dom: DomainRef) -> Reply[DomainGetInfo]:
        """virDomainGetInfo."""

    @call(19, acl="domain:read", ro=True, high=True)
    def domain_get_os_type(self, dom: DomainRef) -> Reply[String]:
        """virDomainGetOSType."""

    @call(
        21,
        acl="connect:search_domains",
        filter="domain:getattr",
        ro=True,
        high=True,
        asks=at_most("maxnames"),
        via="connect_list_all_domains",
    )
    def connect_list_defined_domains(self) -> Reply[Annotated[list[String], Max(DOMAIN_LIST_MAX)]]:
        """virConnectListDefinedDomains."""

        return then(self.connect_list_all_domains(ConnectListAllDomainsFlags.INACTIVE), names)

    @call(22, acl="domain:getattr", ro=True, high=True)
    def domain_lookup_by_id(self, id: I32) -> Reply[DomainRef]:
        """virDomainLookupByID."""

    @call(23, acl="domain:getattr", ro=True, high=True)
    def domain_lookup_by_name(self, name: String) -> Reply[DomainRef]:
        """virDomainLookupByName."""

    @call(24, acl="domain:getattr", ro=True, high=True)
    def domain_lookup_by_uuid(self, uuid: Uuid) -> Reply[DomainRef]:
        """virDomainLookupByUUID."""

    @call(25, acl="connect:search_domains", filter="domain:getattr", ro=True, high=True, via="connect_list_all_domains")
    def connect_num_of_defined_domains(self) -> Reply[I32]:
        """virConnectNumOfDefinedDomains."""

        return then(self.connect_list_all_domains(ConnectListAllDomainsFlags.INACTIVE), number_of)

    @call(27, acl=("domain:init_control", When("domain:write", flags=DomainRebootFlags.GUEST_AGENT)))
    def domain_reboot(self, dom: DomainRef, flags: U32) -> Reply[None]:
        """virDomainReboot."""

    @call(28, acl="domain:suspend")
    def domain_resume(self, dom: DomainRef) -> Reply[None]:
        """virDomainResume."""

    @call(29, acl="domain:write", high=True)
    def domain_set_autostart(self, dom: DomainRef, autostart: I32) -> Reply[None]:
        """virDomainSetAutostart."""

    @call(33, acl="domain:init_control", via="domain_shutdown_flags")
    def domain_shutdown(self, dom: DomainRef) -> Reply[None]:
        """virDomainShutdown."""

        return self.domain_shutdown_flags(dom, 0)

    @call(34, acl="domain:suspend")
    def domain_suspend(self, dom: DomainRef) -> Reply[None]:
        """virDomainSuspend."""

    @call(35, acl="domain:delete", high=True, via="domain_undefine_flags")
    def domain_undefine(self, dom: DomainRef) -> Reply[None]:
        """virDomainUndefine."""

        return self.domain_undefine_flags(dom, 0)

    @call(
        37,
        acl="connect:search_domains",
        filter="domain:getattr",
        ro=True,
        high=True,
        asks=at_most("maxids"),
        via="connect_list_all_domains",
    )
    def connect_list_domains(self) -> Reply[Annotated[list[I32], Max(DOMAIN_LIST_MAX)]]:
        """virConnectListDomains."""

        active = self.connect_list_all_domains(ConnectListAllDomainsFlags.ACTIVE)
        return then(active, lambda refs: [plain(ref).id for ref in plain(refs)])

    @call(51, acl="connect:search_domains", filter="domain:getattr", ro=True, high=True, via="connect_list_all_domains")
    def connect_num_of_domains(self) -> Reply[I32]:
        """virConnectNumOfDomains."""

        return then(self.connect_list_all_domains(ConnectListAllDomainsFlags.ACTIVE), number_of)

    @call(65, acl="domain:read", ro=True, high=True)
    def domain_interface_stats(self, dom: DomainRef, device: String) -> Reply[DomainInterfaceStats]:
        """virDomainInterfaceStats."""

    @call(121, acl="domain:read", ro=True, high=True)
    def domain_get_security_label(self, dom: DomainRef) -> Reply[DomainGetSecurityLabel]:
        """virDomainGetSecurityLabel."""

    @call(150, acl="domain:read", ro=True, high=True)
    def domain_is_active(self, dom: DomainRef) -> Reply[I32]:
        """virDomainIsActive."""

    @call(151, acl="domain:read", ro=True, high=True)
    def domain_is_persistent(self, dom: DomainRef) -> Reply[I32]:
        """virDomainIsPersistent."""

    @call(160, acl=("domain:write", *SAVES))
    def domain_attach_device_flags(self, dom: DomainRef, xml: String, flags: U32) -> Reply[None]:
        """virDomainAttachDeviceFlags."""

    @call(161, acl=("domain:write", *SAVES))
    def domain_detach_device_flags(self, dom: DomainRef, xml: String, flags: U32) -> Reply[None]:
        """virDomainDetachDeviceFlags."""

    @call(174, acl=("domain:write", *SAVES))
    def domain_update_device_flags(self, dom: DomainRef, xml: String, flags: U32) -> Reply[None]:
        """virDomainUpdateDeviceFlags."""

    @call(196, acl="domain:start", via="domain_create_with_files")
    def domain_create_with_flags(self, dom: DomainRef, flags: U32) -> Reply[DomainRef]:
        """virDomainCreateWithFlags."""

        return self.domain_create_with_files(dom, flags, [])

    @call(202, acl="domain:read", ro=True, high=True)
    def domain_is_updated(self, dom: DomainRef) -> Reply[I32]:
        """virDomainIsUpdated."""

    @call(212, acl="domain:read", ro=True, high=True)
    def domain_get_state(self, dom: DomainRef, flags: U32) -> Reply[DomainGetState]:
        """virDomainGetState."""

    @call(229, acl="domain:read", ro=True, high=True)
    def domain_get_control_info(self, dom: DomainRef, flags: U32) -> Reply[DomainGetControlInfo]:
        """virDomainGetControlInfo."""

    @call(231, acl="domain:delete", high=True)
    def domain_undefine_flags(self, dom: DomainRef, flags: U32) -> Reply[None]:
        """virDomainUndefineFlags."""

    @call(234, acl="domain:stop", high=True)
    def domain_destroy_flags(self, dom: DomainRef, flags: U32) -> Reply[None]:
        """virDomainDestroyFlags."""

    @call(245, acl="domain:reset")
    def domain_reset(self, dom: DomainRef, flags: U32) -> Reply[None]:
        """virDomainReset."""

    @call(258, acl=("domain:init_control", When("domain:write", flags=DomainShutdownFlags.GUEST_AGENT)))
    def domain_shutdown_flags(self, dom: DomainRef, flags: U32) -> Reply[None]:
        """virDomainShutdownFlags."""

    @call(264, acl=("domain:write", *SAVES))
    def domain_set_metadata(
        self, dom: DomainRef, type: I32, metadata: String | None, key: String | None, uri: String | None, flags: U32
    ) -> Reply[None]:
        """virDomainSetMetadata."""

    @call(265, acl="domain:read", ro=True)
    def domain_get_metadata(self, dom: DomainRef, type: I32, uri: String | None, flags: U32) -> Reply[String]:
        """virDomainGetMetadata."""

    @call(273, acl="connect:search_domains", filter="domain:getattr", ro=True, high=True, asks=need_results())
    def connect_list_all_domains(self, flags: U32) -> Reply[Annotated[list[DomainRef], Max(DOMAIN_LIST_MAX)]]:
        """virConnectListAllDomains."""

    @call(278, acl="domain:read", ro=True, high=True, asks=counted(I32))
    def domain_get_security_label_list(
        self, dom: DomainRef
    ) -> Reply[Annotated[list[DomainGetSecurityLabel], Max(SECURITY_LABEL_LIST_MAX)]]:
        """virDomainGetSecurityLabelList."""

    @call(309, acl=("domain:write", "domain:start"), files="in")
    def domain_create_xml_with_files(self, xml_desc: String, flags: U32, files: list[int]) -> Reply[DomainRef]:
        """virDomainCreateXMLWithFiles."""

    @call(310, acl="domain:start", files="in")
    def domain_create_with_files(self, dom: DomainRef, flags: U32, files: list[int]) -> Reply[DomainRef]:
        """virDomainCreateWithFiles."""

    @call(344, acl="connect:search_domains", filter="domain:read", ro=True)
    def connect_get_all_domain_stats(
        self, doms: Annotated[list[DomainRef], Max(DOMAIN_LIST_MAX)], stats: U32, flags: U32
    ) -> Reply[Annotated[list[DomainStatsRecord], Max(DOMAIN_LIST_MAX)]]:
        """virConnectGetAllDomainStats."""

    @call(350, acl=("domain:write", "domain:save"), high=True)
    def domain_define_xml_flags(self, xml: String, flags: U32) -> Reply[DomainRef]:
        """virDomainDefineXMLFlags."""

    @call(358, acl=("domain:write", "domain:save"))
    def domain_rename(self, dom: DomainRef, new_name: String | None, flags: U32) -> Reply[I32]:
        """virDomainRename."""

    @call(390, acl="domain:write")
    def domain_set_lifecycle_action(self, dom: DomainRef, type: U32, action: U32, flags: U32) -> Reply[None]:
        """virDomainSetLifecycleAction."""

    @call(392, acl=("domain:write", *SAVES))
    def domain_detach_device_alias(self, dom: DomainRef, alias: String, flags: U32) -> Reply[None]:
        """virDomainDetachDeviceAlias."""

    @call(396, acl="domain:read")
    def domain_get_launch_security_info(
        self, dom: DomainRef, flags: U32
    ) -> Reply[Annotated[TypedParams, Max(DOMAIN_LAUNCH_SECURITY_INFO_PARAMS_MAX)]]:
        """virDomainGetLaunchSecurityInfo."""

    @call(426, acl="domain:read", ro=True)
    def domain_get_messages(
        self, dom: DomainRef, flags: U32
    ) -> Reply[Annotated[list[String], Max(DOMAIN_MESSAGES_MAX)]]:
        """virDomainGetMessages."""

    @call(439, acl="domain:write")
    def domain_set_launch_security_state(
        self, dom: DomainRef, params: Annotated[TypedParams, Max(DOMAIN_LAUNCH_SECURITY_STATE_PARAMS_MAX)], flags: U32
    ) -> Reply[None]:
        """virDomainSetLaunchSecurityState."""

    @call(443, acl="domain:write", files="in")
    def domain_fd_associate(self, dom: DomainRef, name: String, flags: U32, files: list[int]) -> Reply[None]:
        """virDomainFDAssociate."""

    @call(449, acl="domain:read", ro=True, high=True)
    def domain_get_autostart_once(self, dom: DomainRef) -> Reply[I32]:
        """virDomainGetAutostartOnce."""

    @call(450, acl="domain:write", high=True)
    def domain_set_autostart_once(self, dom: DomainRef, autostart: I32) -> Reply[None]:
        """virDomainSetAutostartOnce."""
