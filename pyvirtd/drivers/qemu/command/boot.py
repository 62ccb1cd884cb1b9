"""What the guest starts from: clock, timers, power management, boot order, kernel, firmware, SMBIOS."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pyvirtd.conf.domain.os import Nvram
from pyvirtd.conf.domain.source import StorageSource
from pyvirtd.conf.domain.sysinfo import FwcfgInfo, SmbiosInfo, Table
from pyvirtd.drivers.qemu.command.blockdev import Image, add_image
from pyvirtd.drivers.qemu.command.machine import QEMU_8, hpet, lacks_acpi
from pyvirtd.drivers.qemu.command.words import escape, on_off
from pyvirtd.drivers.qemu.postparse.machine import is_q35, is_x86
from pyvirtd.errors import ConfigUnsupported

if TYPE_CHECKING:
    from pyvirtd.drivers.qemu.command.builder import Builder


def add_clock(b: Builder) -> None:
    """-rtc, and the policies for lost ticks."""
    clock = b.definition.clock
    words = [f"base={rtc_base(b)}"]
    if clock is not None:
        for timer in clock.timers:
            if timer.name == "rtc":
                if timer.track:
                    words.append({"boot": "clock=vm", "guest": "clock=vm", "wall": "clock=host",
                                  "realtime": "clock=rt"}[timer.track])  # fmt: skip
                if timer.tickpolicy == "catchup":
                    words.append("driftfix=slew")
    b.add("-rtc", ",".join(words))
    for timer in clock.timers if clock is not None else []:
        if timer.name == "pit" and timer.tickpolicy in ("delay", "discard") and b.caps.has_device("kvm-pit"):
            b.add("-global", f"kvm-pit.lost_tick_policy={timer.tickpolicy}")
    if hpet(b) is False and b.caps.version < QEMU_8 and is_x86(b.definition):
        b.add("-no-hpet")


def rtc_base(b: Builder) -> str:
    """utc, localtime, or the time the guest's clock starts with."""
    clock = b.definition.clock
    if clock is None or clock.offset == "utc":
        return "utc"
    if clock.offset in ("localtime", "timezone"):
        return "localtime"
    if clock.offset == "absolute":
        moment = float(clock.start or 0)
    else:
        adjust = clock.adjustment if isinstance(clock.adjustment, int) else 0
        moment = time.time() + adjust
        if clock.basis == "localtime":
            return time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(moment))
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def add_power(b: Builder) -> None:
    """The daemon decides what a shutdown means; ACPI sleep states where the definition says something."""
    b.add("-no-shutdown")
    if lacks_acpi(b) and b.caps.version < QEMU_8:
        b.add("-no-acpi")
    pm = b.definition.pm
    if pm is None:
        return
    device = "ICH9-LPC" if is_q35(b.definition) else "PIIX4_PM"
    if not b.caps.has_device(device):
        return
    if pm.suspend_to_mem is not None:
        b.add("-global", f"{device}.disable_s3={0 if pm.suspend_to_mem else 1}")
    if pm.suspend_to_disk is not None:
        b.add("-global", f"{device}.disable_s4={0 if pm.suspend_to_disk else 1}")


def add_boot(b: Builder) -> None:
    system = b.os
    words = []
    if system.bootmenu is not None:
        words.append(f"menu={on_off(system.bootmenu)}")
        if system.bootmenu and system.bootmenu_timeout is not None:
            words.append(f"splash-time={system.bootmenu_timeout}")
    if system.bios_reboot_timeout is not None:
        words.append(f"reboot-timeout={system.bios_reboot_timeout}")
    words.append("strict=on")
    b.add("-boot", ",".join(words))
    if system.acpi_table:
        b.add("-acpitable", f"sig=SLIC,file={escape(system.acpi_table)}")


def add_kernel(b: Builder) -> None:
    for option, value in (("-kernel", b.os.kernel), ("-initrd", b.os.initrd), ("-append", b.os.cmdline),
                          ("-dtb", b.os.dtb)):  # fmt: skip
        if value:
            b.add(option, value)


# --- firmware ----------------------------------------------------------------------------------------------------


