"""CPU features and models by libvirt's names, and the CPUID and MSR bits behind them.

A CPU's features are a frozenset of names everywhere in this room; CPUID results become one by `features_of`.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Mapping
from importlib import resources
from typing import Any, Final, NamedTuple

Features = frozenset[str]
Registers = Mapping[tuple[int | str, int], tuple[int, int, int, int]]
"""(leaf, subleaf), or ("msr", index), to eax, ebx, ecx, edx. An MSR's lower half is in eax, the upper in edx."""

_REGISTER: Final = {"eax": 0, "ebx": 1, "ecx": 2, "edx": 3}


class Signature(NamedTuple):
    """What CPUID leaf 1 says a CPU is."""

    family: int
    model: int
    stepping: int

    @classmethod
    def of(cls, eax: int) -> Signature:
        family, model = eax >> 8 & 0xF, eax >> 4 & 0xF
        if family == 0xF:
            family += eax >> 20 & 0xFF
        if family in (6, 0xF) or family > 0xF:
            model |= (eax >> 16 & 0xF) << 4
        return cls(family, model, eax & 0xF)


class CpuModel(NamedTuple):
    """A named CPU. `removed` are features it once had: libvirt drops them from the model but remembers."""

    name: str
    vendor: str | None
    for_host: bool
    for_guest: bool
    signatures: tuple[tuple[int, int, int, int], ...]
    features: Features
    removed: Features

    def matches(self, signature: Signature) -> bool:
        """Whether the model is of that family, model and stepping."""
        return any(
            family == signature.family and model == signature.model and low <= signature.stepping <= high
            for family, model, low, high in self.signatures
        )


class CpuMap:
    """The facts of one architecture family. Use `x86()`."""

    def __init__(self, facts: Mapping[str, Any]) -> None:
        self.vendors: dict[str, str] = facts["vendors"]
        """libvirt's name of a vendor to the CPU's own."""
        features: dict[str, str] = facts["features"]
        self.order: dict[str, int] = {name: n for n, name in enumerate(features)}
        """Features in the order they are printed in."""
        self._bits = {name: _bits(text) for name, text in features.items()}
        self.not_migratable: Features = frozenset(facts["not_migratable"])
        """Features that a guest cannot take to another host."""
        self._from_qemu: dict[str, str] = facts["aliases"]
        self._to_qemu: dict[str, str] = {
            libvirt: qemu for qemu, libvirt in self._from_qemu.items() if "-" in qemu and "_" in libvirt
        }
        self._to_qemu["pclmuldq"] = "pclmulqdq"
        self.models: dict[str, CpuModel] = {
            name: CpuModel(
                name,
                m["vendor"],
                m["host"],
                m["guest"],
                tuple((s[0], s[1], s[2], s[3]) for s in m["signatures"]),
                frozenset(m["features"].split()),
                frozenset(m["removed"].split()),
            )
            for name, m in facts["models"].items()
        }
        """By name, oldest first."""
        self.other_models: dict[str, list[str]] = facts["other_models"]

    def sort(self, features: Iterable[str]) -> list[str]:
        """In the order they are printed in; unknown ones last."""
        return sorted(features, key=lambda name: self.order.get(name, len(self.order)))

    def from_qemu(self, name: str) -> str:
        """libvirt's name of a feature that QEMU names so."""
        return self._from_qemu.get(name, name)

    def to_qemu(self, name: str) -> str:
        """QEMU's name of a feature that libvirt names so."""
        return self._to_qemu.get(name, name)

    def features_of(self, registers: Registers) -> Features:
        """The features whose bits are all set."""
        found = []
        for name, (key, register, mask) in self._bits.items():
            values = registers.get(key)
            if values is not None and values[register] & mask == mask:
                found.append(name)
        return frozenset(found)

    def in_msr(self, name: str) -> bool:
        """Whether a feature is told by an MSR, which CPUID says nothing about."""
        return self._bits[name][0][0] == "msr"

    def vendor_of(self, registers: Registers) -> str | None:
        """libvirt's name of the vendor that leaf 0 names; None when it is not known."""
        _, ebx, ecx, edx = registers.get((0, 0), (0, 0, 0, 0))
        text = b"".join(value.to_bytes(4, "little") for value in (ebx, edx, ecx)).decode("latin-1")
        return self.vendor_named(text)

    def vendor_named(self, text: str) -> str | None:
        """libvirt's name of the vendor that calls itself so ("GenuineIntel")."""
        return next((name for name, own in self.vendors.items() if own == text), None)


def _bits(text: str) -> tuple[tuple[int | str, int], int, int]:
    leaf, subleaf, register, mask = text.split("/")
    key: tuple[int | str, int] = ("msr", int(subleaf, 16)) if leaf == "msr" else (int(leaf, 16), int(subleaf, 16))
    return key, _REGISTER[register], int(mask, 16)


@functools.cache
def x86() -> CpuMap:
    """The map of x86 CPUs; read at the first use (2 ms)."""
    return CpuMap(json.loads(resources.files(__package__).joinpath("x86.json").read_bytes()))
