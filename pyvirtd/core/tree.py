"""Snapshots or checkpoints of a domain: named points, each made after another, one of them the current one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Generic, Protocol, TypeVar


class Point(Protocol):
    """A point in a domain's life, as its document has it."""

    name: Any
    parent: str | None


P = TypeVar("P", bound=Point)


class Tree(Generic[P]):
    """The points by name. A point's parent is always there, unless it has none."""

    def __init__(self) -> None:
        self._points: dict[str, P] = {}
        self.current: str | None = None
        """Name of the point that the next one comes after."""

    def __iter__(self) -> Iterator[P]:
        return iter(list(self._points.values()))

    def __len__(self) -> int:
        return len(self._points)

    def find(self, name: str) -> P | None:
        """The point of that name, if there is one."""
        return self._points.get(name)

    def put(self, point: P, *, current: bool) -> None:
        """Take in a point, in place of one of its name."""
        self._points[point.name] = point
        if current:
            self.current = point.name

    def children(self, name: str | None) -> list[P]:
        """Those whose parent it is; None: those without one."""
        return [point for point in self._points.values() if point.parent == name]

    def descendants(self, name: str | None) -> list[P]:
        """Children and theirs, parents first."""
        found = self.children(name)
        for point in found:
            found += self.children(point.name)
        return found

    def would_circle(self, name: str, parent: str | None) -> bool:
        """Whether a point of that name cannot have this parent: it is the point itself, or comes after it."""
        while parent is not None:
            if parent == name:
                return True
            above = self._points.get(parent)
            parent = above.parent if above is not None else None
        return False

    def remove(self, name: str, *, itself: bool = True, children: bool = False) -> None:
        """Take a point away: with all that come after it, or these come after its parent from then on."""
        point = self._points[name]
        gone = {str(other.name) for other in self.descendants(name)} if children else set()
        if itself:
            gone.add(name)
            for child in self.children(name):
                child.parent = point.parent
        if self.current in gone:
            self.current = point.parent if itself else name
        for each in gone:
            del self._points[each]
