"""The few facts of a definition that are asked for most, kept for every domain when its definition is not."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from pyvirtd.conf.domain.domain import DomainDef


class Summary(NamedTuple):
    """Memory is in KiB. `nvram`: where its firmware's variables are, if that is a local file. `keeps_tpm`: it has a TPM
    whose memory outlives it.
    """

    memory: int
    current_memory: int
    vcpus: int
    os_type: str
    nvram: Path | None
    keeps_tpm: bool


def summary(definition: DomainDef) -> Summary:
    """For `Domain.fact`."""
    memory = int(definition.memory or 0)
    current = definition.current_memory if definition.current_memory is not None else memory
    vcpus = definition.current_vcpus or definition.max_vcpus or 1
    system = definition.os
    os_type = str(system.type) if system is not None and system.type else "hvm"
    keeps_tpm = any(tpm.backend.persistent_state for tpm in definition.devices.tpms)
    return Summary(memory, int(current), int(vcpus), os_type, nvram_path(definition), keeps_tpm)


def nvram_path(definition: DomainDef) -> Path | None:
    """Where its firmware's variables are, if it is firmware that has any in a local file."""
    nvram = getattr(definition.os, "nvram", None)
    path = nvram if isinstance(nvram, str) else getattr(nvram, "path", None)
    return Path(path) if path else None