def flash_image(name: str, kind: str, path_or_source: str | StorageSource, format: str, readonly: bool) -> Image:
    if isinstance(path_or_source, str):
        source = StorageSource(file=path_or_source)
    else:
        source = path_or_source
    return Image(storage=kind, source=source, format=format, name=name, readonly=readonly, auth=source.auth,
                 encryption=source.encryption)  # fmt: skip


def add_flash(b: Builder) -> None:
    """The block nodes of pflash firmware and of its variables; -machine names them."""
    loader = b.os.loader
    if loader is None or loader.type != "pflash" or not loader.path:
        return
    image = flash_image("libvirt-pflash0", "file", loader.path, loader.format or "raw", loader.readonly is True)
    b.flash_nodes[0] = add_image(b, image)
    nvram = b.os.nvram
    if nvram is not None and (nvram.path or nvram.source is not None) and not loader.stateless:
        b.flash_nodes[1] = add_image(b, nvram_image(nvram))


def nvram_image(nvram: Nvram) -> Image:
    kind = nvram.type or "file"
    if nvram.source is not None:
        return flash_image("libvirt-pflash1", kind, nvram.source, nvram.format or "raw", False)
    return flash_image("libvirt-pflash1", "file", nvram.path or "", nvram.format or "raw", False)


def add_loader(b: Builder) -> None:
    """Firmware that isn't flash, and the lock on flash that only System Management Mode may write."""
    loader = b.os.loader
    if loader is None:
        return
    if loader.type == "pflash":
        if loader.secure:
            b.add("-global", "driver=cfi.pflash01,property=secure,value=on")
    elif loader.path:
        b.add("-bios", loader.path)


# --- SMBIOS ------------------------------------------------------------------------------------------------------


def table_words(table: Table, number: int, names: dict[str, str]) -> str:
    """One -smbios option; values keep everything but their commas."""
    words = [f"type={number}"]
    for entry in table.entries:
        key = names.get(entry.name)
        if key is not None and entry.value is not None:
            words.append(f"{key}={escape(entry.value)}")
    return ",".join(words)


SAME = {"vendor": "vendor", "version": "version", "date": "date", "release": "release"}
SYSTEM = {n: n for n in ("manufacturer", "product", "version", "serial", "uuid", "sku", "family")}
BOARD = {n: n for n in ("manufacturer", "product", "version", "serial", "asset", "location")}
CHASSIS = {n: n for n in ("manufacturer", "version", "serial", "asset", "sku")}


def add_smbios(b: Builder) -> None:
    if b.os.smbios in (None, "emulate"):
        return
    tables = [s for s in b.definition.sysinfo if isinstance(s, SmbiosInfo)]
    if b.os.smbios == "host":
        tables = [b.context.host_smbios] if b.context.host_smbios is not None else []
    if not tables:
        raise ConfigUnsupported("os: <smbios mode='sysinfo'/> needs a <sysinfo type='smbios'>")
    info = tables[0]
    if info.bios is not None:
        b.add("-smbios", table_words(info.bios, 0, SAME))
    if info.system is not None:
        names = dict(SYSTEM)
        if b.os.smbios == "host":
            names.pop("uuid")
        b.add("-smbios", table_words(info.system, 1, names))
    if len(info.baseboards) > 1:
        raise ConfigUnsupported("sysinfo: QEMU takes one <baseBoard> only")
    for board in info.baseboards:
        b.add("-smbios", table_words(board, 2, BOARD))
    if info.chassis is not None:
        b.add("-smbios", table_words(info.chassis, 3, CHASSIS))
    if info.oem_strings:
        b.add("-smbios", "type=11" + "".join(f",value={escape(text)}" for text in info.oem_strings))


def add_fw_cfg(b: Builder) -> None:
    for info in b.definition.sysinfo:
        if isinstance(info, FwcfgInfo):
            for entry in info.entries:
                word = f"name={escape(entry.name)}"
                if entry.value is not None and entry.file is None:
                    word += f",string={escape(entry.value)}"
                else:
                    word += f",file={escape(entry.file or '')}"
                b.add("-fw_cfg", word)
