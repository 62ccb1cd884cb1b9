"""What only QEMU has: its monitor and its agent, raw."""

# mypy: disable-error-code="empty-body"
from __future__ import annotations

from typing import NamedTuple

from pyvirtd.protocol.calls import Passed, Program, Reply, call, event, then
from pyvirtd.protocol.types import I32, I64, U32, DomainRef, String

QEMU = 0x20008087


@event("domain", None, callback=6, program=QEMU)
class QemuDomainMonitorEvent(NamedTuple):
    dom: DomainRef
    event: String
    seconds: I64
    micros: U32
    details: String | None


class QemuCalls(Program, number=QEMU):
    """What only QEMU has: its monitor and its agent, raw."""

    @call(1, acl="domain:write", via="domain_monitor_command_with_files")
    def domain_monitor_command(self, dom: DomainRef, cmd: String, flags: U32) -> Reply[String]:
        """virDomainQemuMonitorCommand."""

        return then(self.domain_monitor_command_with_files(dom, cmd, flags, []), lambda passed: passed.value)

    @call(2, acl=("domain:start", "domain:write"))
    def domain_attach(self, pid_value: U32, flags: U32) -> Reply[DomainRef]:
        """virDomainQemuAttach."""

    @call(3, acl="domain:write")
    def domain_agent_command(self, dom: DomainRef, cmd: String, timeout: I32, flags: U32) -> Reply[String | None]:
        """virDomainQemuAgentCommand."""

    @call(4, acl=("connect:search_domains", "connect:write"), filter="domain:getattr", high=True)
    def connect_domain_monitor_event_register(
        self, dom: DomainRef | None, event: String | None, flags: U32
    ) -> Reply[I32]:
        """virConnectDomainQemuMonitorEventRegister."""

    @call(5, acl="connect:write", high=True)
    def connect_domain_monitor_event_deregister(self, callback_id: I32) -> Reply[None]:
        """virConnectDomainQemuMonitorEventDeregister."""

    @call(7, acl="domain:write", files="both")
    def domain_monitor_command_with_files(
        self, dom: DomainRef, cmd: String, flags: U32, files: list[int]
    ) -> Reply[Passed[String]]:
        """virDomainQemuMonitorCommandWithFiles."""
