"""A client's XML to a definition that QEMU can run, in three steps that never mix: parse, post-parse, validate."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from pyvirtd.conf.domain.domain import DomainDef, parse_domain
from pyvirtd.core.identity import check_name
from pyvirtd.drivers.qemu.capabilities import QemuCapabilities
from pyvirtd.drivers.qemu.postparse import assign_aliases, emulator_of, post_parse
from pyvirtd.drivers.qemu.runtime import Runtime
from pyvirtd.drivers.qemu.validate import validate
from pyvirtd.errors import ConfigUnsupported

TYPES = ("qemu", "kvm")

_schema_checker: Final = ThreadPoolExecutor(max_workers=1, thread_name_prefix="schema")
"""One thread: the compiled schema keeps the errors of the document before it, and compiling it takes a moment."""


async def definition_of(runtime: Runtime, xml: str, *, check_schema: bool = False) -> DomainDef:
    """What a document that a client sent means for QEMU, with everything filled in and judged.

    `check_schema`: also refuse names and words that the schema does not know, as XMLInvalidSchema with their line.
    Raises XMLError, XMLDetail, ConfigUnsupported.
    """
    if check_schema:
        await asyncio.get_running_loop().run_in_executor(_schema_checker, _check_schema, xml)
    definition = parse_domain(xml)
    check_name(definition.name)
    if definition.type not in TYPES:
        raise ConfigUnsupported(f"this driver runs domains of the types {' and '.join(TYPES)}, not {definition.type}")
    caps = await capabilities_of(runtime, definition)
    post_parse(definition, caps, nvram_dir=str(runtime.nvram_dir))
    validate(definition, caps)
    return definition


def _check_schema(xml: str) -> None:
    from pyvirtd.conf.schema import check_schema  # few clients ask for this

    check_schema(DomainDef, xml, what="domain XML")


async def capabilities_of(runtime: Runtime, definition: DomainDef) -> QemuCapabilities:
    """What the definition's emulator can do. Asks the binary only when it was never asked or has changed."""
    binary = emulator_of(definition)
    return runtime.capabilities.peek(binary) or await runtime.capabilities.get(binary)


def live_definition(definition: DomainDef, caps: QemuCapabilities) -> DomainDef:
    """A copy of the definition as a guest that is being started gets it: judged again, with aliases."""
    live = definition.copy()
    validate(live, caps)
    return named(live)


def named(live: DomainDef) -> DomainDef:
    """The same definition with an alias for each device."""
    assign_aliases(live)
    return live
