"""Defining, undefining, renaming, and what is marked on definitions."""

from __future__ import annotations

from typing import Final

from pyvirtd.core.domain import Domain
from pyvirtd.core.identity import check_name
from pyvirtd.core.lifecycle import Event
from pyvirtd.core.modifies import modifies, queries
from pyvirtd.drivers.test.noun import Noun
from pyvirtd.drivers.test.pipeline import definition_of
from pyvirtd.errors import InvalidArg, OperationInvalid
from pyvirtd.protocol.calls import supports
from pyvirtd.protocol.constants.domain import DomainDefineFlags, DomainUndefineFlags
from pyvirtd.protocol.remote.events import DomainEventLifecycle
from pyvirtd.protocol.types import DomainRef

_ADDED, _UPDATED, _RENAMED = 0, 1, 2
_UNDEFINE_FLAGS: Final = (
    DomainUndefineFlags.MANAGED_SAVE | DomainUndefineFlags.SNAPSHOTS_METADATA | DomainUndefineFlags.NVRAM
    | DomainUndefineFlags.KEEP_NVRAM | DomainUndefineFlags.CHECKPOINTS_METADATA | DomainUndefineFlags.TPM
    | DomainUndefineFlags.KEEP_TPM
)  # fmt: skip


class DefinitionCalls(Noun):
    """See the module. A `def` is over before another call begins, so it holds no job."""

    @supports(DomainDefineFlags.VALIDATE)
    def domain_define_xml_flags(self, xml: str, flags: int) -> DomainRef:
        definition = definition_of(xml, check_schema=bool(flags & DomainDefineFlags.VALIDATE))
        domain = self.runtime.take_in(definition)
        detail = _UPDATED if domain.persistent else _ADDED
        self.runtime.saved[domain.name] = definition
        domain.define(definition)
        self.runtime.emit(DomainEventLifecycle(domain.ref, Event.DEFINED, detail))
        return domain.ref

    @supports(_UNDEFINE_FLAGS)
    @modifies
    async def domain_undefine_flags(self, dom: Domain, flags: int) -> None:
        dom.require_persistent()
        if dom.managed_save and not flags & DomainUndefineFlags.MANAGED_SAVE:
            raise OperationInvalid(f"{dom} has a managed save image: undefine it with that, or remove it first")
        if not dom.active:
            if dom.has_snapshot and not flags & DomainUndefineFlags.SNAPSHOTS_METADATA:
                raise OperationInvalid(f"{dom} has snapshots: undefine it with their metadata, or delete them first")
            if dom.has_checkpoint and not flags & DomainUndefineFlags.CHECKPOINTS_METADATA:
                raise OperationInvalid(f"{dom} has checkpoints: undefine it with their metadata, or delete them first")
        dom.managed_save = False
        dom.undefine()
        self.runtime.emit(DomainEventLifecycle(dom.ref, Event.UNDEFINED, 0))
        if not dom.active:
            self.runtime.remove(dom)

    @modifies
    async def domain_rename(self, dom: Domain, new_name: str | None, flags: int) -> int:
        dom.require_persistent()
        if dom.active:
            raise OperationInvalid(f"{dom} is running: only a domain that is shut off can be renamed")
        if dom.managed_save or dom.has_snapshot or dom.has_checkpoint:
            raise OperationInvalid(f"{dom} has a managed save image, snapshots or checkpoints: they know its name")
        if not new_name:
            raise InvalidArg("the new name is missing")
        check_name(new_name)
        if self.domains.find(new_name) is not None:
            raise OperationInvalid(f"there is a domain '{new_name}' already")
        old, definition = dom.name, dom.definition.copy()
        definition.name = new_name
        self.domains.rename(dom, new_name)
        del self.runtime.saved[old]
        self.runtime.saved[new_name] = definition
        dom.define(definition)
        self.runtime.emit(DomainEventLifecycle(DomainRef(old, dom.uuid, -1), Event.UNDEFINED, 1))
        self.runtime.emit(DomainEventLifecycle(dom.ref, Event.DEFINED, _RENAMED))
        return 0

    @queries
    def domain_get_autostart(self, dom: Domain) -> int:
        return int(dom.autostart)

    @modifies
    async def domain_set_autostart(self, dom: Domain, autostart: int) -> None:
        dom.require_persistent()
        dom.autostart = bool(autostart)

    @queries
    def domain_get_autostart_once(self, dom: Domain) -> int:
        return int(dom.autostart_once)

    @modifies
    async def domain_set_autostart_once(self, dom: Domain, autostart: int) -> None:
        dom.require_persistent()
        dom.autostart_once = bool(autostart)
