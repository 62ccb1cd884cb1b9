"""Changes of definitions: the persistent one, the live one, or both alike, kept before the call is answered."""

from __future__ import annotations

from collections.abc import Callable

from pyvirtd.conf.domain.domain import DomainDef
from pyvirtd.core.calls.noun import Keeper
from pyvirtd.core.domain import Domain
from pyvirtd.errors import InvalidArg, OperationInvalid
from pyvirtd.protocol.constants.domain import DomainModificationImpact as Impact

Change = Callable[[DomainDef], None]
"""Changes a definition in place, or raises before it has changed anything. It gets copies."""


def impact(domain: Domain, flags: int) -> tuple[bool, bool]:
    """Whether a change with VIR_DOMAIN_AFFECT_* flags is to the live domain, and whether to its definition.

    Neither bit means the live one if there is one. Raises OperationInvalid for what the domain does not have.
    """
    live, config = bool(flags & Impact.LIVE), bool(flags & Impact.CONFIG)
    if not live and not config:
        live, config = domain.active, not domain.active
    if live and not domain.active:
        raise OperationInvalid(f"{domain} is not running, so nothing can be changed in the running guest")
    if config:
        domain.require_persistent()
    return live, config


def seen(domain: Domain, flags: int) -> DomainDef:
    """The definition that VIR_DOMAIN_AFFECT_* flags of a question mean; exactly one of them is meant."""
    if flags & Impact.LIVE and flags & Impact.CONFIG:
        raise InvalidArg("a question is about the running guest or about its definition, not about both")
    live, _ = impact(domain, flags)
    return domain.current if live else domain.definition


def targets(domain: Domain, live: bool, config: bool) -> list[tuple[str, DomainDef]]:
    """The definitions that a change is to, and what to call them."""
    chosen = [("live", domain.current)] if live else []
    return [*chosen, ("persistent", domain.definition)] if config else chosen


def tried(domain: Domain, change: Change) -> DomainDef:
    """A copy of the persistent definition with the change in it; for judging a change before a guest hears of it."""
    definition = domain.definition.copy()
    change(definition)
    return definition


async def keep(keeper: Keeper, domain: Domain, definition: DomainDef) -> None:
    """Make it the persistent definition, on disk first. The caller holds the job."""
    await keeper.save(definition)
    domain.define(definition)


async def change_live(keeper: Keeper, domain: Domain, change: Change) -> None:
    """Change the live definition of a domain, if it still runs. The caller holds the job."""
    if domain.live is None:
        return
    changed = domain.live.copy()
    change(changed)
    domain.set_live(changed)
    await keeper.save_live(domain)


async def change_both(keeper: Keeper, domain: Domain, change: Change, *, live: bool, config: bool) -> None:
    """The same change to the live definition, the persistent one, or both: all or, when it is refused, nothing."""
    definition = tried(domain, change) if config else None
    if live:
        await change_live(keeper, domain, change)
    if definition is not None:
        await keep(keeper, domain, definition)
