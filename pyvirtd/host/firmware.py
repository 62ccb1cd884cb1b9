"""Guest firmware that is installed here, by its descriptors (docs/interop/firmware.json of QEMU).

A descriptor in a later directory replaces one of the same name in an earlier one; an empty file hides it. They count
in the order of their names.
"""

from __future__ import annotations

import fnmatch
import json
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

log = logging.getLogger(__name__)

DIRECTORIES: Final = ("/usr/share/qemu/firmware", "/etc/qemu/firmware")
MAX_SIZE: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Firmware:
    """One descriptor. `interfaces` are "bios", "uefi"; `targets` are (QEMU's architecture, machine patterns);
    `nvram_template` is None where the firmware keeps nothing (`stateless`) or keeps it in itself (`combined`)."""

    path: str
    interfaces: tuple[str, ...]
    device: str
    mode: str
    executable: str
    executable_format: str
    nvram_template: str | None
    nvram_format: str
    targets: tuple[tuple[str, tuple[str, ...]], ...]
    features: frozenset[str]

    def fits(self, arch: str, machine: str) -> bool:
        """Whether it is for that architecture (QEMU's name) and canonical machine."""
        return any(
            target == arch and any(fnmatch.fnmatchcase(machine, pattern) for pattern in machines)
            for target, machines in self.targets
        )

    @property
    def secure(self) -> bool:
        """Whether it does secure boot in system management mode."""
        return {"secure-boot", "requires-smm"} <= self.features


def installed(directories: Sequence[str] = DIRECTORIES) -> list[Firmware]:
    """All firmware, in the order in which it is to be considered. A broken descriptor is logged and left out."""
    files: dict[str, str] = {}
    for directory in directories:
        try:
            names = os.listdir(directory)
        except OSError:
            continue
        files.update({name: os.path.join(directory, name) for name in names if name.endswith(".json")})
    found = []
    for _, path in sorted(files.items()):
        try:
            with open(path, "rb") as f:
                data = f.read(MAX_SIZE)
            if data.strip():
                found.append(_parse(path, json.loads(data)))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as e:
            log.warning("firmware descriptor %s is left out: %s", path, e)
    return found


def _parse(path: str, content: Any) -> Firmware:
    mapping = content["mapping"]
    device = str(mapping["device"])
    if device == "flash":
        executable, nvram = mapping["executable"], mapping.get("nvram-template") or {}
    else:
        executable, nvram = {"filename": mapping["filename"], "format": "raw"}, {}
    return Firmware(
        path,
        tuple(map(str, content["interface-types"])),
        device,
        str(mapping.get("mode", "split")),
        str(executable["filename"]),
        str(executable.get("format", "raw")),
        str(nvram["filename"]) if "filename" in nvram else None,
        str(nvram.get("format", "raw")),
        tuple((str(t["architecture"]), tuple(map(str, t["machines"]))) for t in content["targets"]),
        frozenset(map(str, content["features"])),
    )
