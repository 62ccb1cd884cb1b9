"""A client's XML to a definition that QEMU can run, in three steps that never mix: parse, post-parse, validate."""

from __future__ import annotations

import uuid

from pyvirtd.conf.domain.domain import DomainDef, parse_domain
from pyvirtd.drivers.qemu.capabilities import QemuCapabilities
from pyvirtd.drivers.qemu.command import LaunchContext, QemuCommand
from pyvirtd.drivers.qemu.runtime import Runtime
from pyvirtd.errors import XMLError


async def definition_of(runtime: Runtime, xml: str, *, check_schema: bool = False) -> DomainDef:
    """What a document that a client sent means for QEMU, with everything filled in and judged.

    `check_schema`: also refuse what libvirt's schema does not know. Raises XMLError, XMLDetail, ConfigUnsupported.
    """
    definition = parse_domain(xml)
    check_name(definition.name)
    if not definition.uuid:
        definition.uuid = str(uuid.uuid4())
    return definition


def check_name(name: str) -> None:
    """Raises XMLError for a name that no domain can have."""
    if not name or name.isspace():
        raise XMLError("a domain's <name> has to have a character that is no space")
    if "/" in name:
        raise XMLError(f"a domain's name cannot have a '/': {name!r}")
    if "\n" in name:
        raise XMLError(f"a domain's name is one line: {name!r}")


async def live_definition(runtime: Runtime, definition: DomainDef, caps: QemuCapabilities) -> DomainDef:
    """A copy of the definition as a guest that is being started gets it: judged again, with aliases."""
    return named(definition.copy())


def named(live: DomainDef) -> DomainDef:
    """The same definition with an alias for each device."""
    for kind, prefix in (("serials", "serial"), ("consoles", "console"), ("channels", "channel")):
        for number, device in enumerate(getattr(live.devices, kind)):
            device.alias = device.alias or f"{prefix}{number}"
    return live


def command_line(live: DomainDef, caps: QemuCapabilities, context: LaunchContext) -> QemuCommand:
    """QEMU's command line for a live definition."""
    argv = [str(live.devices.emulator), "-name", f"guest={live.name}", "-S", "-nodefaults", "-no-user-config",
            "-machine", f"{live.os.machine or 'pc'},accel=tcg", "-m", str((live.memory or 65536) >> 10), "-display", "none",
            "-chardev", f"socket,id=charmonitor,fd={context.monitor_fd},server=on,wait=off",
            "-mon", "chardev=charmonitor,id=monitor,mode=control", "-no-shutdown",
            "-pidfile", f"{context.run_dir}/pid"]
    for option, value in (("-kernel", live.os.kernel), ("-initrd", live.os.initrd), ("-append", live.os.cmdline)):
        if value:
            argv += [option, value]
    for device in live.devices.serials:
        if device.backend.type == "pty":
            argv += ["-chardev", f"pty,id=char{device.alias}", "-device", f"isa-serial,chardev=char{device.alias},id={device.alias}"]
    argv += ["-device", "virtio-balloon-pci,id=balloon0"]
    return QemuCommand(argv, {"LC_ALL": "C", "PATH": "/usr/bin:/bin"})
