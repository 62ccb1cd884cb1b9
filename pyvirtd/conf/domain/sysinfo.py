"""<sysinfo>: what the guest's firmware tables say."""

from __future__ import annotations

from typing import ClassVar

from pyvirtd.conf.xml import Element, at, child, children, kind, must, text, texts


class Entry(Element, tag="entry"):
    """One string of a table."""

    name: str = must("@name")
    value: str | None = text()


class Table(Element):
    """A table of named strings, kept in the table's own order; names it doesn't have are dropped."""

    NAMES: ClassVar[tuple[str, ...]] = ()
    entries: list[Entry] = children()

    def parsed(self, flags: int) -> None:
        """Sort into the table's order; of equal names the first counts."""
        first: dict[str, Entry] = {}
        for entry in self.entries:
            if entry.value is not None:
                first.setdefault(entry.name, entry)
        self.entries = [first[name] for name in self.NAMES if name in first]

    def get(self, name: str) -> str | None:
        """A string by its name."""
        return next((entry.value for entry in self.entries if entry.name == name), None)


class Bios(Table, tag="bios"):
    """SMBIOS type 0."""

    NAMES = ("vendor", "version", "date", "release")


class System(Table, tag="system"):
    """SMBIOS type 1."""

    NAMES = ("manufacturer", "product", "version", "serial", "uuid", "sku", "family")


class BaseBoard(Table, tag="baseBoard"):
    """SMBIOS type 2."""

    NAMES = ("manufacturer", "product", "version", "serial", "asset", "location")


class Chassis(Table, tag="chassis"):
    """SMBIOS type 3."""

    NAMES = ("manufacturer", "version", "serial", "asset", "sku")


class Processor(Table, tag="processor"):
    """SMBIOS type 4, of hosts only."""

    NAMES = (
        "socket_destination", "type", "family", "manufacturer", "signature", "version", "external_clock", "max_speed",
        "status", "serial_number", "part_number",
    )  # fmt: skip


class MemoryDevice(Table, tag="memory_device"):
    """SMBIOS type 17, of hosts only."""

    NAMES = (
        "size", "form_factor", "locator", "bank_locator", "type", "type_detail", "speed", "manufacturer",
        "serial_number", "part_number",
    )  # fmt: skip


class FirmwareEntry(Element, tag="entry"):
    """A blob for the guest's firmware: a string or a host file."""

    name: str = must("@name")
    file: str | None = at("@file")
    value: str | None = text()


class Sysinfo(Element, tag="sysinfo", family=True):
    """Either SMBIOS tables or fw_cfg blobs."""

    type: str = kind("@type", required=True)


class SmbiosInfo(Sysinfo, variant="smbios"):
    """SMBIOS tables."""

    bios: Bios | None = child(empty=False)
    system: System | None = child(empty=False)
    baseboards: list[BaseBoard] = children()
    chassis: Chassis | None = child(empty=False)
    processors: list[Processor] = children()
    memory_devices: list[MemoryDevice] = children()
    oem_strings: list[str] = texts("oemStrings/entry")


class FwcfgInfo(Sysinfo, variant="fwcfg"):
    """fw_cfg blobs."""

    entries: list[FirmwareEntry] = children()
