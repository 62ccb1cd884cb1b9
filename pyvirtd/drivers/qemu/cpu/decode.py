"""From a CPU's features to the model that describes it best, and what differs from that model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from pyvirtd.drivers.qemu.cpu.cpu_map import CpuMap, CpuModel, Features, Signature


class Described(NamedTuple):
    """A CPU in terms of a model: with `require` more than it, without `disable`. Both in print order."""

    model: str
    vendor: str | None
    require: tuple[str, ...]
    disable: tuple[str, ...]

    @property
    def length(self) -> int:
        return len(self.require) + len(self.disable)


def decode(
    cpu_map: CpuMap,
    features: Features,
    vendor: str | None,
    signature: Signature | None,
    *,
    host: bool = False,
    usable: Callable[[str], bool] = lambda name: True,
    blockers: Mapping[str, Features] | None = None,
    preferred: str | None = None,
) -> Described | None:
    """The model that describes the CPU best; None when there is none.

    A host's description only adds to a model, a guest's may also take away. A model of the CPU's own family and
    number goes before the others, then the one that leaves the least to list; of equals, the newest. `usable` tells
    which models the hypervisor has; `blockers` are features that its version of a model has beyond ours.
    """
    best: Described | None = None
    best_model: CpuModel | None = None
    features = without_broken_tsx(features, vendor, signature)
    for model in reversed(cpu_map.models.values()):
        if not usable(model.name) or not (model.for_host if host else model.for_guest):
            continue
        if vendor is not None and model.vendor is not None and model.vendor != vendor:
            continue
        extra = (blockers or {}).get(model.name, frozenset())
        if not host:
            extra |= model.removed
        candidate = _describe(cpu_map, features, model, vendor, extra)
        if host and candidate.disable:
            continue
        if model.name == preferred:
            return candidate
        if best is None or best_model is None or _better(candidate, model, best, best_model, signature):
            best, best_model = candidate, model
    return best


def without_broken_tsx(features: Features, vendor: str | None, signature: Signature | None) -> Features:
    """Haswell and some Broadwell CPUs announce TSX (hle, rtm) that their microcode has turned off."""
    if vendor == "Intel" and signature is not None and signature.family == 6:
        broken = signature.model in (60, 69, 70) or (signature.model == 63 and signature.stepping < 4)
        if broken:
            return features - {"hle", "rtm"}
    return features


def _describe(cpu_map: CpuMap, features: Features, model: CpuModel, vendor: str | None, extra: Features) -> Described:
    has = model.features | (extra - features)
    return Described(
        model.name,
        vendor or model.vendor,
        tuple(cpu_map.sort(features - has)),
        tuple(cpu_map.sort(has - features)),
    )


def _better(
    candidate: Described, model: CpuModel, best: Described, best_model: CpuModel, signature: Signature | None
) -> bool:
    if signature is not None:
        new, old = model.matches(signature), best_model.matches(signature)
        if new != old:
            return new
    return candidate.length < best.length
