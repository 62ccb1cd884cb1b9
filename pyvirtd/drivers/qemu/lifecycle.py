"""Starting and stopping: create, shutdown, reboot, reset, destroy, suspend, resume."""

from __future__ import annotations

import logging
from typing import Final

from pyvirtd.core import client, tasks
from pyvirtd.core.domain import Domain
from pyvirtd.core.identity import uuid_of
from pyvirtd.core.jobs import JobKind
from pyvirtd.core.lifecycle import State
from pyvirtd.core.modifies import modifies, modifies_as, queries
from pyvirtd.drivers.qemu.agent import Agent
from pyvirtd.drivers.qemu.launch import StartOptions, start_guest
from pyvirtd.drivers.qemu.machine import AGENT_CHANNEL, Machine
from pyvirtd.drivers.qemu.noun import Noun, machine_of
from pyvirtd.drivers.qemu.pipeline import definition_of
from pyvirtd.errors import AgentUnresponsive, ArgumentUnsupported, InvalidArg, OperationInvalid, VirtError
from pyvirtd.protocol.calls import supports
from pyvirtd.protocol.constants.domain import (
    DomainCreateFlags,
    DomainDestroyFlags,
    DomainRebootFlags,
    DomainShutdownFlags,
)
from pyvirtd.protocol.types import DomainRef

log = logging.getLogger(__name__)

_START: Final = (
    DomainCreateFlags.START_PAUSED | DomainCreateFlags.START_AUTODESTROY | DomainCreateFlags.START_RESET_NVRAM
)
_CREATE: Final = _START | DomainCreateFlags.START_BYPASS_CACHE | DomainCreateFlags.START_FORCE_BOOT
_SHUTDOWN_WAIT: Final = 60
"""Seconds that a guest agent gets to let the guest go down (VIR_DOMAIN_QEMU_AGENT_COMMAND_SHUTDOWN)."""


