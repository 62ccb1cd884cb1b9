"""What a recorded QEMU can give to guests of its host's CPU."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pyvirtd.drivers.qemu.capabilities.model import QemuCapabilities
from pyvirtd.drivers.qemu.capabilities.recorded import from_recording
from pyvirtd.drivers.qemu.cpu.cpu_map import x86
from pyvirtd.drivers.qemu.cpu.hypervisor import expand_host_model, guest_cpu, host_model, known_features, offered_models

SHARED = Path(os.environ.get("PYVIRTD_SHARED") or Path(__file__).parents[5] / "shared")
REPLIES = SHARED / "corpus/qemucaps/base/caps_7.2.0_x86_64.replies"
pytestmark = pytest.mark.skipif(not REPLIES.exists(), reason="the corpus of recorded replies is not here")


@pytest.fixture
async def caps() -> QemuCapabilities:
    return await from_recording(REPLIES, "/usr/bin/qemu-system-x86_64")


async def test_the_host_in_terms_of_a_model(caps: QemuCapabilities) -> None:
    cpu, described = guest_cpu(caps, "kvm"), host_model(caps, "kvm")
    assert cpu is not None
    assert described is not None
    assert (described.model, cpu.vendor, cpu.signature) == ("EPYC-Rome", "AMD", (23, 113, 0))
    model = x86().models[described.model]
    assert (model.features | set(described.require)) - set(described.disable) == cpu.features


async def test_what_would_tie_a_guest_to_its_host_is_left_out(caps: QemuCapabilities) -> None:
    whole, migratable = host_model(caps, "kvm"), expand_host_model(caps, "kvm")
    assert whole is not None
    assert migratable is not None
    assert "invtsc" in whole.require
    assert "invtsc" not in migratable[1]
    assert "invtsc" in known_features(caps, "kvm")
    assert "invtsc" not in known_features(caps, "kvm", migratable=True)


async def test_the_guests_own_features_take_their_place(caps: QemuCapabilities) -> None:
    plain = expand_host_model(caps, "kvm")
    assert plain is not None
    first = next(iter(plain[1]))
    changed = expand_host_model(caps, "kvm", [(first, "disable"), ("invtsc", "require")])
    assert changed is not None
    assert list(changed[1]) == [*plain[1], "invtsc"]
    assert changed[1][first] == "disable"


async def test_offered_models_keep_what_blocks_them(caps: QemuCapabilities) -> None:
    models = {m.name: m for m in offered_models(caps, "tcg")}
    assert models["qemu64"].usable
    assert models["EPYC"].usable is False
    assert "fxsr_opt" in models["EPYC"].blockers
    assert models["EPYC"].vendor == "AMD"
    assert models["qemu64"].vendor == "unknown"
