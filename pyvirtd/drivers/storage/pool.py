"""A pool as the daemon knows it: definition, whether it is active, what is in it."""

from __future__ import annotations

import asyncio
import os
import uuid
from dataclasses import dataclass, field

from pyvirtd.conf.storage import Pool, Volume
from pyvirtd.drivers.storage import directory
from pyvirtd.errors import NoStorageVol, OperationInvalid
from pyvirtd.protocol.types import StoragePoolRef, StorageVolRef
from pyvirtd.store.atomic import in_background


@dataclass
class LivePool:
    """`definition` is what it is now; `persistent` says whether it is also on disk. `lock`: one change at a time."""

    definition: Pool
    active: bool = False
    persistent: bool = False
    autostart: bool = False
    volumes: dict[str, Volume] = field(default_factory=dict)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def name(self) -> str:
        """Unique among pools."""
        return self.definition.name

    @property
    def path(self) -> str:
        """The directory; checked when the pool was defined."""
        assert self.definition.target is not None
        return self.definition.target

    @property
    def ref(self) -> StoragePoolRef:
        """What clients hold."""
        assert self.definition.uuid is not None
        return StoragePoolRef(self.name, uuid.UUID(self.definition.uuid).bytes)

    def volume_ref(self, volume: Volume) -> StorageVolRef:
        """What clients hold of a volume."""
        return StorageVolRef(self.name, volume.name, volume.key or "")

    def must_be_active(self) -> None:
        """Raises OperationInvalid."""
        if not self.active:
            raise OperationInvalid(f"pool '{self.name}' is not active")

    def must_be_inactive(self) -> None:
        """Raises OperationInvalid."""
        if self.active:
            raise OperationInvalid(f"pool '{self.name}' is active")

    def volume(self, name: str) -> Volume:
        """Raises NoStorageVol."""
        self.must_be_active()
        found = self.volumes.get(name)
        if found is None:
            raise NoStorageVol(f"pool '{self.name}' has no volume '{name}'")
        return found

    async def refresh(self) -> None:
        """Read the directory again. Raises OperationFailed."""
        volumes = await in_background(directory.read_all, self.path)
        sizes = await in_background(directory.space, self.path)
        info = await in_background(os.stat, self.path)
        self.volumes = volumes
        shown = self.definition
        shown.capacity, shown.allocation, shown.available = sizes
        shown.mode, shown.owner, shown.group = info.st_mode & 0o7777, info.st_uid, info.st_gid

    def cool_down(self) -> None:
        """It is active no longer: nothing is known of what is in it."""
        self.active = False
        self.volumes = {}
        self.definition.capacity = self.definition.allocation = self.definition.available = 0
