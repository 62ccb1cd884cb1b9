"""What networks and pools have in common: definitions that are active, persistent and started by themselves, or not."""

from __future__ import annotations

import uuid as uuids
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from pyvirtd.errors import OperationFailed, OperationInvalid, VirtError


class Defined(Protocol):
    """A definition with a name and a UUID; post-parse has given it one."""

    name: str
    uuid: str | None


D = TypeVar("D", bound=Defined)


@dataclass(eq=False)
class Entry(Generic[D]):
    """One of them. `what` names its kind in messages."""

    what: str
    definition: D
    active: bool = False
    persistent: bool = False
    autostart: bool = False

    def __str__(self) -> str:
        return f"{self.what} '{self.name}'"

    @property
    def name(self) -> str:
        """Unique among its kind."""
        return self.definition.name

    @property
    def uuid(self) -> bytes:
        """16 bytes."""
        return uuids.UUID(self.definition.uuid).bytes

    def must_be_active(self) -> None:
        """Raises OperationInvalid."""
        if not self.active:
            raise OperationInvalid(f"{self} is not active")

    def must_be_inactive(self) -> None:
        """Raises OperationInvalid."""
        if self.active:
            raise OperationInvalid(f"{self} is active")


class Objects(Generic[D]):
    """All of a kind. `missing` is raised for what there is none of."""

    def __init__(self, what: str, missing: type[VirtError]) -> None:
        self.what, self._missing = what, missing
        self._by_name: dict[str, Entry[D]] = {}

    def __iter__(self) -> Iterator[Entry[D]]:
        return iter(list(self._by_name.values()))

    def by_name(self, name: str) -> Entry[D]:
        """Raises what is raised for what there is none of."""
        if name not in self._by_name:
            raise self._missing(f"there is no {self.what} named '{name}'")
        return self._by_name[name]

    def by_uuid(self, uuid: bytes) -> Entry[D]:
        """Raises what is raised for what there is none of."""
        for entry in self._by_name.values():
            if entry.uuid == uuid:
                return entry
        raise self._missing(f"there is no {self.what} with UUID {uuid.hex()}")

    def take_in(self, definition: D) -> Entry[D]:
        """The entry of that name and UUID, new where there is none. Raises OperationFailed when one is taken."""
        entry = Entry(self.what, definition)
        for other in self._by_name.values():
            if (other.name == entry.name) != (other.uuid == entry.uuid):
                raise OperationFailed(f"{other} has UUID {other.definition.uuid} already")
        return self._by_name.setdefault(entry.name, entry)

    def remove(self, entry: Entry[D]) -> None:
        """It is no more."""
        del self._by_name[entry.name]

    def select(self, flags: int) -> list[Entry[D]]:
        """By the six flags that networks and pools share: inactive, active, persistent, transient, autostart, not."""

        def shown(entry: Entry[D]) -> bool:
            pairs = ((2, 1, entry.active), (4, 8, entry.persistent), (16, 32, entry.autostart))
            return all(not flags & (yes | no) or flags & (yes if is_so else no) for yes, no, is_so in pairs)

        return [entry for entry in self._by_name.values() if shown(entry)]
