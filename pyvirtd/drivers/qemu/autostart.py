"""Autostart: the marks, and starting what is marked, once for each boot of the host."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Final

from pyvirtd.core.domain import Domain
from pyvirtd.core.modifies import modifies, queries
from pyvirtd.drivers.qemu.launch import StartOptions, start_guest
from pyvirtd.drivers.qemu.noun import Noun
from pyvirtd.drivers.qemu.runtime import Runtime
from pyvirtd.errors import VirtError
from pyvirtd.store import atomic
from pyvirtd.store.atomic import in_background

log = logging.getLogger(__name__)

_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


class AutostartCalls(Noun):
    """The marks."""

    @queries
    def domain_get_autostart(self, dom: Domain) -> int:
        return int(dom.autostart)

    @modifies
    async def domain_set_autostart(self, dom: Domain, autostart: int) -> None:
        dom.require_persistent()
        on = bool(autostart)
        if on != dom.autostart:
            await in_background(self.runtime.directory.mark, "autostart", dom.name, on)
            dom.autostart = on

    @queries
    def domain_get_autostart_once(self, dom: Domain) -> int:
        return int(dom.autostart_once)

    @modifies
    async def domain_set_autostart_once(self, dom: Domain, autostart: int) -> None:
        dom.require_persistent()
        on = bool(autostart)
        if on != dom.autostart_once:
            await in_background(self.runtime.directory.mark, "autostart-once", dom.name, on)
            dom.autostart_once = on


def first_since_boot(runtime: Runtime) -> bool:
    """Whether no daemon has started what is marked since the host booted; from now on one has.

    The note is in the run directory, which a boot empties, and names the boot in case it did not.
    """
    note = runtime.run_dir / "autostarted"
    try:
        boot = _BOOT_ID.read_text().strip()
    except OSError:
        boot = "unknown"
    try:
        if note.read_text().strip() == boot:
            return False
    except OSError:
        pass
    atomic.make_directory(note.parent, 0o755)
    atomic.write(note, boot.encode())
    return True


async def start_marked(runtime: Runtime) -> None:
    """Start every marked domain that does not run, one after the other; one that cannot be started is logged."""
    for domain in runtime.domains:
        if not (domain.autostart or domain.autostart_once) or domain.active:
            continue
        try:
            async with domain.job.hold("autostart"):
                if domain.active or domain.removed:
                    continue
                if domain.autostart_once:
                    await in_background(runtime.directory.mark, "autostart-once", domain.name, False)
                    domain.autostart_once = False
                await start_guest(runtime, domain, domain.definition, StartOptions())
        except VirtError as error:
            log.error("cannot autostart %s: %s", domain, error.message)
