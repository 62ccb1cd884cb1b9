"""`<lease>`: locks that the guest holds while it runs. Source: formatdomain.html, "Device leases"."""

from __future__ import annotations

from pyvirtd.conf.xml import Element, at, must
from pyvirtd.conf.xml.types import ULong


class Lease(Element, tag="lease"):
    """A lock in a lock space, kept at `offset` in the file `path`."""

    lockspace: str | None = at("lockspace")
    key: str = must("key")
    path: str = must("target/@path")
    offset: ULong | None = at("target/@offset", omit=0)
