"""What a guest's real CPU makes of the one that it was defined with."""

from __future__ import annotations

from typing import Any

import pytest

from pyvirtd.conf.domain.cpu import Cpu
from pyvirtd.conf.xml import parse
from pyvirtd.drivers.qemu.cpu.cpu_map import x86
from pyvirtd.drivers.qemu.cpu.live import registers, update
from pyvirtd.errors import OperationFailed

HYPERVISOR = {"cpuid-input-eax": 1, "cpuid-register": "ECX", "features": 1 << 31}
SMEP = {"cpuid-input-eax": 7, "cpuid-input-ecx": 0, "cpuid-register": "EBX", "features": 1 << 7}


def cpu(inner: str, attributes: str = "mode='custom' match='exact' check='none'") -> Cpu:
    found: Cpu = parse(Cpu, f"<cpu {attributes}>{inner}</cpu>")
    return found


def features(found: Cpu) -> dict[str, str | None]:
    return {feature.name: feature.policy for feature in found.features}


def test_feature_words_are_registers() -> None:
    found = registers([HYPERVISOR, SMEP])
    assert found[7, 0] == (0, 1 << 7, 0, 0)
    assert x86().features_of(found) == {"hypervisor", "smep"}


NO_REGISTER = {"cpuid-input-eax": 1, "cpuid-register": "R9", "features": 0}


@pytest.mark.parametrize("words", [None, 5, [{}], [NO_REGISTER], ["x"]])
def test_what_is_no_description_is_refused(words: Any) -> None:
    with pytest.raises(OperationFailed, match="description"):
        registers(words)


def test_more_is_required_and_less_is_disabled() -> None:
    found = cpu("<model>qemu64</model><feature policy='require' name='avx'/>")
    model = x86().models["qemu64"].features
    update(found, x86(), (model - {"cx16"}) | {"hypervisor", "avx"}, frozenset())
    assert features(found) == {"avx": "require", "hypervisor": "require", "cx16": "disable"}


def test_what_the_accelerator_lacks_is_disabled_even_where_it_was_required() -> None:
    found = cpu("<model>qemu64</model><feature policy='require' name='avx'/>")
    update(found, x86(), x86().models["qemu64"].features, frozenset({"avx"}))
    assert features(found) == {"avx": "disable"}


def test_check_full_refuses_another_cpu() -> None:
    found = cpu("<model>qemu64</model>", "mode='custom' match='exact' check='full'")
    with pytest.raises(OperationFailed, match="has also hypervisor, and lacks nothing"):
        update(found, x86(), x86().models["qemu64"].features | {"hypervisor"}, frozenset())
    assert features(found) == {}


def test_of_the_hosts_own_cpu_only_broken_promises_are_named() -> None:
    found = cpu("<feature policy='disable' name='smep'/>", "mode='maximum' check='none'")
    update(found, x86(), frozenset({"smep", "avx", "hypervisor"}), frozenset())
    assert features(found) == {"smep": "require"}
