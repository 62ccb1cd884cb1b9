"""The name and the UUID that a definition gives its domain."""

from __future__ import annotations

import uuid

from pyvirtd.conf.domain.domain import DomainDef
from pyvirtd.errors import InternalError, XMLError


def check_name(name: str) -> None:
    """Raises XMLError for a name that no domain can have."""
    if not name or name.isspace():
        raise XMLError("a domain's <name> has to have a character that is no space")
    if "/" in name:
        raise XMLError(f"a domain's name cannot have a '/': {name!r}")
    if "\n" in name:
        raise XMLError(f"a domain's name is one line: {name!r}")


def uuid_of(definition: DomainDef) -> bytes:
    """The definition's UUID as 16 bytes; post-parse has given it one."""
    if not definition.uuid:
        raise InternalError(f"domain '{definition.name}' has no UUID")
    return uuid.UUID(definition.uuid).bytes
