"""QEMU's command line out of a domain definition: one file for each kind of device, `build` for their order."""

from __future__ import annotations

from pyvirtd.drivers.qemu.command.build import build_command
from pyvirtd.drivers.qemu.command.context import EncryptedSecret, FdGroup, LaunchContext, LogTarget, QemuCommand
from pyvirtd.drivers.qemu.command.dry import dry_context, native_text, prepare_dry
from pyvirtd.drivers.qemu.command.live import settle_live

__all__ = [
    "EncryptedSecret",
    "FdGroup",
    "LaunchContext",
    "LogTarget",
    "QemuCommand",
    "build_command",
    "dry_context",
    "native_text",
    "prepare_dry",
    "settle_live",
]
