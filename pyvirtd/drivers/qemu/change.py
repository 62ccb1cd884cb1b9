"""Changes of definitions: the persistent one, the live one, or both alike, on disk before the call is answered."""

from __future__ import annotations

from collections.abc import Callable

from pyvirtd.conf.domain.domain import DomainDef
from pyvirtd.core.domain import Domain
from pyvirtd.drivers.qemu.runtime import Runtime

Change = Callable[[DomainDef], None]
"""Changes a definition in place, or raises before it has changed anything. It gets copies."""


def tried(domain: Domain, change: Change) -> DomainDef:
    """A copy of the persistent definition with the change in it; for judging a change before QEMU hears of it."""
    definition = domain.definition.copy()
    change(definition)
    return definition


async def keep(runtime: Runtime, domain: Domain, definition: DomainDef) -> None:
    """Make it the persistent definition, on disk first. The caller holds the job."""
    await runtime.save(definition)
    domain.define(definition)


async def change_live(runtime: Runtime, domain: Domain, change: Change) -> None:
    """Change the live definition of a domain, if it still runs. The caller holds the job."""
    if domain.live is None or domain.machine is None:
        return
    changed = domain.live.copy()
    change(changed)
    domain.set_live(changed)
    await runtime.save_status(domain.machine)


async def change_both(runtime: Runtime, domain: Domain, change: Change, *, live: bool, config: bool) -> None:
    """The same change to the live definition, the persistent one, or both: all or, when it is refused, nothing."""
    definition = tried(domain, change) if config else None
    if live:
        await change_live(runtime, domain, change)
    if definition is not None:
        await keep(runtime, domain, definition)
