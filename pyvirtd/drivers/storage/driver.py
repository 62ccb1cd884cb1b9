"""The storage driver: pools that are directories, and the disk images in them."""

from __future__ import annotations

import logging
import uuid
from typing import ClassVar

from pyvirtd.conf.storage import Pool
from pyvirtd.conf.xml import format, parse
from pyvirtd.core import tasks
from pyvirtd.core.driver import Driver, DriverContext
from pyvirtd.drivers.storage.pool import LivePool
from pyvirtd.drivers.storage.volume_calls import VolumeCalls
from pyvirtd.errors import ConfigUnsupported, ErrorDomain, VirtError
from pyvirtd.store.aside import set_aside
from pyvirtd.store.atomic import in_background
from pyvirtd.store.directory import DefinitionDirectory

log = logging.getLogger(__name__)


class StorageDriver(VolumeCalls, Driver):
    """Joins every hypervisor's connections."""

    name: ClassVar[str] = "storage"
    error_domain: ClassVar[int] = ErrorDomain.STORAGE

    async def start(self, context: DriverContext) -> None:
        """Read the definitions; pools that were active are so again, and those to autostart."""
        self.context = context
        self.pools: dict[str, LivePool] = {}
        self.saved = DefinitionDirectory(context.paths.lib / "storage", "pool")
        self.running = DefinitionDirectory(context.paths.run / "storage", "pool", marks=())
        for entry in await in_background(lambda: list(self.saved.load())):
            if (pool := await self._read(self.saved, entry.name)) is not None:
                pool.persistent, pool.autostart = True, "autostart" in entry.marks
        was_running = {entry.name for entry in await in_background(lambda: list(self.running.load()))}
        for name in sorted(was_running - self.pools.keys()):
            await self._read(self.running, name)
        # A directory may be on a network that hangs: the daemon listens meanwhile.
        for pool in list(self.pools.values()):
            if pool.name in was_running or pool.autostart:
                tasks.spawn(self._wake(pool), name=f"storage pool {pool.name}")

    async def _read(self, place: DefinitionDirectory, name: str) -> LivePool | None:
        """A pool from its file; one that cannot be read is set aside."""
        try:
            definition = parse(Pool, await in_background(place.read, name), what="pool")
            if definition.type != "dir" or definition.target is None:
                raise ConfigUnsupported(f"a pool of type '{definition.type}' without a directory is not served here")
            definition.uuid = definition.uuid or str(uuid.uuid4())
            self.pools[name] = LivePool(definition)
        except VirtError as error:
            await in_background(set_aside, place.file(name), error.message)
            return None
        return self.pools[name]

    async def _wake(self, pool: LivePool) -> None:
        """Make it active; the log says when that fails."""
        async with pool.lock:
            try:
                await pool.refresh()
                pool.active = True
                await in_background(self.running.save, pool.name, format(pool.definition))
            except VirtError as error:
                log.warning("storage pool '%s' does not start: %s", pool.name, error)
                await in_background(self.running.remove, pool.name)
