"""Elements that are kept as they were written: <metadata> and what other tools put there."""

from __future__ import annotations

import copy

from lxml import etree


def verbatim(el: etree._Element) -> str:
    """The element as text, with the namespaces it needs declared in it.

    As libvirt prints it through libxml2: what has whitespace between its elements stays exactly as it is, what has
    none is broken into lines, here as a child of a document's root (one step of two spaces).
    """
    twin = copy.deepcopy(el)
    twin.tail = None
    plain = etree.tostring(twin, encoding="unicode")
    if etree.tostring(twin, encoding="unicode", pretty_print=True).rstrip("\n") == plain:
        return plain
    holder = etree.Element("x")
    holder.append(twin)
    lines = etree.tostring(holder, encoding="unicode", pretty_print=True)
    start = lines.index("\n") + 1
    return lines[start : lines.rindex("</x>")].strip("\n").removeprefix("  ")
