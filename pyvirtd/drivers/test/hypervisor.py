"""What a connection to the test driver talks to: its parts made one."""

from __future__ import annotations

from typing import ClassVar

from pyvirtd.core.calls.metadata import MetadataCalls
from pyvirtd.core.events import EventBus
from pyvirtd.drivers.test.checkpoint import CheckpointCalls
from pyvirtd.drivers.test.definition import DefinitionCalls
from pyvirtd.drivers.test.devices import DeviceCalls
from pyvirtd.drivers.test.guest import GuestCalls
from pyvirtd.drivers.test.host import HostCalls
from pyvirtd.drivers.test.interface import InterfaceCalls
from pyvirtd.drivers.test.lifecycle import LifecycleCalls
from pyvirtd.drivers.test.memory import MemoryCalls
from pyvirtd.drivers.test.network import NetworkCalls
from pyvirtd.drivers.test.nodedev import NodeDeviceCalls
from pyvirtd.drivers.test.query import QueryCalls
from pyvirtd.drivers.test.save import SaveCalls
from pyvirtd.drivers.test.snapshot import SnapshotCalls
from pyvirtd.drivers.test.stats import StatsCalls
from pyvirtd.drivers.test.tuning import TuningCalls
from pyvirtd.drivers.test.vcpu import VcpuCalls
from pyvirtd.drivers.test.volume import VolumeCalls
from pyvirtd.drivers.test.world import World
from pyvirtd.errors import ErrorDomain


class Hypervisor(
    QueryCalls,
    DefinitionCalls,
    LifecycleCalls,
    DeviceCalls,
    SaveCalls,
    SnapshotCalls,
    CheckpointCalls,
    MemoryCalls,
    VcpuCalls,
    TuningCalls,
    StatsCalls,
    GuestCalls,
    MetadataCalls,
    HostCalls,
    NetworkCalls,
    VolumeCalls,
    InterfaceCalls,
    NodeDeviceCalls,
):
    """All calls about one world."""

    error_domain: ClassVar[int] = ErrorDomain.TEST

    def __init__(self, world: World) -> None:
        self.runtime = world
        self.domains = world.domains

    @property
    def events(self) -> EventBus:
        """This world's, so that clients of another hear nothing of it."""
        return self.runtime.events
