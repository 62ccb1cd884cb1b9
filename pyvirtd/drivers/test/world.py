"""One hypervisor of the test driver and all that is on it. It lives as long as somebody is connected to it."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from typing import Any

from pyvirtd.conf.checkpoint import CheckpointDef
from pyvirtd.conf.domain.domain import DomainDef, format_domain
from pyvirtd.conf.interface import HostInterface
from pyvirtd.conf.network import NetworkDef
from pyvirtd.conf.nodedev import NodeDeviceDef
from pyvirtd.conf.snapshot import SnapshotDef
from pyvirtd.conf.storage import Pool, Volume
from pyvirtd.core.domain import Definitions, Domain
from pyvirtd.core.domains import DomainRegistry
from pyvirtd.core.events import Event, EventBus
from pyvirtd.core.identity import uuid_of
from pyvirtd.core.lifecycle import TRANSITIONS
from pyvirtd.core.tree import Tree
from pyvirtd.drivers.test.objects import Objects
from pyvirtd.errors import NoNetwork, NoStoragePool
from pyvirtd.protocol.remote.events import DomainEventLifecycle


@dataclass
class Live:
    """An interface, and whether it is up."""

    definition: HostInterface
    active: bool = False


class World:
    """Its domains, its event bus, and how a domain moves on."""

    def __init__(self, uri: str) -> None:
        self.uri = uri
        self.events = EventBus()
        self.saved: dict[str, DomainDef] = {}
        self.definitions = Definitions(self.saved.__getitem__, format_domain, keep=sys.maxsize)
        self.domains: DomainRegistry[Domain] = DomainRegistry()
        self.networks: Objects[NetworkDef] = Objects("network", NoNetwork)
        self.pools: Objects[Pool] = Objects("storage pool", NoStoragePool)
        self.volumes: dict[str, dict[str, Volume]] = {}
        """By the names of their pools, and their own."""
        self.interfaces: dict[str, Live] = {}
        self.interfaces_before: dict[str, Live] | None = None
        """What a change of interfaces goes back to, while one is under way."""
        self.devices: dict[str, NodeDeviceDef] = {}
        self.snapshots: dict[bytes, Tree[SnapshotDef]] = {}
        self.checkpoints: dict[bytes, Tree[CheckpointDef]] = {}
        self.weights: dict[bytes, int] = {}
        """Shares that the scheduler would give domains."""
        self.clocks: dict[bytes, int] = {}
        """What the guests' clocks were set to, seconds."""
        self.frozen: dict[bytes, set[str]] = {}
        """Mount points that the guests' agents have frozen."""

    # What core's calls need

    async def save(self, definition: DomainDef) -> None:
        """The persistent definition of its name."""
        self.saved[definition.name] = definition

    async def save_live(self, domain: Domain) -> None:
        """Memory is all that this driver has."""

    def emit(self, event: Event, *, keep: float = 0.0) -> None:
        """To every client that listens."""
        self.events.emit(event, keep=keep)

    # How domains move on

    def tell(self, domain: Domain, step: str) -> None:
        """The lifecycle event of a transition."""
        transition = TRANSITIONS[step]
        if transition.event is not None:
            self.emit(DomainEventLifecycle(domain.ref, transition.event, transition.detail))

    def move(self, domain: Domain, step: str) -> None:
        """Take a running domain through a transition."""
        domain.step(step)
        self.tell(domain, step)

    def take_in(self, definition: DomainDef) -> Domain:
        """The domain of that name and UUID, new where there is none. Raises OperationFailed when one is taken."""
        number = uuid_of(definition)
        domain = self.domains.check(definition.name, number)
        if domain is None:
            domain = Domain(definition.name, number, self.definitions)
            self.domains.add(domain)
        return domain

    def start(self, domain: Domain, definition: DomainDef, step: str = "boot") -> None:
        """Let it run with a copy of that definition."""
        domain.require_inactive()
        live = definition.copy()
        live.id = self.domains.activate(domain)
        domain.set_live(live)
        domain.step("starting")
        self.move(domain, step)

    def end(self, domain: Domain, step: str) -> None:
        """It runs no more; a transient one is no more at all."""
        domain.step(step)
        domain.set_live(None)
        self.domains.deactivate(domain)
        if not domain.persistent:
            self.remove(domain)
        self.tell(domain, step)

    def remove(self, domain: Domain) -> None:
        """It is no more, nor what belonged to it."""
        kept: tuple[dict[bytes, Any], ...] = (self.snapshots, self.checkpoints, self.weights, self.clocks, self.frozen)
        for about in kept:
            about.pop(domain.uuid, None)
        self.saved.pop(domain.name, None)
        self.domains.remove(domain)


def ticks() -> int:
    """Tenths of the microseconds since 1970: the figure from which libvirt's test driver makes its statistics."""
    return time.time_ns() // 10_000
