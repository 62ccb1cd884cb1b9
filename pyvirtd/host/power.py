"""How the host can go to sleep, and whether it has an IOMMU."""

from __future__ import annotations

import os

from pyvirtd.host.procfile import read_word


def suspend_targets() -> list[str]:
    """Of "suspend_mem", "suspend_disk", "suspend_hybrid", those that the kernel offers."""
    states = (read_word("/sys/power/state") or "").split()
    found = []
    if "mem" in states:
        found.append("suspend_mem")
    if "disk" in states:
        found.append("suspend_disk")
    if len(found) == 2 and "suspend" in (read_word("/sys/power/disk") or ""):
        found.append("suspend_hybrid")
    return found


def has_iommu() -> bool:
    """Whether devices sit in IOMMU groups, as assigning them to guests needs."""
    try:
        return bool(os.listdir("/sys/kernel/iommu_groups"))
    except OSError:
        return False
