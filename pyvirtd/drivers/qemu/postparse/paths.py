"""Paths that the driver makes up at every start are no part of a definition."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pyvirtd.drivers.qemu.postparse.machine import devices_of

if TYPE_CHECKING:
    from pyvirtd.conf.domain.domain import DomainDef

_CHANNEL = re.compile(r"/channel/(target/([^/]+\.|domain-[^/]+/)|\d+-[^/]+/)")


def drop_generated_paths(definition: DomainDef) -> None:
    """Socket paths of channels that an earlier start made up."""
    for channel in devices_of(definition).channels:
        source = channel.backend.source
        if channel.backend.type != "unix" or source is None or channel.target_type != "virtio":
            continue
        if not source.path:
            channel.backend.sources.clear()
            continue
        if _CHANNEL.search(source.path):
            channel.backend.sources.clear()
