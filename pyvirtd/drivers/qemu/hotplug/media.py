"""Media of CD-ROM and floppy drives, changed while the guest runs."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Any, Final

from pyvirtd.conf.domain.disk import Disk
from pyvirtd.conf.domain.domain import DomainDef
from pyvirtd.core.calls.change import change_live
from pyvirtd.core.domain import Domain
from pyvirtd.drivers.qemu.capabilities import QemuCapabilities
from pyvirtd.drivers.qemu.command.blockdev import add_image
from pyvirtd.drivers.qemu.command.disk import disk_images
from pyvirtd.drivers.qemu.hotplug.judge import judge_device
from pyvirtd.drivers.qemu.hotplug.nodes import nodes_of, number_new
from pyvirtd.drivers.qemu.hotplug.plug import builder_for, images_of, lend
from pyvirtd.drivers.qemu.hotplug.run import drop, run_all
from pyvirtd.drivers.qemu.hotplug.words import commands
from pyvirtd.drivers.qemu.machine import Machine
from pyvirtd.drivers.qemu.monitor import Refused
from pyvirtd.drivers.qemu.noun import machine_of
from pyvirtd.drivers.qemu.runtime import Runtime
from pyvirtd.errors import OperationFailed

_TRAY_WAIT: Final = 5.0
"""Seconds that a guest gets to unlock and open its tray."""


async def change_medium(
    runtime: Runtime, dom: Domain, found: Disk, given: Disk, caps: QemuCapabilities, *, force: bool
) -> None:
    """Put the medium of `given` into the drive `found` of the live definition; without a source, take it out.

    `force`: also from under a guest that has locked its tray. All of it is undone when a step fails, as far as the
    tray allows. The caller holds the job.
    """
    machine = machine_of(dom)
    drive = found.copy()
    drive.type, drive.source, drive.backing, drive.tray = given.type, given.source, given.backing, None
    if given.driver is not None and given.driver.type is not None and drive.driver is not None:
        drive.driver.type = given.driver.type
    judge_device(dom.current, drive, caps)
    alias = str(found.alias)
    old_files = list(images_of(found))
    async with contextlib.AsyncExitStack() as undo:
        top = None
        if not drive.empty:
            await lend(runtime, machine, drive, undo)
            builder = builder_for(runtime, machine, dom.current, drive, caps)
            await number_new(machine, builder, drive)
            for image in disk_images(builder, drive):
                top = add_image(builder, image)
            await run_all(machine, commands(builder.argv), undo)
        old = await nodes_of(machine, alias)
        await open_tray(machine, alias, force=force)
        if not found.empty:
            await machine.run("blockdev-remove-medium", id=alias)
        if top is not None:
            await machine.run("blockdev-insert-medium", {"id": alias, "node-name": top})
        await machine.run("blockdev-close-tray", id=alias)
        undo.pop_all()
    await drop(machine, [("blockdev-del", {"node-name": name}) for name in old])
    runtime.ownership.give_back_some(old_files, machine.lent, machine.run_dir)

    def change(live: DomainDef) -> None:
        live.devices.disks = [drive if disk.alias == alias else disk for disk in live.devices.disks]

    await change_live(runtime, dom, change)


async def open_tray(machine: Machine, alias: str, *, force: bool) -> None:
    """Open it, waiting for a guest that has locked it. Raises OperationFailed when it stays shut."""
    opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def moved(data: Mapping[str, Any]) -> None:
        if data.get("id") == alias and data.get("tray-open") is True and not opened.done():
            opened.set_result(None)

    stop = machine.listen("DEVICE_TRAY_MOVED", moved)
    try:
        try:
            await machine.run("blockdev-open-tray", id=alias, force=force)
            return
        except Refused as error:
            if "locked" not in error.text:
                raise
        # QEMU has asked the guest to eject.
        await asyncio.wait([opened], timeout=_TRAY_WAIT)
        if not opened.done():
            raise OperationFailed(f"{machine}: the guest keeps the tray of {alias} locked; force would open it")
    finally:
        stop()
