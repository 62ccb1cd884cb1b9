"""Defining, undefining and renaming: persistent definitions and what belongs to them on disk."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Final

from pyvirtd.conf.domain.domain import DomainDef
from pyvirtd.core import client
from pyvirtd.core.domain import Domain
from pyvirtd.core.identity import check_name, uuid_of
from pyvirtd.core.modifies import modifies
from pyvirtd.core.summary import summary
from pyvirtd.drivers.qemu.helpers import forget_tpm, tpm_state
from pyvirtd.drivers.qemu.noun import Noun
from pyvirtd.drivers.qemu.pipeline import definition_of
from pyvirtd.errors import HostSystemError, InvalidArg, OperationInvalid
from pyvirtd.protocol.calls import supports
from pyvirtd.protocol.constants.domain import DomainDefineFlags, DomainUndefineFlags
from pyvirtd.protocol.remote.events import DomainEventLifecycle
from pyvirtd.protocol.types import DomainRef
from pyvirtd.store.atomic import in_background

_ADDED, _UPDATED, _RENAMED = 0, 1, 2
_DEFINED, _UNDEFINED = 0, 1
_UNDEFINE_FLAGS: Final = (
    DomainUndefineFlags.MANAGED_SAVE | DomainUndefineFlags.SNAPSHOTS_METADATA | DomainUndefineFlags.NVRAM
    | DomainUndefineFlags.KEEP_NVRAM | DomainUndefineFlags.CHECKPOINTS_METADATA | DomainUndefineFlags.TPM
    | DomainUndefineFlags.KEEP_TPM
)  # fmt: skip


class DefinitionCalls(Noun):
    """define, undefine, rename."""

    @supports(DomainDefineFlags.VALIDATE)
    async def domain_define_xml_flags(self, xml: str, flags: int) -> DomainRef:
        definition = await definition_of(self.runtime, xml, check_schema=bool(flags & DomainDefineFlags.VALIDATE))
        number = uuid_of(definition)
        while True:
            domain = self.domains.check(definition.name, number)
            if domain is None:
                return await self._define_new(definition, number)
            async with domain.job.hold("domain_define_xml_flags", client=str(client.current())):
                # It may have been undefined or renamed while this call waited for it.
                if self.domains.check(definition.name, number) is domain:
                    return await self._redefine(domain, definition)

    async def _define_new(self, definition: DomainDef, number: bytes) -> DomainRef:
        domain = Domain(definition.name, number, self.runtime.definitions)
        # In the registry first: nobody else can take the name or the UUID while the file is being written.
        async with domain.job.hold("domain_define_xml_flags", client=str(client.current())):
            self.domains.add(domain)
            try:
                await self.runtime.save(definition)
            except BaseException:
                self.domains.remove(domain)
                raise
            domain.define(definition)
            domain.fact(summary)
        self.runtime.emit(DomainEventLifecycle(domain.ref, _DEFINED, _ADDED))
        return domain.ref

    async def _redefine(self, domain: Domain, definition: DomainDef) -> DomainRef:
        new = not domain.persistent
        await self.runtime.save(definition)
        domain.define(definition)
        if new and domain.machine is not None:
            await self.runtime.save_status(domain.machine)
        self.runtime.emit(DomainEventLifecycle(domain.ref, _DEFINED, _ADDED if new else _UPDATED))
        return domain.ref

    @supports(_UNDEFINE_FLAGS)
    @modifies
    async def domain_undefine_flags(self, dom: Domain, flags: int) -> None:
        dom.require_persistent()
        both = DomainUndefineFlags.NVRAM | DomainUndefineFlags.KEEP_NVRAM
        if flags & both == both:
            raise InvalidArg("a domain's nvram can be removed or kept, not both")
        if flags & DomainUndefineFlags.TPM and flags & DomainUndefineFlags.KEEP_TPM:
            raise InvalidArg("a domain's TPM state can be removed or kept, not both")
        self._check_snapshots(dom, flags)
        saved = self.runtime.saved_image(dom.name)
        if dom.managed_save and not flags & DomainUndefineFlags.MANAGED_SAVE:
            raise OperationInvalid(f"{dom} has a managed save image: undefine it with that, or remove that first")
        nvram = self._nvram_to_remove(dom, flags)
        if dom.managed_save:
            await in_background(_remove, saved, "the managed save image")
            dom.managed_save = False
        if nvram is not None:
            await in_background(_remove, nvram, "the nvram")
        if not dom.active and not flags & DomainUndefineFlags.KEEP_TPM and (
            flags & DomainUndefineFlags.TPM or not dom.fact(summary).keeps_tpm
        ) and tpm_state(self.runtime, dom.uuid_text).exists():
            await in_background(forget_tpm, self.runtime, dom.uuid_text)
        # Taking names away happens in memory, some 30 us; what waits for the disk, the flush, follows in a thread.
        self.runtime.directory.remove(dom.name)
        dom.undefine()
        self.runtime.emit(DomainEventLifecycle(dom.ref, _UNDEFINED, 0))
        if dom.active:
            await self.runtime.save_status(dom.machine)
        else:
            self.domains.remove(dom)

    def _check_snapshots(self, dom: Domain, flags: int) -> None:
        if dom.active:
            return
        if dom.has_snapshot and not flags & DomainUndefineFlags.SNAPSHOTS_METADATA:
            raise OperationInvalid(f"{dom} has snapshots: undefine it with their metadata, or delete them first")
        if dom.has_checkpoint and not flags & DomainUndefineFlags.CHECKPOINTS_METADATA:
            raise OperationInvalid(f"{dom} has checkpoints: undefine it with their metadata, or delete them first")

    def _nvram_to_remove(self, dom: Domain, flags: int) -> Path | None:
        path = dom.fact(summary).nvram
        if path is None or not path.exists() or flags & DomainUndefineFlags.KEEP_NVRAM:
            return None
        if not flags & DomainUndefineFlags.NVRAM:
            if dom.active:
                return None
            raise OperationInvalid(f"{dom} has an nvram file, {path}: say whether to remove it or to keep it")
        return path

    @modifies
    async def domain_rename(self, dom: Domain, new_name: str | None, flags: int) -> int:
        dom.require_persistent()
        if dom.active:
            raise OperationInvalid(f"{dom} is running: only a domain that is shut off can be renamed")
        if dom.has_snapshot or dom.has_checkpoint:
            raise OperationInvalid(f"{dom} has snapshots or checkpoints, which know it by its name")
        if dom.managed_save:
            raise OperationInvalid(f"{dom} has a managed save image, which knows it by its name")
        if not new_name:
            raise InvalidArg("the new name is missing")
        check_name(new_name)
        if self.domains.find(new_name) is not None:
            raise OperationInvalid(f"there is a domain '{new_name}' already")
        old_name, renamed = dom.name, dom.definition.copy()
        renamed.name = new_name
        # The name is taken before anything is written; the job keeps others from the domain meanwhile.
        self.domains.rename(dom, new_name)
        try:
            await in_background(self.runtime.directory.rename, old_name, new_name, self.runtime.saved_text(renamed))
        except BaseException:
            self.domains.rename(dom, old_name)
            raise
        self.runtime.emit(DomainEventLifecycle(DomainRef(old_name, dom.uuid, -1), _UNDEFINED, 1))
        dom.define(renamed)
        self.runtime.emit(DomainEventLifecycle(dom.ref, _DEFINED, _RENAMED))
        return 0


def _remove(path: Path, what: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        try:
            path.unlink()
        except FileNotFoundError:
            raise
        except OSError as error:
            raise HostSystemError(f"cannot remove {what} {path}: {error.strerror}") from error


