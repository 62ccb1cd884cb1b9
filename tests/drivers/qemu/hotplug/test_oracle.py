"""The corpus run: how far changes of devices in definitions agree with the real libvirtd 9.0.0. Floors only rise."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType

import pytest

ATTACH = {"attach": 93.8, "detach": 98.5}
# Sockets in our own directories for channels are taken for made up, which those of the reference are not.
DEVICE = {"attach": 93.0, "detach": 96.0, "update": 96.5}


def _tool() -> ModuleType:
    name = "attach_oracle"
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name("attach_oracle.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "floors"), [("attach", ATTACH), ("device", DEVICE)])
def test_rates_do_not_fall(kind: str, floors: dict[str, float]) -> None:
    tool = _tool()
    if not (tool.sibling().shared_directory() / "corpus" / kind / "oracle").is_dir():
        pytest.skip("the shared corpus isn't beside the repository (PYVIRTD_SHARED)")
    if not os.path.exists("/usr/bin/qemu-system-x86_64"):
        pytest.skip("the QEMU that the reference host had isn't installed")
    tally = tool.compare_attach() if kind == "attach" else tool.compare_device()
    assert not tally.crashes, tally.crashes[0]
    for step, floor in floors.items():
        assert tally.rate(step) >= floor, f"{step}: {tally.rate(step):.1f} %"
