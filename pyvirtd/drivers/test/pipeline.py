"""A client's XML to a definition of this driver: parse, post-parse, validate."""

from __future__ import annotations

from itertools import count

from pyvirtd.conf.domain.domain import DomainDef, parse_domain
from pyvirtd.conf.domain.postparse import add_implied, arrange_devices, complete_devices, prepare
from pyvirtd.core.identity import check_name
from pyvirtd.errors import InvalidArg

ARCH = "i686"
INTERFACE = "testnet"


def definition_of(xml: str, *, check_schema: bool = False) -> DomainDef:
    """The definition with everything filled in. Raises XMLError, XMLDetail, ConfigUnsupported, InvalidArg."""
    definition = parse_domain(xml, validate=check_schema)
    check_name(definition.name)
    if definition.type != "test":
        raise InvalidArg(f"this hypervisor runs domains of the type test, not {definition.type}")
    definition.os.arch = definition.os.arch or ARCH
    prepare(definition, security_model="testSecurity")
    arrange_devices(definition)
    complete_devices(definition)
    add_implied(definition)
    for video in definition.devices.videos:
        video.model = video.model or "cirrus"
        video.vram = video.vram or 16384
        video.heads = video.heads or 1
    name_interfaces(definition)
    return definition


def name_interfaces(definition: DomainDef) -> None:
    """Give each interface that has no name on the host the first free one."""
    interfaces = definition.devices.interfaces
    taken = {interface.target for interface in interfaces}
    free = (name for number in count() if (name := f"{INTERFACE}{number}") not in taken)
    for interface in interfaces:
        if interface.target is None:
            interface.target = next(free)
