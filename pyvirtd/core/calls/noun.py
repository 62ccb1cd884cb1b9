"""The base of the nouns, and what they need of a driver."""

from __future__ import annotations

from typing import Protocol

from pyvirtd.conf.domain.domain import DomainDef
from pyvirtd.core.domain import Domain
from pyvirtd.core.domains import DomainRegistry
from pyvirtd.core.events import Event
from pyvirtd.protocol.remote.hypervisor import HypervisorCalls


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
