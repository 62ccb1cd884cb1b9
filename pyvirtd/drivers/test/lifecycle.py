"""Starting and stopping: create, shutdown, reboot, reset, destroy, suspend, resume, power management."""

from __future__ import annotations

from typing import Final

from pyvirtd.conf.domain.domain import DomainDef
from pyvirtd.core import client
from pyvirtd.core.calls.change import change_both, impact
from pyvirtd.core.domain import Domain
from pyvirtd.core.lifecycle import State
from pyvirtd.core.modifies import modifies
from pyvirtd.drivers.test.noun import Noun
from pyvirtd.drivers.test.pipeline import definition_of
from pyvirtd.errors import ArgumentUnsupported, InternalError, InvalidArg, OperationInvalid
from pyvirtd.protocol.calls import supports
from pyvirtd.protocol.constants.domain import (
    DomainCreateFlags,
    DomainDestroyFlags,
    DomainRebootFlags,
    DomainShutdownFlags,
)
from pyvirtd.protocol.constants.domain import DomainModificationImpact as Impact
from pyvirtd.protocol.remote.events import DomainEventPmsuspend, DomainEventPmwakeup, DomainEventReboot
from pyvirtd.protocol.types import DomainRef

_START: Final = (
    DomainCreateFlags.START_PAUSED | DomainCreateFlags.START_AUTODESTROY | DomainCreateFlags.START_RESET_NVRAM
)
_CREATE: Final = _START | DomainCreateFlags.START_BYPASS_CACHE | DomainCreateFlags.START_FORCE_BOOT
_ACTIONS: Final = ("destroy", "restart", "rename-restart", "preserve", "coredump-destroy", "coredump-restart")
_FIELDS: Final = ("on_poweroff", "on_reboot", "on_crash")
_MEM, _DISK, _HYBRID = 0, 1, 2


class LifecycleCalls(Noun):
    """See the module."""

    @supports(_CREATE)
    @modifies
    async def domain_create_with_files(self, dom: Domain, flags: int, files: list[int]) -> DomainRef:
        _refuse_files(files)
        step = "boot"
        if dom.managed_save and not flags & DomainCreateFlags.START_FORCE_BOOT:
            step = "restored"
        dom.require_inactive()
        self.runtime.start(dom, dom.definition, _paused(step, flags))
        dom.managed_save = False
        self._tie(dom, flags)
        return dom.ref

    @supports(_START | DomainCreateFlags.START_VALIDATE)
    def domain_create_xml_with_files(self, xml_desc: str, flags: int, files: list[int]) -> DomainRef:
        _refuse_files(files)
        definition = definition_of(xml_desc, check_schema=bool(flags & DomainCreateFlags.START_VALIDATE))
        domain = self.runtime.take_in(definition)
        self.runtime.start(domain, definition, _paused("boot", flags))
        self._tie(domain, flags)
        return domain.ref

    def _tie(self, domain: Domain, flags: int) -> None:
        """Autodestroy: it ends with the connection that started it."""
        if flags & DomainCreateFlags.START_AUTODESTROY:
            id = domain.id
            client.current().on_close(lambda: self.runtime.end(domain, "destroyed") if domain.id == id else None)

    @supports(DomainDestroyFlags.GRACEFUL | DomainDestroyFlags.REMOVE_LOGS)
    @modifies
    async def domain_destroy_flags(self, dom: Domain, flags: int) -> None:
        dom.require_active()
        self.runtime.end(dom, "destroyed")

    # VIR_ERR_INTERNAL_ERROR is what libvirt's test driver answers here.

    @modifies
    async def domain_suspend(self, dom: Domain) -> None:
        if dom.state is not State.RUNNING:
            raise InternalError(f"{dom} is {dom.state.name.lower()}: only one that runs can be paused")
        self.runtime.move(dom, "suspend")

    @modifies
    async def domain_resume(self, dom: Domain) -> None:
        if dom.state is not State.PAUSED:
            raise InternalError(f"{dom} is {dom.state.name.lower()}: only one that is paused can go on")
        self.runtime.move(dom, "resume")

    @supports(
        DomainShutdownFlags.ACPI_POWER_BTN | DomainShutdownFlags.GUEST_AGENT | DomainShutdownFlags.INITCTL
        | DomainShutdownFlags.SIGNAL | DomainShutdownFlags.PARAVIRT
    )  # fmt: skip
    @modifies
    async def domain_shutdown_flags(self, dom: Domain, flags: int) -> None:
        dom.require_active()
        self.runtime.end(dom, "stopped")

    @supports(
        DomainRebootFlags.ACPI_POWER_BTN | DomainRebootFlags.GUEST_AGENT | DomainRebootFlags.INITCTL
        | DomainRebootFlags.SIGNAL | DomainRebootFlags.PARAVIRT
    )  # fmt: skip
    @modifies
    async def domain_reboot(self, dom: Domain, flags: int) -> None:
        dom.require_active()
        action = dom.current.on_reboot
        if action in ("restart", "rename-restart"):
            dom.state, dom.reason = State.RUNNING, 1
            self.runtime.emit(DomainEventReboot(dom.ref))
        elif action != "preserve":
            self.runtime.end(dom, "stopped")

    @modifies
    async def domain_reset(self, dom: Domain, flags: int) -> None:
        dom.require_active()
        self.runtime.emit(DomainEventReboot(dom.ref))

    @modifies
    async def domain_pm_suspend_for_duration(self, dom: Domain, target: int, duration: int, flags: int) -> None:
        if dom.state is not State.RUNNING:
            raise OperationInvalid(f"{dom} is {dom.state.name.lower()}: only one that runs can suspend itself")
        if duration:
            raise ArgumentUnsupported("a guest suspends itself until it is woken up, not for a number of seconds")
        if target == _DISK:
            self.runtime.end(dom, "stopped")
        elif target in (_MEM, _HYBRID):
            self.runtime.move(dom, "pm-suspend")
            self.runtime.emit(DomainEventPmsuspend(dom.ref, 0))
        else:
            raise InvalidArg(f"guests suspend to memory (0), disk (1) or both (2), not to {target}")

    @modifies
    async def domain_pm_wakeup(self, dom: Domain, flags: int) -> None:
        if dom.state is not State.PMSUSPENDED:
            raise OperationInvalid(f"{dom} is {dom.state.name.lower()}: only one that has suspended itself is woken up")
        self.runtime.move(dom, "pm-wakeup")
        self.runtime.emit(DomainEventPmwakeup(dom.ref, 0))

    @supports(Impact.LIVE | Impact.CONFIG)
    @modifies
    async def domain_set_lifecycle_action(self, dom: Domain, type: int, action: int, flags: int) -> None:
        live, config = impact(dom, flags)
        if type >= len(_FIELDS):
            raise InvalidArg(f"events with an action are poweroff (0), reboot (1), crash (2); {type} is none")
        if action >= (len(_ACTIONS) if _FIELDS[type] == "on_crash" else 4):
            raise ArgumentUnsupported(f"{_FIELDS[type]} knows no action {action}")

        def change(definition: DomainDef) -> None:
            setattr(definition, _FIELDS[type], _ACTIONS[action])

        await change_both(self.runtime, dom, change, live=live, config=config)


def _paused(step: str, flags: int) -> str:
    return f"{step}-paused" if flags & DomainCreateFlags.START_PAUSED else step


def _refuse_files(files: list[int]) -> None:
    if files:
        raise InvalidArg("there are no guests here that could take descriptors")
