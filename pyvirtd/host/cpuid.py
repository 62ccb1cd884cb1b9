"""The host CPU's own words: /proc/cpuinfo's identity, the CPUID instruction and KVM's view of it.

CPUID is not in Python; the kernel gives it as /dev/cpu/N/cpuid (cpuid(4)), and KVM_GET_SUPPORTED_CPUID
(Documentation/virt/kvm/api.rst) tells what it can give to guests.
"""

from __future__ import annotations

import fcntl
import functools
import os
import struct
from typing import Final, NamedTuple

from pyvirtd.host.procfile import read_text

KVM_CHECK_EXTENSION: Final = 0xAE03
KVM_GET_SUPPORTED_CPUID: Final = 0xC008AE05
KVM_CREATE_VM: Final = 0xAE01
KVM_CREATE_VCPU: Final = 0xAE41
KVM_GET_TSC_KHZ: Final = 0xAEA3
KVM_GET_MSRS: Final = 0xC008AE88
KVM_CAP_NR_VCPUS: Final = 9
KVM_CAP_MAX_VCPUS: Final = 66
KVM_CAP_TSC_CONTROL: Final = 60


class CpuidLeaf(NamedTuple):
    """One result of CPUID."""

    leaf: int
    subleaf: int
    eax: int
    ebx: int
    ecx: int
    edx: int


@functools.cache
def cpuinfo() -> dict[str, str]:
    """The first processor's paragraph of /proc/cpuinfo; names as the kernel writes them."""
    fields: dict[str, str] = {}
    for line in read_text("/proc/cpuinfo", 65536).splitlines():
        name, colon, value = line.partition(":")
        if not colon:
            if fields:
                break
            continue
        fields[name.strip()] = value.strip()
    return fields


@functools.cache
def cpu_identity() -> str:
    """What changes when the CPU or its microcode does."""
    info = cpuinfo()
    return "/".join(info.get(k, "") for k in ("vendor_id", "cpu family", "model", "stepping", "microcode", "flags"))


def microcode_version() -> int:
    """As /proc/cpuinfo tells it; 0 where it doesn't."""
    try:
        return int(cpuinfo().get("microcode", "0"), 0)
    except ValueError:
        return 0


