"""How many vCPUs a definition has, and which of them are on."""

from __future__ import annotations

from pyvirtd.conf.domain.domain import DomainDef
from pyvirtd.conf.domain.vcpu import Vcpu
from pyvirtd.errors import InvalidArg


def listed_vcpus(definition: DomainDef) -> list[Vcpu]:
    """Every vCPU of a definition: its list, or what the counts say, the first of them on from the start."""
    if definition.vcpus:
        return [vcpu.copy() for vcpu in definition.vcpus]
    current = int(definition.current_vcpus or definition.max_vcpus)
    return [
        Vcpu(id=number, enabled=number < current, hotpluggable=number >= current,
             order=number + 1 if number < current else None)
        for number in range(int(definition.max_vcpus))
    ]  # fmt: skip


def switch(definition: DomainDef, number: int, *, on: bool) -> None:
    """Note in a live definition that a vCPU was plugged or unplugged."""
    listed = listed_vcpus(definition)
    vcpu = listed[number]
    if vcpu.enabled is not on:
        gone = vcpu.order
        vcpu.enabled, vcpu.order = on, max((v.order or 0 for v in listed), default=0) + 1 if on else None
        for other in listed:
            if not on and gone and other.order and other.order > gone:
                other.order -= 1
    definition.vcpus = listed
    _count(definition)


def _count(definition: DomainDef) -> None:
    enabled = sum(vcpu.enabled for vcpu in definition.vcpus)
    definition.current_vcpus = None if enabled == definition.max_vcpus else enabled


def set_count(definition: DomainDef, count: int, hotpluggable: bool) -> None:
    """So many vCPUs are on; `hotpluggable`: those that this changes can be unplugged."""
    if not definition.vcpus and not hotpluggable:
        definition.current_vcpus = None if count == definition.max_vcpus else count
        return
    listed = listed_vcpus(definition)
    now = sum(vcpu.enabled for vcpu in listed)
    for vcpu in listed if count > now else reversed(listed):
        if now == count:
            break
        if vcpu.enabled is (count < now):
            vcpu.enabled, now = not vcpu.enabled, now + (-1 if vcpu.enabled else 1)
            vcpu.order = None
            vcpu.hotpluggable = hotpluggable if vcpu.enabled else True
    definition.vcpus = listed
    _count(definition)


def set_maximum(definition: DomainDef, count: int) -> None:
    """So many vCPUs there are at most. Raises InvalidArg where the topology has another number."""
    topology = definition.cpu.topology if definition.cpu is not None else None
    if topology is not None:
        sockets, dies, cores, threads = topology
        fixed = sockets * dies * cores * threads
        if fixed != count:
            raise InvalidArg(f"the CPU topology has {fixed} vCPUs, so the maximum cannot be {count}")
    current = int(definition.current_vcpus or definition.max_vcpus)
    if definition.vcpus:
        definition.vcpus = [vcpu for vcpu in definition.vcpus if vcpu.id < count]
        for number in range(len(definition.vcpus), count):
            definition.vcpus.append(Vcpu(id=number, enabled=False, hotpluggable=True))
        definition.max_vcpus = count
        _count(definition)
        return
    definition.max_vcpus = count
    definition.current_vcpus = None if current >= count else current
