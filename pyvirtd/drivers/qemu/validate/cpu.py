"""CPU caches that QEMU can't show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyvirtd.errors import ConfigUnsupported

if TYPE_CHECKING:
    from pyvirtd.conf.domain.domain import DomainDef


def check_cpu(definition: DomainDef) -> None:
    cpu = definition.cpu
    if cpu is None:
        return
    host = cpu.mode in ("host-passthrough", "maximum")
    if cpu.cache_mode == "emulate" and cpu.cache_level not in (None, 3):
        raise ConfigUnsupported("cpu: caches can be emulated at level 3 only")
    if cpu.cache_mode == "passthrough":
        if not host:
            raise ConfigUnsupported("cpu: cache mode passthrough needs CPU mode host-passthrough or maximum")
        if cpu.cache_level is not None:
            raise ConfigUnsupported("cpu: cache mode passthrough is for all levels; remove level")
    if cpu.cache_mode == "disable" and cpu.cache_level is not None:
        raise ConfigUnsupported("cpu: cache mode disable is for all levels; remove level")
    if cpu.maxphysaddr_mode == "passthrough" and not host:
        raise ConfigUnsupported("cpu: maxphysaddr mode passthrough needs CPU mode host-passthrough or maximum")
