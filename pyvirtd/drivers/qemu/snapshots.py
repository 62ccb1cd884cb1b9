"""Snapshots and checkpoints of domains: there are none yet, and every question about them says so."""

from __future__ import annotations

from typing import Final

from pyvirtd.core.domain import Domain
from pyvirtd.core.modifies import queries
from pyvirtd.drivers.qemu.noun import Noun
from pyvirtd.errors import NoDomainCheckpoint, NoDomainSnapshot
from pyvirtd.protocol.calls import supports
from pyvirtd.protocol.types import DomainCheckpointRef, DomainSnapshotRef

_LIST_SNAPSHOTS: Final = 0x7FF
"""All of VIR_DOMAIN_SNAPSHOT_LIST_*."""
_LIST_CHECKPOINTS: Final = 0xF
"""All of VIR_DOMAIN_CHECKPOINT_LIST_*."""


class SnapshotCalls(Noun):
    """See the module."""

    @supports(_LIST_SNAPSHOTS)
    @queries
    def domain_list_all_snapshots(self, dom: Domain, flags: int) -> list[DomainSnapshotRef]:
        return []

    @queries
    def domain_has_current_snapshot(self, dom: Domain, flags: int) -> int:
        return 0

    @queries
    def domain_snapshot_current(self, dom: Domain, flags: int) -> DomainSnapshotRef:
        raise NoDomainSnapshot(f"{dom} has no current snapshot")

    @queries
    def domain_snapshot_lookup_by_name(self, dom: Domain, name: str, flags: int) -> DomainSnapshotRef:
        raise NoDomainSnapshot(f"{dom} has no snapshot '{name}'")

    @supports(_LIST_CHECKPOINTS)
    @queries
    def domain_list_all_checkpoints(self, dom: Domain, flags: int) -> list[DomainCheckpointRef]:
        return []

    @queries
    def domain_checkpoint_lookup_by_name(self, dom: Domain, name: str, flags: int) -> DomainCheckpointRef:
        raise NoDomainCheckpoint(f"{dom} has no checkpoint '{name}'")
