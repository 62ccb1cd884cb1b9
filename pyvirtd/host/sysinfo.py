"""The host's SMBIOS information: from /sys/firmware/dmi/tables where it may be read, else from /sys/class/dmi/id.

Structure layouts: DMTF DSP0134. Types used: 0 BIOS, 1 system, 2 base board, 3 chassis, 4 processor, 11 OEM strings,
17 memory device.
"""

from __future__ import annotations

import os
import struct
import uuid
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from pyvirtd.host.procfile import read_word

TABLE: Final = "/sys/firmware/dmi/tables/DMI"
DMI_ID: Final = "/sys/class/dmi/id"
MAX_TABLE: Final = 1 << 20

Entries = tuple[tuple[str, str], ...]
"""libvirt's entry names and their values, in print order; what the firmware left empty is not there."""


@dataclass(frozen=True, slots=True)
class SystemInfo:
    """What virConnectGetSysinfo prints, by section."""

    bios: Entries = ()
    system: Entries = ()
    base_boards: tuple[Entries, ...] = ()
    chassis: Entries = ()
    processors: tuple[Entries, ...] = ()
    memory_devices: tuple[Entries, ...] = ()
    oem_strings: tuple[str, ...] = field(default=())


class _Structure(NamedTuple):
    kind: int
    data: bytes
    strings: tuple[str, ...]

    def text(self, offset: int) -> str:
        """The string that the byte at an offset points at."""
        number = self.byte(offset)
        return self.strings[number - 1].strip() if 0 < number <= len(self.strings) else ""

    def byte(self, offset: int) -> int:
        return self.data[offset] if offset < len(self.data) else 0

    def word(self, offset: int) -> int:
        return int(struct.unpack_from("<H", self.data, offset)[0]) if offset + 2 <= len(self.data) else 0


def system_info() -> SystemInfo | None:
    """The host's own words about itself; None where it has no SMBIOS, or nobody may read it."""
    try:
        with open(TABLE, "rb") as f:
            return parse(f.read(MAX_TABLE))
    except OSError:
        return _from_sysfs() if os.path.isdir(DMI_ID) else None


def parse(table: bytes) -> SystemInfo:
    """The SMBIOS structure table. A truncated or looping one gives what comes before the damage."""
    by_kind: dict[int, list[_Structure]] = {}
    for structure in _structures(table):
        by_kind.setdefault(structure.kind, []).append(structure)

    def first(kind: int) -> _Structure:
        return by_kind.get(kind, [_Structure(kind, b"", ())])[0]

    return SystemInfo(
        bios=_entries(first(0), vendor=4, version=5, date=8) + _bios_release(first(0)),
        system=_system(first(1)),
        base_boards=tuple(
            _entries(s, manufacturer=4, product=5, version=6, serial=7, asset=8, location=10)
            for s in by_kind.get(2, ())
        ),
        chassis=_entries(first(3), manufacturer=4, version=6, serial=7, asset=8)
        + _named(sku=first(3).text(0x15 + first(3).byte(0x13) * first(3).byte(0x14))),
        processors=tuple(_processor(s) for s in by_kind.get(4, ())),
        memory_devices=tuple(d for s in by_kind.get(17, ()) if (d := _memory_device(s))),
        oem_strings=tuple(text for s in by_kind.get(11, ()) for text in s.strings),
    )


def _structures(table: bytes) -> list[_Structure]:
    found = []
    at = 0
    while at + 4 <= len(table):
        kind, length = table[at], table[at + 1]
        end = table.find(b"\0\0", at + length)
        if length < 4 or end < 0 or kind == 127:
            break
        strings = table[at + length : end].split(b"\0")
        found.append(
            _Structure(kind, table[at : at + length], tuple(s.decode("utf-8", "replace") for s in strings if s))
        )
        at = end + 2
    return found


def _named(**values: str) -> Entries:
    return tuple((name, value) for name, value in values.items() if value)


def _entries(structure: _Structure, **offsets: int) -> Entries:
    return _named(**{name: structure.text(offset) for name, offset in offsets.items()})


def _bios_release(bios: _Structure) -> Entries:
    major, minor = bios.byte(0x14), bios.byte(0x15)
    return (("release", f"{major}.{minor}"),) if len(bios.data) > 0x15 and major != 0xFF else ()


def _system(structure: _Structure) -> Entries:
    entries = _entries(structure, manufacturer=4, product=5, version=6, serial=7)
    raw = structure.data[8:24]
    if len(raw) == 16 and len(set(raw)) > 1:
        entries += (("uuid", str(uuid.UUID(bytes_le=raw))),)
    return entries + _entries(structure, sku=0x19, family=0x1A)


def _processor(structure: _Structure) -> Entries:
    external, top = structure.word(0x12), structure.word(0x14)
    return (
        _entries(structure, socket_destination=4)
        + _named(type={3: "Central Processor"}.get(structure.byte(5), ""))
        + _entries(structure, manufacturer=7, version=0x10)
        + _named(external_clock=f"{external} MHz" if external else "", max_speed=f"{top} MHz" if top else "")
        + _named(status="Populated, Enabled" if structure.byte(0x18) & 0x47 == 0x41 else "")
        + _entries(structure, serial_number=0x20, part_number=0x22)
    )


def _memory_device(structure: _Structure) -> Entries:
    size = structure.word(0x0C)
    if size in (0, 0xFFFF):
        return ()
    if size == 0x7FFF and len(structure.data) >= 0x20:
        text = f"{struct.unpack_from('<I', structure.data, 0x1C)[0]} MB"
    else:
        text = f"{size & 0x7FFF} kB" if size & 0x8000 else f"{size} MB"
    speed = structure.word(0x15)
    return (
        _named(size=text)
        + _entries(structure, locator=0x10, bank_locator=0x11)
        + _named(speed=f"{speed} MT/s" if speed not in (0, 0xFFFF) else "")
        + _entries(structure, manufacturer=0x17, serial_number=0x18, part_number=0x1A)
    )


def _from_sysfs() -> SystemInfo:
    def entries(**files: str) -> Entries:
        return _named(**{name: read_word(f"{DMI_ID}/{file}") or "" for name, file in files.items()})

    board = entries(
        manufacturer="board_vendor",
        product="board_name",
        version="board_version",
        serial="board_serial",
        asset="board_asset_tag",
    )
    return SystemInfo(
        bios=entries(vendor="bios_vendor", version="bios_version", date="bios_date", release="bios_release"),
        system=entries(
            manufacturer="sys_vendor",
            product="product_name",
            version="product_version",
            serial="product_serial",
            uuid="product_uuid",
            sku="product_sku",
            family="product_family",
        ),
        base_boards=(board,) if board else (),
        chassis=entries(
            manufacturer="chassis_vendor",
            version="chassis_version",
            serial="chassis_serial",
            asset="chassis_asset_tag",
        ),
    )
