"""<os>: what the guest is and how it boots."""

from __future__ import annotations

from typing import Literal

from pyvirtd.conf.domain.source import StorageSource
from pyvirtd.conf.xml import Element, at, child, children, must, text, texts
from pyvirtd.conf.xml.types import Int, UInt, YesNo

Arch = str  # "x86_64", "aarch64", …: the driver knows which it has
BootDevice = Literal["fd", "hd", "cdrom", "network"]


class InitEnv(Element, tag="initenv"):
    """An environment variable of a container's init."""

    name: str = must("@name")
    value: str | None = text()


class FirmwareFeature(Element, tag="feature"):
    """A feature that the chosen firmware has to have, or not to have."""

    enabled: YesNo = must("@enabled")
    name: Literal["enrolled-keys", "secure-boot"] = must("@name")


class Loader(Element, tag="loader"):
    """The firmware image: read-only flash or a ROM."""

    readonly: YesNo | None = at("@readonly")
    secure: YesNo | None = at("@secure")
    type: Literal["rom", "pflash"] | None = at("@type")
    stateless: YesNo | None = at("@stateless")
    format: str | None = at("@format")
    path: str | None = text()


class Nvram(Element, tag="nvram"):
    """The firmware's variables: a local file (`path`), or with `type` a source like a disk's."""

    type: Literal["file", "block", "network"] | None = at("@type")
    template: str | None = at("@template")
    format: str | None = at("@format")
    source: StorageSource | None = child()
    path: str | None = text()

    def parsed(self, flags: int) -> None:
        """Whitespace around a <source> is not a path."""
        if self.source is not None or (self.path is not None and not self.path.strip()):
            self.path = None


class Os(Element, tag="os"):
    """Operating system and boot."""

    firmware: Literal["bios", "efi"] | None = at("@firmware")
    arch: Arch | None = at("type/@arch")
    machine: str | None = at("type/@machine")
    type: str | None = at("type")
    init: str | None = at("init")
    initargs: list[str] = texts("initarg")
    initenvs: list[InitEnv] = children()
    initdir: str | None = at("initdir")
    inituser: str | None = at("inituser")
    initgroup: str | None = at("initgroup")
    firmware_features: list[FirmwareFeature] = children(under="firmware")
    loader: Loader | None = child()
    nvram: Nvram | None = child()
    kernel: str | None = at("kernel")
    initrd: str | None = at("initrd")
    cmdline: str | None = at("cmdline")
    dtb: str | None = at("dtb")
    root: str | None = at("root")
    acpi_table_type: Literal["raw", "rawset", "slic"] | None = at("acpi/table/@type")
    acpi_table: str | None = at("acpi/table")
    boot: list[BootDevice] = texts("boot/@dev")
    bootmenu: YesNo | None = at("bootmenu/@enable")
    bootmenu_timeout: UInt | None = at("bootmenu/@timeout")
    bios_useserial: YesNo | None = at("bios/@useserial")
    bios_reboot_timeout: Int | None = at("bios/@rebootTimeout")
    smbios: Literal["emulate", "host", "sysinfo"] | None = at("smbios/@mode")
