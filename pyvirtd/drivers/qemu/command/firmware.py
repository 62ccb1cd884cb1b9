"""Which firmware a guest starts with: chosen by the descriptors that distributions install.

Descriptors are QEMU's docs/interop/firmware.json; the first in name order that fits wins. A file in a later
directory replaces one of the same name in an earlier one; an empty one hides it.
"""

from __future__ import annotations

import fnmatch
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pyvirtd.conf.domain.features import Features
from pyvirtd.conf.domain.os import Loader, Nvram
from pyvirtd.drivers.qemu.postparse.machine import arch_of, os_of
from pyvirtd.errors import OperationFailed, OperationInvalid

if TYPE_CHECKING:
    from pyvirtd.conf.domain.domain import DomainDef

MAX_DESCRIPTOR = 1 << 20
INTERFACES = {"efi": "uefi", "bios": "bios"}


@dataclass(frozen=True, slots=True)
class Firmware:
    """What a descriptor says of one firmware image."""

    interfaces: frozenset[str]
    device: str  # flash or memory
    executable: str
    format: str
    template: str | None
    template_format: str
    stateless: bool
    targets: tuple[tuple[str, tuple[str, ...]], ...]
    features: frozenset[str]


def _parse(data: Any) -> Firmware | None:
    """None for a descriptor of another kind of image."""
    try:
        mapping = data["mapping"]
        device = mapping["device"]
        if device == "flash":
            executable = mapping["executable"]["filename"]
            form = mapping["executable"].get("format", "raw")
            template = mapping.get("nvram-template", {}).get("filename")
            template_format = mapping.get("nvram-template", {}).get("format", "raw")
        elif device == "memory":
            executable, form, template, template_format = mapping["filename"], "raw", None, "raw"
        else:
            return None
        return Firmware(
            frozenset(data["interface-types"]),
            device,
            str(executable),
            str(form),
            template,
            template_format,
            mapping.get("mode") == "stateless",
            tuple((t["architecture"], tuple(t["machines"])) for t in data["targets"]),
            frozenset(data["features"]),
        )
    except (KeyError, TypeError, AttributeError):
        return None


def read_descriptors(directories: Sequence[str]) -> list[Firmware]:
    """All usable descriptors, in the order in which they are tried."""
    files: dict[str, str] = {}
    for directory in directories:
        try:
            names = os.listdir(directory)
        except OSError:
            continue
        for name in names:
            if name.endswith(".json"):
                files[name] = os.path.join(directory, name)
    found = []
    for name in sorted(files):
        try:
            with open(files[name], "rb") as f:
                text = f.read(MAX_DESCRIPTOR)
            firmware = _parse(json.loads(text)) if text.strip() else None
        except (OSError, ValueError):
            continue
        if firmware is not None:
            found.append(firmware)
    return found


def fits(definition: DomainDef, firmware: Firmware) -> bool:
    """Whether a firmware is what the definition asks for, on a machine it runs on."""
    system = os_of(definition)
    if INTERFACES.get(system.firmware or "") not in firmware.interfaces:
        return False
    arch, machine = arch_of(definition), system.machine or ""
    patterns = [pattern for target, machines in firmware.targets if target == arch for pattern in machines]
    if not any(fnmatch.fnmatchcase(machine, pattern) for pattern in patterns):
        return False
    for feature in system.firmware_features:
        if feature.enabled != (feature.name in firmware.features):
            return False
    loader = system.loader
    if loader is not None:
        if loader.secure is not None and loader.secure != ("secure-boot" in firmware.features):
            return False
        if loader.stateless is not None and loader.stateless and firmware.device == "flash" and not firmware.stateless:
            return False
        if loader.format is not None and firmware.device == "flash" and loader.format != firmware.format:
            return False
    features = definition.features
    if "requires-smm" in firmware.features and features is not None and features.smm is False:
        raise OperationInvalid(
            "features: System Management Mode is off, but the firmware that fits otherwise needs it"
        )
    return True


def settle_firmware(definition: DomainDef, directories: Sequence[str], nvram_dir: str) -> None:
    """Fills in loader and variables of a guest that asks for a kind of firmware (<os firmware='efi'>).

    Raises OperationFailed when nothing installed fits, OperationInvalid when what fits clashes with the definition.
    """
    system = os_of(definition)
    if system.firmware is None:
        return
    if system.loader is not None and system.loader.path:
        return
    chosen = next((f for f in read_descriptors(directories) if fits(definition, f)), None)
    if chosen is None:
        raise OperationFailed(f"os: no installed firmware fits what <os firmware='{system.firmware}'> asks for")
    apply(definition, chosen, nvram_dir)


def apply(definition: DomainDef, chosen: Firmware, nvram_dir: str) -> None:
    system = os_of(definition)
    loader = system.loader = system.loader or Loader()
    loader.path = chosen.executable
    loader.readonly = True
    if chosen.device == "memory":
        loader.type = "rom"
        return
    loader.type = "pflash"
    loader.format = chosen.format
    if "secure-boot" in chosen.features and "requires-smm" in chosen.features:
        loader.secure = True
    if "requires-smm" in chosen.features:
        definition.features = definition.features or Features()
        definition.features.smm = True
    if chosen.template is not None and not chosen.stateless:
        nvram = system.nvram = system.nvram or Nvram()
        nvram.template = nvram.template or chosen.template
        nvram.format = nvram.format or chosen.template_format
        if nvram.path is None and nvram.source is None:
            nvram.path = nvram_path(definition, nvram_dir, nvram.format)


def nvram_path(definition: DomainDef, nvram_dir: str, format: str | None) -> str:
    """Where a guest's firmware variables are kept unless the definition says."""
    suffix = ".qcow2" if format == "qcow2" else ".fd"
    return f"{nvram_dir}/{definition.name}_VARS{suffix}"
