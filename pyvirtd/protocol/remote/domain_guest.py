"""What reaches into a guest: its agent, its consoles and screens, its keys and memory."""

# mypy: disable-error-code="empty-body"
from __future__ import annotations

from typing import Annotated, NamedTuple

from pyvirtd.protocol.calls import Passed, Program, Reply, Stream, When, call, counted
from pyvirtd.protocol.constants.domain import DomainInterfaceAddressesSource
from pyvirtd.protocol.remote.limits import (
    DOMAIN_ANNOUNCE_INTERFACE_PARAMS_MAX,
    DOMAIN_AUTHORIZED_SSH_KEYS_MAX,
    DOMAIN_FSFREEZE_MOUNTPOINTS_MAX,
    DOMAIN_FSINFO_DISKS_MAX,
    DOMAIN_FSINFO_MAX,
    DOMAIN_GUEST_INFO_PARAMS_MAX,
    DOMAIN_GUEST_VCPU_PARAMS_MAX,
    DOMAIN_INTERFACE_MAX,
    DOMAIN_IP_ADDR_MAX,
    DOMAIN_MEMORY_PEEK_BUFFER_MAX,
    DOMAIN_SEND_KEY_MAX,
    REMOTE,
)
from pyvirtd.protocol.types import I32, I64, U32, U64, DomainRef, Max, String, TypedParams


class DomainGetTime(NamedTuple):
    """What domain_get_time answers."""

    seconds: I64
    nseconds: U32


class DomainFsinfo(NamedTuple):
    mountpoint: String
    name: String
    fstype: String
    dev_aliases: Annotated[list[String], Max(DOMAIN_FSINFO_DISKS_MAX)]


class DomainIpAddr(NamedTuple):
    type: I32
    addr: String
    prefix: U32


class DomainInterface(NamedTuple):
    name: String
    hwaddr: String | None
    addrs: Annotated[list[DomainIpAddr], Max(DOMAIN_IP_ADDR_MAX)]


