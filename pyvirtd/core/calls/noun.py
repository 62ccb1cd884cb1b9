"""The base of the nouns, what they need of a driver, and which definition a change is for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from pyvirtd.conf.domain.domain import DomainDef
from pyvirtd.core.domain import Domain
from pyvirtd.core.domains import DomainRegistry
from pyvirtd.core.events import Event
from pyvirtd.errors import OperationInvalid
from pyvirtd.protocol.constants.domain import DomainModificationImpact as Impact
from pyvirtd.protocol.remote.hypervisor import HypervisorCalls

Change = Callable[[DomainDef], None]
"""Changes a definition in place, or raises before it has changed anything. It gets copies."""


class Keeper(Protocol):
    """Where a driver keeps what it knows of its domains."""

    async def save(self, definition: DomainDef) -> None:
        """Make it the persistent definition of its name; kept when this returns."""

    async def save_live(self, domain: Domain) -> None:
        """The live definition of a running domain has changed; kept when this returns."""

    def emit(self, event: Event, *, keep: float = 0.0) -> None:
        """To every client that listens."""


class DomainNoun(HypervisorCalls):
    """What the calls here need of a driver."""

    runtime: Keeper
    domains: DomainRegistry[Domain]


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


async def change_both(keeper: Keeper, domain: Domain, change: Change, *, live: bool, config: bool) -> None:
    """The same change to the live definition, the persistent one, or both: all or, when it is refused, nothing.

    The caller holds the domain's job.
    """
    definition = running = None
    if config:
        definition = domain.definition.copy()
        change(definition)
    if live and domain.live is not None:
        running = domain.live.copy()
        change(running)
    if definition is not None:
        await keeper.save(definition)
        domain.define(definition)
    if running is not None:
        domain.set_live(running)
        await keeper.save_live(domain)
