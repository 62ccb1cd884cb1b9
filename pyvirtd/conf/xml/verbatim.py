"""Elements that are kept as they were written: <metadata> and what other tools put there."""

from __future__ import annotations

import copy

from lxml import etree

_PARSER = etree.XMLParser(resolve_entities=False, no_network=True, remove_blank_text=True, strip_cdata=False)


def verbatim(el: etree._Element) -> str:
    """The element as text, with the namespaces it needs declared in it.

    As libvirt prints it through libxml2: elements without text of their own are broken into lines, here as a child
    of a document's root (one step of two spaces); everything else stays as it is.
    """
    twin = copy.deepcopy(el)
    twin.tail = None
    plain = etree.tostring(twin, encoding="unicode")
    if etree.tostring(twin, encoding="unicode", pretty_print=True).rstrip("\n") == plain:
        return plain
    # One level down for the indentation. By way of text: moving the tree would merge its namespace declarations.
    holder = reread(f"<x>{plain}</x>")
    lines = etree.tostring(holder, encoding="unicode", pretty_print=True)
    return lines[lines.index("\n") + 3 : lines.rindex("\n</x>")]


def reread(text: str) -> etree._Element:
    """The tree of an element that was kept."""
    return etree.fromstring(text, _PARSER)
