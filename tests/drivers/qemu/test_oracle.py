"""The corpus run: how far post-parse, validation and command lines agree with the real libvirtd 9.0.0.

The floors are what was reached; they only rise.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType

import pytest

FLOORS = {
    ("accepted too", "accepted"): 99.0,
    ("xml equal", "accepted"): 97.0,
    ("argv equal", "argv"): 95.5,
    ("same code", "refused"): 90.5,
}
BINARIES = ("/usr/bin/qemu-system-x86_64", "/usr/bin/qemu-system-i386")


def _tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("qemu_oracle", Path(__file__).with_name("oracle.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_rates_do_not_fall() -> None:
    tool = _tool()
    if not (tool.shared_directory() / "corpus" / "domain-qemu" / "oracle").is_dir():
        pytest.skip("the shared corpus isn't beside the repository (PYVIRTD_SHARED)")
    if not all(os.path.exists(binary) for binary in BINARIES):
        pytest.skip("the x86 QEMU binaries that the reference host had aren't installed")
    tally = tool.compare()
    assert tally.counts["crash"] == 0, tally.worst[:1]
    for (good, of), floor in FLOORS.items():
        assert tally.rate(good, of) >= floor, f"{good}: {tally.rate(good, of):.1f} % of {of}"
