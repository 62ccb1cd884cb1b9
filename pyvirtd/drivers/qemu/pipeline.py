"""A client's XML to a definition that QEMU can run, in three steps that never mix: parse, post-parse, validate."""

from __future__ import annotations

from pyvirtd.conf.domain.domain import DomainDef, parse_domain
from pyvirtd.core.identity import check_name
from pyvirtd.drivers.qemu.capabilities import QemuCapabilities
from pyvirtd.drivers.qemu.postparse import assign_aliases, emulator_of, post_parse
from pyvirtd.drivers.qemu.runtime import Runtime
from pyvirtd.drivers.qemu.validate import validate
from pyvirtd.errors import ConfigUnsupported

TYPES = ("qemu", "kvm")


async def definition_of(runtime: Runtime, xml: str, *, check_schema: bool = False) -> DomainDef:
    """What a document that a client sent means for QEMU, with everything filled in and judged.

    `check_schema`: also refuse what libvirt's schema does not know. Raises XMLError, XMLDetail, ConfigUnsupported.
    """
    definition = parse_domain(xml)
    check_name(definition.name)
    if definition.type not in TYPES:
        raise ConfigUnsupported(f"this driver runs domains of the types {' and '.join(TYPES)}, not {definition.type}")
    caps = await capabilities_of(runtime, definition)
    post_parse(definition, caps, nvram_dir=str(runtime.nvram_dir))
    validate(definition, caps)
    return definition


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