def cpuid(leaf: int, subleaf: int = 0, cpu: int = 0) -> CpuidLeaf | None:
    """CPUID on one of the host's CPUs; None where the kernel doesn't let us (no cpuid driver, no permission)."""
    try:
        fd = os.open(f"/dev/cpu/{cpu}/cpuid", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        data = os.pread(fd, 16, subleaf << 32 | leaf)
    except OSError:
        return None
    finally:
        os.close(fd)
    return CpuidLeaf(leaf, subleaf, *struct.unpack("=4I", data)) if len(data) == 16 else None


def kvm_extension(capability: int) -> int | None:
    """KVM_CHECK_EXTENSION; None where /dev/kvm cannot be opened."""
    try:
        fd = os.open("/dev/kvm", os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return fcntl.ioctl(fd, KVM_CHECK_EXTENSION, capability)
    except OSError:
        return None
    finally:
        os.close(fd)


def kvm_max_vcpus() -> int | None:
    """How many virtual CPUs KVM allows a guest; None where /dev/kvm cannot be opened."""
    return kvm_extension(KVM_CAP_MAX_VCPUS) or kvm_extension(KVM_CAP_NR_VCPUS)


def kvm_supported_cpuid(limit: int = 256) -> list[CpuidLeaf] | None:
    """What KVM can give to guests; None where it cannot be asked."""
    try:
        fd = os.open("/dev/kvm", os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        # struct kvm_cpuid2 {nent, padding, entries[]}, an entry being 40 bytes.
        buffer = bytearray(struct.pack("=II", limit, 0) + bytes(40 * limit))
        fcntl.ioctl(fd, KVM_GET_SUPPORTED_CPUID, buffer)
    except OSError:
        return None
    finally:
        os.close(fd)
    count = min(struct.unpack_from("=I", buffer)[0], limit)
    entries = (struct.unpack_from("=7I", buffer, 8 + 40 * n) for n in range(count))
    return [CpuidLeaf(leaf, index, *registers) for leaf, index, _flags, *registers in entries]


def msr(index: int) -> int | None:
    """A model-specific register: KVM's view of it where KVM has one, else /dev/cpu/0/msr's; None where neither is."""
    try:
        fd = os.open("/dev/kvm", os.O_RDWR | os.O_CLOEXEC)
        try:
            # struct kvm_msrs {nmsrs, padding, {index, reserved, data}[]}
            buffer = bytearray(struct.pack("=IIIIQ", 1, 0, index, 0, 0))
            if fcntl.ioctl(fd, KVM_GET_MSRS, buffer) == 1:
                return int(struct.unpack_from("=Q", buffer, 16)[0])
        finally:
            os.close(fd)
    except OSError:
        pass
    try:
        fd = os.open("/dev/cpu/0/msr", os.O_RDONLY | os.O_CLOEXEC)
        try:
            data = os.pread(fd, 8, index)
        finally:
            os.close(fd)
    except OSError:
        return None
    return int(struct.unpack("=Q", data)[0]) if len(data) == 8 else None


@functools.cache
def tsc() -> tuple[int, bool] | None:
    """(ticks per second, whether guests can have another rate) of the time stamp counter, as KVM knows it.

    Asked of a virtual machine that is made and dropped for it; None where KVM isn't there or doesn't tell.
    """
    fds: list[int] = []
    try:
        fds.append(os.open("/dev/kvm", os.O_RDWR | os.O_CLOEXEC))
        fds.append(fcntl.ioctl(fds[0], KVM_CREATE_VM, 0))
        fds.append(fcntl.ioctl(fds[1], KVM_CREATE_VCPU, 0))
        khz = fcntl.ioctl(fds[2], KVM_GET_TSC_KHZ, 0)
        return khz * 1000, fcntl.ioctl(fds[0], KVM_CHECK_EXTENSION, KVM_CAP_TSC_CONTROL) > 0
    except OSError:
        return None
    finally:
        for fd in reversed(fds):
            os.close(fd)


def physical_address_bits() -> int | None:
    """Width of a physical address, as /proc/cpuinfo tells it."""
    words = cpuinfo().get("address sizes", "").split()
    return int(words[0]) if words[1:3] == ["bits", "physical,"] and words[0].isdigit() else None


def all_cpuid() -> dict[tuple[int | str, int], tuple[int, int, int, int]]:
    """Every CPUID leaf that describes features, and the MSR that goes on with them; empty where it can't be read."""
    found: dict[tuple[int | str, int], tuple[int, int, int, int]] = {}

    def take(leaf: int, subleaf: int = 0) -> tuple[int, int, int, int]:
        result = cpuid(leaf, subleaf)
        values = (0, 0, 0, 0) if result is None else (result.eax, result.ebx, result.ecx, result.edx)
        found[leaf, subleaf] = values
        return values

    for base in (0, 0x80000000):
        last = take(base)[0]
        for leaf in range(base + 1, min(last, base + 0x40) + 1):
            take(leaf)
    if all(values == (0, 0, 0, 0) for values in found.values()):
        return {}
    for leaf, subleaves in ((0x07, 2), (0x0D, 2), (0x0F, 2), (0x10, 4), (0x12, 2), (0x14, 2)):
        if (leaf, 0) in found:
            for subleaf in range(1, subleaves):
                take(leaf, subleaf)
    for number, bit in ((0x10A, 29), (0xCF, 30)):
        if found.get((7, 0), (0, 0, 0, 0))[3] >> bit & 1 and (value := msr(number)) is not None:
            found["msr", number] = (value & 0xFFFFFFFF, 0, 0, value >> 32)
    return found
