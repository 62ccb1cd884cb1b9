"""What a driver is to the daemon: found by entry point, started, bound to connections by URI, stopped.

::

    class QemuSettings: ...                                      # a frozen dataclass: table [qemu] of the configuration

    class QemuDriver(Driver, HypervisorCalls, QemuCalls):
        name = "qemu"
        schemes = ("qemu",)
        error_domain = ErrorDomain.QEMU
        settings = QemuSettings

        async def start(self, context: DriverContext) -> None:
            self.context = context
            self.settings_now = context.settings(QemuSettings)

Registered in pyproject.toml: `[project.entry-points."pyvirtd.drivers"]  qemu = "pyvirtd.drivers.qemu:QemuDriver"`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import ClassVar, TypeVar

from pyvirtd.core.events import EventBus
from pyvirtd.core.paths import Paths
from pyvirtd.core.settings import fill
from pyvirtd.core.uri import ConnectURI
from pyvirtd.errors import ErrorDomain, InternalError

T = TypeVar("T")
D = TypeVar("D", bound="Driver")


class Drivers:
    """The running drivers: how a hypervisor reaches networks, volumes and secrets without importing their rooms."""

    def __init__(self) -> None:
        self._by_name: dict[str, Driver] = {}

    def add(self, driver: Driver) -> None:
        if driver.name in self._by_name:
            raise InternalError(f"two drivers are named '{driver.name}'")
        self._by_name[driver.name] = driver

    def get(self, name: str) -> Driver | None:
        """The driver of that name, or None when it is not installed or did not start."""
        return self._by_name.get(name)

    def find(self, kind: type[T]) -> T | None:
        """The first driver that is a `kind`: a class, or a runtime-checkable protocol that core declares."""
        return next((driver for driver in self._by_name.values() if isinstance(driver, kind)), None)

    def __iter__(self) -> Iterator[Driver]:
        return iter(self._by_name.values())


@dataclasses.dataclass
class DriverContext:
    """What the daemon hands to a driver's `start`."""

    paths: Paths
    """The daemon's directories; a driver's own are directories of its name below them."""
    events: EventBus
    """This driver's own bus."""
    drivers: Drivers
    """All drivers that have started so far: secondary ones (network, storage, ...) start before hypervisors."""
    privileged: bool
    """Whether the daemon is root's: qemu:///system rather than qemu:///session."""
    table: Mapping[str, object] = dataclasses.field(default_factory=dict)
    """The driver's table of the configuration, checked already; read anew before each `reload`."""
    inhibit: Callable[[bool], None] = lambda active: None
    """Tell the daemon whether the driver has something running: it does not end by its idle timeout meanwhile."""

    def settings(self, cls: type[T]) -> T:
        """The driver's settings as they stand now."""
        return fill(cls, self.table)


class Driver:
    """The base of every driver, beside the program classes whose calls it answers.

    File descriptors that a client passes come in the list `files`: what is still in it when the call has ended is
    closed by the session, so take out what you keep. Those in a `Passed` are closed when they have been sent.
    """

    name: ClassVar[str]
    """Unique; also the table of the configuration and the directory below the daemon's own."""
    schemes: ClassVar[tuple[str, ...]] = ()
    """URI schemes of a hypervisor driver. Empty: a secondary driver, which joins every hypervisor's connections."""
    error_domain: ClassVar[int] = ErrorDomain.NONE
    """VIR_FROM_* that its errors carry unless they say otherwise."""
    settings: ClassVar[type | None] = None
    """The dataclass of its configuration table; None: it has none."""
    features: ClassVar[frozenset[int]] = frozenset()
    """`protocol.constants.features.DriverFeature` numbers it has beside what the server answers for all drivers."""
    answers: ClassVar[type]
    """The class of what `connect` gives, where that is not the driver itself: its calls are in the support matrix."""
    joins_secondary: ClassVar[bool] = True
    """Whether its connections answer network, storage, ... calls by the host's secondary drivers."""

    async def start(self, context: DriverContext) -> None:
        """Reads its state, reattaches to what runs. When it raises, the driver is left out and the log says why."""

    async def stop(self) -> None:
        """Lets go of everything. What it drives goes on running."""

    def reload(self) -> None:
        """The configuration has been read again; `context.settings` gives the new values."""

    def default_uri(self) -> str | None:
        """What a client gets that names no URI, if this driver can be used here at all."""
        return None

    def connect(self, uri: ConnectURI) -> object:
        """Checks a URI of one of its schemes and gives the object that answers the connection's calls.

        Raises: a VirtError (INVALID_ARG or INTERNAL_ERROR as libvirt has it) for a path that it does not serve.
        """
        return self