class LifecycleCalls(Noun):
    """See the module."""

    @supports(_CREATE)
    @modifies
    async def domain_create_with_files(self, dom: Domain, flags: int, files: list[int]) -> DomainRef:
        _refuse_files(files)
        if dom.active:
            raise OperationInvalid(f"{dom} is already running")
        await self.start_domain(dom, flags)
        return dom.ref

    @supports(_START | DomainCreateFlags.START_VALIDATE)
    async def domain_create_xml_with_files(self, xml_desc: str, flags: int, files: list[int]) -> DomainRef:
        _refuse_files(files)
        validate = bool(flags & DomainCreateFlags.START_VALIDATE)
        definition = await definition_of(self.runtime, xml_desc, check_schema=validate)
        number = uuid_of(definition)
        domain = self.domains.check(definition.name, number, inactive=True)
        if domain is None:
            domain = Domain(definition.name, number, self.runtime.definitions)
            self.domains.add(domain)
        async with domain.job.hold("domain_create_xml", kind=JobKind.MODIFY, client=str(client.current())):
            # It may have been started, or have ended, while this call waited for it.
            if self.domains.check(definition.name, number, inactive=True) is None:
                self.domains.add(domain)
                domain.removed = False
            await start_guest(self.runtime, domain, definition, self._options(domain, flags))
            self._tie(domain, flags)
        return domain.ref

    async def start_domain(self, dom: Domain, flags: int) -> None:
        """Start a defined domain, from its managed save image if it has one; the caller holds the job."""
        await start_guest(self.runtime, dom, dom.definition, self._options(dom, flags))
        self._tie(dom, flags)

    def _options(self, dom: Domain, flags: int) -> StartOptions:
        return StartOptions(
            paused=bool(flags & DomainCreateFlags.START_PAUSED),
            autodestroy=bool(flags & DomainCreateFlags.START_AUTODESTROY),
            reset_nvram=bool(flags & DomainCreateFlags.START_RESET_NVRAM),
            fd_groups=self.runtime.fd_groups(dom),
        )

    def _tie(self, dom: Domain, flags: int) -> None:
        """Autodestroy: the guest ends with the connection that started it."""
        machine = machine_of(dom)
        if flags & DomainCreateFlags.START_AUTODESTROY:
            client.current().on_close(
                lambda: None if machine.finished.done()
                else void(tasks.spawn(machine.stop("destroyed"), name=f"autodestroy of {machine}"))
            )  # fmt: skip

    @supports(DomainDestroyFlags.GRACEFUL | DomainDestroyFlags.REMOVE_LOGS)
    @queries
    async def domain_destroy_flags(self, dom: Domain, flags: int) -> None:
        # Not a holder of the job: a guest whose monitor hangs in somebody's call has to be destroyable.
        machine = machine_of(dom)
        await machine.stop("destroyed", graceful=bool(flags & DomainDestroyFlags.GRACEFUL))
        if flags & DomainDestroyFlags.REMOVE_LOGS:
            machine.log.path.unlink(missing_ok=True)

    @modifies_as(JobKind.SUSPEND)
    async def domain_suspend(self, dom: Domain) -> None:
        machine = machine_of(dom)
        if dom.state is State.PMSUSPENDED:
            raise OperationInvalid(f"{dom} is suspended by its guest's own power management")
        if dom.state is State.PAUSED:
            return
        machine.pause_as = "suspend"
        try:
            await machine.run("stop")
        finally:
            machine.pause_as = None
        if dom.state is State.RUNNING:
            self.runtime.move(machine, "suspend")
        await machine.saved()

    @modifies_as(JobKind.SUSPEND)
    async def domain_resume(self, dom: Domain) -> None:
        machine = machine_of(dom)
        if dom.state is State.PMSUSPENDED:
            raise OperationInvalid(f"{dom} is suspended by its guest's own power management: wake it up instead")
        if dom.state is State.RUNNING:
            raise OperationInvalid(f"{dom} is already running")
        machine.resume_as = "resume"
        try:
            await machine.run("cont")
        finally:
            machine.resume_as = None
        machine.io_errors.clear()
        if dom.state is State.PAUSED:
            self.runtime.move(machine, "resume")
        await machine.saved()

    @modifies
    async def domain_reset(self, dom: Domain, flags: int) -> None:
        machine = machine_of(dom)
        machine.fake_reboot = False
        await machine.run("system_reset")
        if dom.state is State.CRASHED:
            self.runtime.move(machine, "suspend-elsewhere")

    @supports(DomainShutdownFlags.ACPI_POWER_BTN | DomainShutdownFlags.GUEST_AGENT)
    @queries
    async def domain_shutdown_flags(self, dom: Domain, flags: int) -> None:
        machine = machine_of(dom)
        by_agent = bool(flags & DomainShutdownFlags.GUEST_AGENT)
        by_acpi = bool(flags & DomainShutdownFlags.ACPI_POWER_BTN)
        if by_agent or (not by_acpi and machine.agent is not None):
            try:
                await self._ask_agent(dom, machine, "powerdown", wanted=by_agent)
                return
            except VirtError as error:
                if by_agent and not by_acpi:
                    raise
                log.info("%s: shutting down by ACPI, since its agent did not: %s", dom, error.message)
        await self._press_button(dom, fake_reboot=False)

    @supports(DomainRebootFlags.ACPI_POWER_BTN | DomainRebootFlags.GUEST_AGENT)
    @queries
    async def domain_reboot(self, dom: Domain, flags: int) -> None:
        machine = machine_of(dom)
        by_agent, by_acpi = bool(flags & DomainRebootFlags.GUEST_AGENT), bool(flags & DomainRebootFlags.ACPI_POWER_BTN)
        if by_agent or (not by_acpi and machine.agent is not None):
            try:
                await self._ask_agent(dom, machine, "reboot", wanted=by_agent)
                return
            except VirtError as error:
                if by_agent and not by_acpi:
                    raise
                log.info("%s: rebooting by ACPI, since its agent did not: %s", dom, error.message)
        await self._press_button(dom, fake_reboot=True)

    async def _press_button(self, dom: Domain, *, fake_reboot: bool) -> None:
        """The ACPI power button. A guest powers off upon it; for a reboot, that is turned into a reset."""
        async with dom.job.hold("domain_reboot" if fake_reboot else "domain_shutdown", client=str(client.current())):
            machine = machine_of(dom)
            machine.fake_reboot = fake_reboot
            await self.runtime.save_status(machine)
            await machine.run("system_powerdown")

    async def _ask_agent(self, dom: Domain, machine: Machine, mode: str, *, wanted: bool) -> None:
        """The agent's way down. It does not hold the job: the guest takes its time."""
        agent = agent_of(dom, machine)
        machine.fake_reboot = False
        await agent.run("guest-shutdown", {"mode": mode}, timeout=_SHUTDOWN_WAIT, may_vanish=True)


def agent_of(dom: Domain, machine: Machine) -> Agent:
    """The guest's agent. Raises ArgumentUnsupported (no channel for one), AgentUnresponsive (none connected)."""
    channels = machine.domain.current.devices.channels if machine.domain.current.devices is not None else []
    if not any(channel.name == AGENT_CHANNEL for channel in channels):
        raise ArgumentUnsupported(f"{dom} has no channel named {AGENT_CHANNEL}, through which a guest agent talks")
    if dom.state is not State.RUNNING:
        raise OperationInvalid(f"{dom} is {dom.state.name.lower()}: its guest agent cannot answer")
    if machine.agent is None:
        raise AgentUnresponsive(f"{dom}: no guest agent is connected; is it installed and running in the guest?")
    return machine.agent


def _refuse_files(files: list[int]) -> None:
    if files:
        raise InvalidArg("QEMU guests take descriptors that were associated by name before, not with the start itself")


def void(_: object) -> None:
    """For callbacks that return nothing."""
