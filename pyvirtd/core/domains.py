"""All domains of one driver, by name, UUID and id."""

from __future__ import annotations

import uuid as uuids
from collections.abc import Iterator, ValuesView
from typing import Generic, TypeVar

from pyvirtd.core.domain import Domain
from pyvirtd.errors import NoDomain, OperationFailed, OperationInvalid
from pyvirtd.protocol.types import DomainRef

D = TypeVar("D", bound=Domain)


class DomainRegistry(Generic[D]):
    """The domains. An id is given once in a run of the daemon and never again."""

    def __init__(self) -> None:
        self._by_name: dict[str, D] = {}
        self._by_uuid: dict[bytes, D] = {}
        self._by_id: dict[int, D] = {}
        self._last_id = 0

    def __iter__(self) -> Iterator[D]:
        return iter(list(self._by_name.values()))

    def __len__(self) -> int:
        return len(self._by_name)

    @property
    def active(self) -> ValuesView[D]:
        """Those that have a machine."""
        return self._by_id.values()

    def by_name(self, name: str) -> D:
        """Raises NoDomain."""
        domain = self._by_name.get(name)
        if domain is None:
            raise NoDomain(f"Domain not found: no domain is named '{name}'")
        return domain

    def by_uuid(self, uuid: bytes) -> D:
        """Raises NoDomain."""
        domain = self._by_uuid.get(uuid)
        if domain is None:
            raise NoDomain(f"Domain not found: no domain has UUID {_text(uuid)}")
        return domain

    def by_id(self, id: int) -> D:
        """Raises NoDomain."""
        domain = self._by_id.get(id)
        if domain is None:
            raise NoDomain(f"Domain not found: no running domain has id {id}")
        return domain

    def resolve(self, ref: DomainRef) -> D:
        """The live object of a reference: its UUID counts. Raises NoDomain."""
        domain = self._by_uuid.get(ref.uuid)
        if domain is None:
            raise NoDomain(f"Domain not found: no domain has UUID {_text(ref.uuid)} ('{ref.name}')")
        return domain

    def find(self, name: str) -> D | None:
        """The domain of that name, if there is one."""
        return self._by_name.get(name)

    def check(self, name: str, uuid: bytes, *, inactive: bool = False) -> D | None:
        """The domain that has this name and UUID, or None when both are free.

        Raises OperationFailed when only one of them is taken; with `inactive`, OperationInvalid when it is running.
        """
        same = self._by_uuid.get(uuid)
        if same is not None:
            if same.name != name:
                raise OperationFailed(f"domain '{same.name}' is already defined with UUID {_text(uuid)}")
            if inactive and same.active:
                raise OperationInvalid(f"domain '{same.name}' is already active with id {same.id}")
            return same
        other = self._by_name.get(name)
        if other is not None:
            raise OperationFailed(f"domain '{name}' already exists with UUID {other.uuid_text}")
        return None

    def add(self, domain: D) -> None:
        """Take in one whose name and UUID `check` found free."""
        self.check(domain.name, domain.uuid)
        self._by_name[domain.name] = domain
        self._by_uuid[domain.uuid] = domain
        if domain.id != -1:
            self.activate(domain, domain.id)

    def remove(self, domain: D) -> None:
        """It is no more; who still holds the object finds it marked `removed`."""
        if self._by_uuid.get(domain.uuid) is domain:
            del self._by_uuid[domain.uuid]
            del self._by_name[domain.name]
        self.deactivate(domain)
        domain.removed = True
        domain.undefine()

    def rename(self, domain: D, name: str) -> None:
        """Give it a name that is free. Raises OperationInvalid."""
        if name in self._by_name:
            raise OperationInvalid(f"domain '{name}' already exists with UUID {self._by_name[name].uuid_text}")
        del self._by_name[domain.name]
        domain.name = name
        self._by_name[name] = domain
        domain.forget_ref()

    def activate(self, domain: D, id: int | None = None) -> int:
        """Give it an id: the next one, or the one it had before the daemon was started anew."""
        self._last_id = self._last_id + 1 if id is None else max(self._last_id, id)
        domain.id = self._last_id if id is None else id
        self._by_id[domain.id] = domain
        domain.forget_ref()
        return domain.id

    def deactivate(self, domain: D) -> None:
        """It runs no more."""
        if self._by_id.pop(domain.id, None) is not None:
            domain.id = -1
            domain.forget_ref()

    def taken_up_to(self, id: int) -> None:
        """Ids up to this one were given before the daemon was started anew."""
        self._last_id = max(self._last_id, id)


def _text(uuid: bytes) -> str:
    return str(uuids.UUID(bytes=uuid)) if len(uuid) == 16 else uuid.hex()
