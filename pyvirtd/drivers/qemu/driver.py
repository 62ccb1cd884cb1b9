"""The QEMU driver: what its parts make together, how it starts, stops and which URIs it serves."""

from __future__ import annotations

import logging
from typing import ClassVar

from pyvirtd.core import tasks
from pyvirtd.core.calls.metadata import MetadataCalls
from pyvirtd.core.driver import Driver, DriverContext
from pyvirtd.core.uri import ConnectURI
from pyvirtd.drivers.qemu.autostart import AutostartCalls, first_since_boot, start_marked
from pyvirtd.drivers.qemu.block import BlockCalls
from pyvirtd.drivers.qemu.capabilities.calls import CapabilityCalls
from pyvirtd.drivers.qemu.console import ConsoleCalls
from pyvirtd.drivers.qemu.definition import DefinitionCalls
from pyvirtd.drivers.qemu.descriptors import DescriptorCalls
from pyvirtd.drivers.qemu.guest import GuestCalls
from pyvirtd.drivers.qemu.guestinfo import GuestInfoCalls
from pyvirtd.drivers.qemu.host import HostCalls
from pyvirtd.drivers.qemu.hotplug.calls import DeviceCalls
from pyvirtd.drivers.qemu.interface import InterfaceCalls
from pyvirtd.drivers.qemu.jobinfo import JobInfoCalls
from pyvirtd.drivers.qemu.lifecycle import LifecycleCalls
from pyvirtd.drivers.qemu.lifecycle_action import LifecycleActionCalls
from pyvirtd.drivers.qemu.memory import MemoryCalls
from pyvirtd.drivers.qemu.monitor_passthrough import PassthroughCalls
from pyvirtd.drivers.qemu.native import NativeCalls
from pyvirtd.drivers.qemu.pinning import PinningCalls
from pyvirtd.drivers.qemu.query import QueryCalls
from pyvirtd.drivers.qemu.reattach import reattach_all
from pyvirtd.drivers.qemu.runtime import Runtime
from pyvirtd.drivers.qemu.save import SaveCalls
from pyvirtd.drivers.qemu.screen import ScreenCalls
from pyvirtd.drivers.qemu.security import SecurityCalls
from pyvirtd.drivers.qemu.settings import QemuSettings
from pyvirtd.drivers.qemu.snapshots import SnapshotCalls
from pyvirtd.drivers.qemu.stats.calls import StatsCalls
from pyvirtd.drivers.qemu.tuning import TuningCalls
from pyvirtd.drivers.qemu.vcpu import VcpuCalls
from pyvirtd.errors import ErrorDomain, InternalError
from pyvirtd.store import atomic
from pyvirtd.store.atomic import in_background

log = logging.getLogger(__name__)


class QemuDriver(
    QueryCalls,
    DefinitionCalls,
    LifecycleCalls,
    AutostartCalls,
    MetadataCalls,
    DescriptorCalls,
    ConsoleCalls,
    PassthroughCalls,
    HostCalls,
    CapabilityCalls,
    NativeCalls,
    StatsCalls,
    VcpuCalls,
    PinningCalls,
    TuningCalls,
    MemoryCalls,
    BlockCalls,
    DeviceCalls,
    JobInfoCalls,
    SnapshotCalls,
    InterfaceCalls,
    GuestInfoCalls,
    GuestCalls,
    ScreenCalls,
    LifecycleActionCalls,
    SaveCalls,
    SecurityCalls,
    Driver,
):
    """QEMU guests, with and without KVM: qemu:///system for root's daemon, qemu:///session for a user's."""

    name: ClassVar[str] = "qemu"
    schemes: ClassVar[tuple[str, ...]] = ("qemu",)
    error_domain: ClassVar[int] = ErrorDomain.QEMU
    settings: ClassVar[type | None] = QemuSettings

    async def start(self, context: DriverContext) -> None:
        """Index the definitions, find the running guests again; guests to autostart follow behind."""
        runtime = self.runtime = Runtime(context)
        self.domains = runtime.domains
        await in_background(_make_directories, runtime)
        runtime.load_all()
        await reattach_all(runtime)
        if first_since_boot(runtime):
            tasks.spawn(start_marked(runtime), name="autostart")
        tasks.spawn(self.kvm_works(), name="KVM self-test")

    async def stop(self) -> None:
        """Let go of the guests; they go on running."""
        for domain in self.domains:
            if domain.machine is not None:
                await domain.machine.detach()

    def reload(self) -> None:
        """The configuration has been read again."""
        self.runtime.reload()

    def default_uri(self) -> str | None:
        """For clients that name none."""
        return "qemu:///system" if self.runtime.context.privileged else "qemu:///session"

    def connect(self, uri: ConnectURI) -> QemuDriver:
        """Raises InternalError for a path that this daemon does not serve."""
        own, other = ("/system", "/session") if self.runtime.context.privileged else ("/session", "/system")
        if uri.path == own:
            return self
        hint = f"; qemu://{other} is another daemon's" if uri.path == other else ""
        raise InternalError(f"unexpected QEMU URI path '{uri.path}': this daemon serves qemu://{own}{hint}")


def _make_directories(runtime: Runtime) -> None:
    for directory in (runtime.lib_dir, runtime.run_dir, runtime.log_dir):
        atomic.make_directory(directory, 0o755)
