"""Everything a hypervisor driver may implement of the remote program."""

from __future__ import annotations

from pyvirtd.protocol.remote.domain import DomainCalls
from pyvirtd.protocol.remote.domain_block import DomainBlockCalls
from pyvirtd.protocol.remote.domain_guest import DomainGuestCalls
from pyvirtd.protocol.remote.domain_migration import DomainMigrationCalls
from pyvirtd.protocol.remote.domain_save import DomainSaveCalls
from pyvirtd.protocol.remote.domain_snapshot import DomainSnapshotCalls
from pyvirtd.protocol.remote.domain_tuning import DomainTuningCalls
from pyvirtd.protocol.remote.host import HostCalls


class HypervisorCalls(
    HostCalls,
    DomainCalls,
    DomainTuningCalls,
    DomainBlockCalls,
    DomainGuestCalls,
    DomainSnapshotCalls,
    DomainSaveCalls,
    DomainMigrationCalls,
):
    """The host, and domains in all their calls."""
