"""CPUs as a hypervisor sees them: the models it has, and what it can give a guest of the host's CPU."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from pyvirtd.drivers.qemu.capabilities.model import Accelerator, QemuCapabilities
from pyvirtd.drivers.qemu.cpu.cpu_map import Features, Signature, x86
from pyvirtd.drivers.qemu.cpu.decode import Described, decode

X86: Final = ("x86_64", "i686")


class OfferedModel(NamedTuple):
    """A model that both libvirt and QEMU know. `blockers` by libvirt's names; `usable` None: QEMU doesn't tell."""

    name: str
    usable: bool | None
    blockers: Features
    vendor: str
    deprecated: bool


def offered_models(caps: QemuCapabilities, accelerator: Accelerator) -> list[OfferedModel]:
    """The models that <cpu mode='custom'> may name, in QEMU's order; `vendor` is "unknown" for generic ones."""
    if caps.arch not in X86:
        skip = ("host", "max", "base")
        return [
            OfferedModel(c.name, c.usable, frozenset(c.blockers or ()), "unknown", c.deprecated)
            for c in caps.cpus(accelerator)
            if c.name not in skip
        ]
    cpu_map = x86()
    return [
        OfferedModel(
            cpu.name,
            cpu.usable,
            frozenset(cpu_map.from_qemu(name) for name in cpu.blockers or ()),
            cpu_map.models[cpu.name].vendor or "unknown",
            cpu.deprecated,
        )
        for cpu in caps.cpus(accelerator)
        if cpu.name in cpu_map.models
    ]


class GuestCpu(NamedTuple):
    """What a guest can have of the host's CPU."""

    features: Features
    migratable: Features
    vendor: str | None
    signature: Signature | None


def guest_cpu(caps: QemuCapabilities, accelerator: Accelerator) -> GuestCpu | None:
    """None where QEMU doesn't tell, or it is no x86."""
    host = caps.host_cpu(accelerator)
    if host is None or caps.arch not in X86:
        return None
    cpu_map = x86()
    props: Mapping[str, object] = host["props"]
    known = {cpu_map.from_qemu(name) for name, value in props.items() if value is True} & cpu_map.order.keys()
    migratable = {cpu_map.from_qemu(name) for name in host["migratable"]} & known
    numbers = [props.get(key) for key in ("family", "model", "stepping")]
    signature = Signature(*(n for n in numbers if isinstance(n, int))) if _all_int(numbers) else None
    return GuestCpu(
        frozenset(known), frozenset(migratable), cpu_map.vendor_named(str(props.get("vendor", ""))), signature
    )


def _all_int(values: list[object]) -> bool:
    return all(isinstance(value, int) for value in values)


def host_model(caps: QemuCapabilities, accelerator: Accelerator, *, migratable: bool = False) -> Described | None:
    """What <cpu mode='host-model'> stands for: the host's CPU in terms of a model that QEMU has.

    With `migratable`, without the features that would tie a guest to this host.
    """
    cpu = guest_cpu(caps, accelerator)
    if cpu is None:
        return None
    models = {m.name: m for m in offered_models(caps, accelerator)}
    return decode(
        x86(),
        cpu.migratable if migratable else cpu.features,
        cpu.vendor,
        cpu.signature,
        usable=models.__contains__,
        blockers={name: m.blockers for name, m in models.items()},
    )


def expand_host_model(
    caps: QemuCapabilities, accelerator: Accelerator, own: Iterable[tuple[str, str]] = ()
) -> tuple[str, dict[str, str]] | None:
    """<cpu mode='host-model'> of a guest, with the (feature, policy)s that it names itself: the model, and feature to
    policy in the order of libvirt's command line. None where QEMU doesn't tell what it can give."""
    described = host_model(caps, accelerator, migratable=True)
    if described is None:
        return None
    features = dict.fromkeys(described.require, "require") | dict.fromkeys(described.disable, "disable")
    features.update(own)
    return described.model, features


def known_features(caps: QemuCapabilities, accelerator: Accelerator, *, migratable: bool = False) -> Features:
    """The features QEMU has a switch for, whether or not this host has them; with `migratable`, without those that
    it has but would tie a guest to it."""
    host = caps.host_cpu(accelerator)
    if host is None:
        return frozenset()
    cpu_map = x86()
    tied = {name for name, value in host["props"].items() if value is True} - set(host["migratable"])
    names = [name for name, value in host["props"].items() if isinstance(value, bool)]
    return frozenset(cpu_map.from_qemu(name) for name in names if not (migratable and name in tied))
