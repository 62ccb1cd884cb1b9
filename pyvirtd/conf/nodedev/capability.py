"""`<capability>`: what a device of the host is. Source: formatnode.html."""

from __future__ import annotations

from pyvirtd.conf.xml import Element, at, kind, must
from pyvirtd.conf.xml.types import UInt
from pyvirtd.errors import ErrorDomain


class Capability(Element, tag="capability", family=True):
    """Any of them; `type` says which."""

    ERRORS = ErrorDomain.NODEDEV
    type: str = kind("@type", required=True)


class MdevType(Element, tag="type"):
    """A kind of mediated device that a device can be divided into, and how many more of it."""

    ERRORS = ErrorDomain.NODEDEV
    id: str = must("@id")
    name: str | None = at("name")
    device_api: str | None = at("deviceAPI")
    available: UInt | None = at("availableInstances")
