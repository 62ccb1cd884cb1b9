"""<sysinfo type='smbios'> of the host."""

from __future__ import annotations

from pyvirtd.conf.outline import Outline
from pyvirtd.host.sysinfo import Entries, SystemInfo


def format_sysinfo(info: SystemInfo) -> str:
    """The document, as libvirt lays it out; sections without entries are left out."""
    out = Outline()
    with out.inside("sysinfo", type="smbios"):
        _section(out, "bios", info.bios)
        _section(out, "system", info.system)
        for board in info.base_boards:
            _section(out, "baseBoard", board)
        _section(out, "chassis", info.chassis)
        for processor in info.processors:
            _section(out, "processor", processor)
        for device in info.memory_devices:
            _section(out, "memory_device", device)
        if info.oem_strings:
            with out.inside("oemStrings"):
                for text in info.oem_strings:
                    out.element("entry", text)
    return out.text()


def _section(out: Outline, tag: str, entries: Entries) -> None:
    if entries:
        with out.inside(tag):
            for name, value in entries:
                out.element("entry", value, name=name)
