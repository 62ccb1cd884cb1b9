"""Saved guests, and ending the long jobs of running ones."""

from __future__ import annotations

from pyvirtd.core.domain import Domain
from pyvirtd.core.modifies import modifies, queries
from pyvirtd.drivers.qemu.noun import Noun
from pyvirtd.errors import HostSystemError, OperationInvalid
from pyvirtd.store.atomic import in_background, remove


class SaveCalls(Noun):
    """See the module."""

    @modifies
    async def domain_managed_save_remove(self, dom: Domain, flags: int) -> None:
        image = self.runtime.saved_image(dom.name)
        if not dom.managed_save:
            raise HostSystemError(f"{dom} has no managed save: there is no {image}")
        await in_background(remove, image)
        dom.managed_save = False

    @queries
    def domain_abort_job_flags(self, dom: Domain, flags: int) -> None:
        dom.require_active()
        job = dom.job.background
        if job is None:
            raise OperationInvalid(f"{dom} has no job that could be aborted")
        raise OperationInvalid(f"{dom}: its job, {job}, cannot be aborted")
