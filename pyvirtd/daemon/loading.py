"""Finding and starting drivers: the entry points of the group `pyvirtd.drivers`, ours and others' alike."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from typing import Final

from pyvirtd.core.driver import Driver, DriverContext, Drivers
from pyvirtd.core.events import EventBus
from pyvirtd.core.paths import Paths

log = logging.getLogger(__name__)

GROUP: Final = "pyvirtd.drivers"


def find_drivers() -> list[type[Driver]]:
    """The installed drivers' classes: secondary ones first, then hypervisors, qemu first for clients without a URI.

    One that cannot be imported is logged and left out.
    """
    found: list[type[Driver]] = []
    for entry in entry_points(group=GROUP):
        try:
            loaded = entry.load()
        except Exception:
            log.exception("driver '%s' (%s) cannot be loaded", entry.name, entry.value)
            continue
        if not (isinstance(loaded, type) and issubclass(loaded, Driver)):
            log.error("driver '%s' (%s) is no subclass of pyvirtd.core.driver.Driver", entry.name, entry.value)
            continue
        found.append(loaded)
    return sorted(found, key=lambda driver: (bool(driver.schemes), driver.name != "qemu", driver.name))


class Loaded:
    """The daemon's drivers with what they were given."""

    def __init__(self) -> None:
        self.drivers = Drivers()
        self.contexts: dict[str, DriverContext] = {}
        self.active: set[str] = set()
        """Names of drivers that have something running."""
        self.activity_changed: Callable[[], None] = lambda: None

    @property
    def buses(self) -> dict[str, EventBus]:
        return {name: context.events for name, context in self.contexts.items()}

    async def start(
        self, classes: list[type[Driver]], paths: Paths, tables: Mapping[str, Mapping[str, object]], privileged: bool
    ) -> None:
        """Starts them in turn. One that raises is logged and left out."""
        for cls in classes:
            context = DriverContext(
                paths, EventBus(), self.drivers, privileged, tables.get(cls.name, {}), self._inhibitor(cls.name)
            )
            try:
                driver = cls()
                await driver.start(context)
                self.drivers.add(driver)
            except Exception:
                log.exception("driver '%s' does not start; the daemon goes on without it", cls.name)
                self.active.discard(cls.name)
                continue
            self.contexts[cls.name] = context

    def reload(self, tables: Mapping[str, Mapping[str, object]]) -> None:
        for driver in self.drivers:
            self.contexts[driver.name].table = tables.get(driver.name, {})
            try:
                driver.reload()
            except Exception:
                log.exception("driver '%s' does not take its new configuration", driver.name)

    async def stop(self) -> None:
        """Hypervisors first, then what they stand on."""
        for driver in reversed(list(self.drivers)):
            try:
                await driver.stop()
            except Exception:
                log.exception("driver '%s' does not stop in good order", driver.name)

    def _inhibitor(self, name: str) -> Callable[[bool], None]:
        def inhibit(active: bool) -> None:
            if active != (name in self.active):
                (self.active.add if active else self.active.discard)(name)
                self.activity_changed()

        return inhibit
