"""Name and UUID of a definition without parsing it: what an index over thousands of files needs.

Files that we wrote have them in fixed places, which one regular expression finds; anything else (an administrator's
own file, another tool's) goes through the XML parser. A file that does not end with its root's end tag is torn.
"""

from __future__ import annotations

import html
import re
import uuid as uuids
from typing import NamedTuple

from lxml import etree

_HEAD = re.compile(
    rb"\s*(?:<\?xml[^>]*\?>\s*)?(?:<!--(?:[^-]|-(?!->))*-->\s*)?"
    rb"<(?P<tag>[a-z]+)(?:\s[^<>]*)?>\s*<name>(?P<name>[^<>]+)</name>\s*<uuid>(?P<uuid>[0-9A-Fa-f-]{32,36})</uuid>"
)
_LONGEST_HEAD = 4096


class Scanned(NamedTuple):
    """`uuid` is 16 bytes."""

    name: str
    uuid: bytes


class Unreadable(Exception):
    """Says why a file is no definition."""


def scan(data: bytes, tag: str) -> Scanned:
    """Name and UUID of the document, whose root should be `tag`. Raises Unreadable."""
    head = _HEAD.match(data, 0, _LONGEST_HEAD)
    if head is None or head["tag"] != tag.encode():
        return _parsed(data, tag)
    if not data.rstrip().endswith(b"</" + head["tag"] + b">"):
        raise Unreadable(f"it ends before </{tag}>")
    try:
        return Scanned(html.unescape(head["name"].decode()), uuids.UUID(head["uuid"].decode()).bytes)
    except ValueError as error:
        raise Unreadable(str(error)) from None


def _parsed(data: bytes, tag: str) -> Scanned:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise Unreadable(f"it is not XML: {error}") from None
    if root.tag != tag:
        raise Unreadable(f"its root is <{root.tag!s}>, not <{tag}>")
    name, uuid = root.findtext("name"), root.findtext("uuid")
    if not name or not uuid:
        raise Unreadable(f"its <{tag}> has no <{'uuid' if name else 'name'}>")
    try:
        return Scanned(name.strip(), uuids.UUID(uuid.strip()).bytes)
    except ValueError:
        raise Unreadable(f"its <uuid> is no UUID: {uuid!r}") from None
