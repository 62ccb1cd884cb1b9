"""From model to libvirt's text: two spaces a level, single quotes, in the order of the declarations.

Like parsing, by functions generated at first use (`writer_source`); one per class and set of flags, so that a rule
that a dump does not have costs nothing in it. `source.text_of(writers(flags)[cls])` shows one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pyvirtd.conf.xml import writer_source
from pyvirtd.conf.xml.element import Element

Out = list[str]


class Made(dict[type, Callable[..., Any]]):
    """Functions by class, each generated when it is first asked for."""

    def __init__(self, make: Callable[[type, Any], Callable[..., Any]], writers: Writers) -> None:
        super().__init__()
        self._make, self._writers = make, writers

    def __missing__(self, cls: type) -> Callable[..., Any]:
        made = self[cls] = self._make(cls, self._writers)
        return made


class Writers:
    """The functions for one set of flags.

    elements    (element, lines, indentation, whether it is printed with nothing in it) -> None: appends its lines
    attributes  (group) -> its attributes as text
    contents    (group, lines, indentation) -> None: appends the lines of its children
    """

    def __init__(self, flags: int) -> None:
        self.flags = flags
        self.elements = Made(writer_source.element, self)
        self.attributes = Made(writer_source.attributes, self)
        self.contents = Made(writer_source.contents, self)


_WRITERS: dict[int, Writers] = {}


def writers(flags: int) -> Writers:
    """The functions for these flags."""
    found = _WRITERS.get(flags)
    if found is None:
        found = _WRITERS[flags] = Writers(flags)
    return found


def format(element: Element, flags: int = 0, *, indent: int = 0) -> str:
    """The element as libvirt prints it, with a newline at the end. `flags`: bits of `Dump`."""
    out: Out = []
    writers(flags).elements[type(element)](element, out, " " * indent, True)
    return "".join(out)