class DomainGuestCalls(Program, number=REMOTE):
    """What reaches into a guest: its agent, its consoles and screens, its keys and memory."""

    @call(104, acl="domain:mem_read")
    def domain_memory_peek(
        self, dom: DomainRef, offset: U64, size: U32, flags: U32
    ) -> Reply[Annotated[bytes, Max(DOMAIN_MEMORY_PEEK_BUFFER_MAX)]]:
        """virDomainMemoryPeek."""

    @call(201, acl="domain:open_device", stream="read")
    def domain_open_console(self, dom: DomainRef, dev_name: String | None, flags: U32, stream: Stream) -> Reply[None]:
        """virDomainOpenConsole."""

    @call(210, acl="domain:inject_nmi")
    def domain_inject_nmi(self, dom: DomainRef, flags: U32) -> Reply[None]:
        """virDomainInjectNMI."""

    @call(211, acl="domain:screenshot", stream="read")
    def domain_screenshot(self, dom: DomainRef, screen: U32, flags: U32, stream: Stream) -> Reply[String | None]:
        """virDomainScreenshot."""

    @call(226, acl="domain:send_input")
    def domain_send_key(
        self,
        dom: DomainRef,
        codeset: U32,
        holdtime: U32,
        keycodes: Annotated[list[U32], Max(DOMAIN_SEND_KEY_MAX)],
        flags: U32,
    ) -> Reply[None]:
        """virDomainSendKey."""

    @call(249, acl="domain:open_graphics", files="in")
    def domain_open_graphics(self, dom: DomainRef, idx: U32, flags: U32, files: list[int]) -> Reply[None]:
        """virDomainOpenGraphics."""

    @call(261, acl="domain:pm_control")
    def domain_pm_suspend_for_duration(self, dom: DomainRef, target: U32, duration: U64, flags: U32) -> Reply[None]:
        """virDomainPMSuspendForDuration."""

    @call(267, acl="domain:pm_control")
    def domain_pm_wakeup(self, dom: DomainRef, flags: U32) -> Reply[None]:
        """virDomainPMWakeup."""

    @call(277, acl="domain:write")
    def domain_get_hostname(self, dom: DomainRef, flags: U32) -> Reply[String]:
        """virDomainGetHostname."""

    @call(294, acl="domain:fs_trim")
    def domain_fstrim(self, dom: DomainRef, mount_point: String | None, minimum: U64, flags: U32) -> Reply[None]:
        """virDomainFSTrim."""

    @call(295, acl="domain:send_signal")
    def domain_send_process_signal(self, dom: DomainRef, pid_value: I64, signum: U32, flags: U32) -> Reply[None]:
        """virDomainSendProcessSignal."""

    @call(296, acl="domain:open_device", stream="read")
    def domain_open_channel(self, dom: DomainRef, name: String | None, flags: U32, stream: Stream) -> Reply[None]:
        """virDomainOpenChannel."""

    @call(335, acl="domain:fs_freeze")
    def domain_fsfreeze(
        self, dom: DomainRef, mountpoints: Annotated[list[String], Max(DOMAIN_FSFREEZE_MOUNTPOINTS_MAX)], flags: U32
    ) -> Reply[I32]:
        """virDomainFSFreeze."""

    @call(336, acl="domain:fs_freeze")
    def domain_fsthaw(
        self, dom: DomainRef, mountpoints: Annotated[list[String], Max(DOMAIN_FSFREEZE_MOUNTPOINTS_MAX)], flags: U32
    ) -> Reply[I32]:
        """virDomainFSThaw."""

    @call(337, acl="domain:write")
    def domain_get_time(self, dom: DomainRef, flags: U32) -> Reply[DomainGetTime]:
        """virDomainGetTime."""

    @call(338, acl="domain:set_time")
    def domain_set_time(self, dom: DomainRef, seconds: I64, nseconds: U32, flags: U32) -> Reply[None]:
        """virDomainSetTime."""

    @call(343, acl="domain:open_graphics", files="out")
    def domain_open_graphics_fd(self, dom: DomainRef, idx: U32, flags: U32) -> Reply[Passed[None]]:
        """virDomainOpenGraphicsFD."""

    @call(349, acl="domain:fs_freeze", asks=counted())
    def domain_get_fsinfo(
        self, dom: DomainRef, flags: U32
    ) -> Reply[Annotated[list[DomainFsinfo], Max(DOMAIN_FSINFO_MAX)]]:
        """virDomainGetFSInfo."""

    @call(
        353, acl=("domain:read", When("domain:write", param=("source", DomainInterfaceAddressesSource.AGENT))), ro=True
    )
    def domain_interface_addresses(
        self, dom: DomainRef, source: U32, flags: U32
    ) -> Reply[Annotated[list[DomainInterface], Max(DOMAIN_INTERFACE_MAX)]]:
        """virDomainInterfaceAddresses."""

    @call(357, acl="domain:set_password")
    def domain_set_user_password(
        self, dom: DomainRef, user: String | None, password: String | None, flags: U32
    ) -> Reply[None]:
        """virDomainSetUserPassword."""

    @call(371, acl="domain:write")
    def domain_get_guest_vcpus(
        self, dom: DomainRef, flags: U32
    ) -> Reply[Annotated[TypedParams, Max(DOMAIN_GUEST_VCPU_PARAMS_MAX)]]:
        """virDomainGetGuestVcpus."""

    @call(372, acl="domain:write")
    def domain_set_guest_vcpus(self, dom: DomainRef, cpumap: String, state: I32, flags: U32) -> Reply[None]:
        """virDomainSetGuestVcpus."""

    @call(418, acl="domain:write")
    def domain_get_guest_info(
        self, dom: DomainRef, types: U32, flags: U32
    ) -> Reply[Annotated[TypedParams, Max(DOMAIN_GUEST_INFO_PARAMS_MAX)]]:
        """virDomainGetGuestInfo."""

    @call(420, acl="domain:write")
    def domain_agent_set_response_timeout(self, dom: DomainRef, timeout: I32, flags: U32) -> Reply[I32]:
        """virDomainAgentSetResponseTimeout."""

    @call(424, acl="domain:write")
    def domain_authorized_ssh_keys_get(
        self, dom: DomainRef, user: String, flags: U32
    ) -> Reply[Annotated[list[String], Max(DOMAIN_AUTHORIZED_SSH_KEYS_MAX)]]:
        """virDomainAuthorizedSSHKeysGet."""

    @call(425, acl="domain:write")
    def domain_authorized_ssh_keys_set(
        self,
        dom: DomainRef,
        user: String,
        keys: Annotated[list[String], Max(DOMAIN_AUTHORIZED_SSH_KEYS_MAX)],
        flags: U32,
    ) -> Reply[None]:
        """virDomainAuthorizedSSHKeysSet."""

    @call(448, acl="domain:write")
    def domain_graphics_reload(self, dom: DomainRef, type: U32, flags: U32) -> Reply[None]:
        """virDomainGraphicsReload."""

    @call(456, acl="domain:write")
    def domain_announce_interface(
        self,
        dom: DomainRef,
        device: String | None,
        params: Annotated[TypedParams, Max(DOMAIN_ANNOUNCE_INTERFACE_PARAMS_MAX)],
        flags: U32,
    ) -> Reply[None]:
        """virDomainAnnounceInterface."""
