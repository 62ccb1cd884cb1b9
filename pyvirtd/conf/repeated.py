"""What is there twice, in one pass: documents of strangers can have a hundred thousand of anything."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import TypeVar

T = TypeVar("T", bound=Hashable)


def repeated(items: Iterable[T]) -> T | None:
    """The first item that was there before; None when all are different."""
    seen: set[T] = set()
    for item in items:
        if item in seen:
            return item
        seen.add(item)
    return None
