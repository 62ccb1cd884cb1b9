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

KVM_GET_API_VERSION: Final = 0xAE00
KVM_CHECK_EXTENSION: Final = 0xAE03
KVM_GET_SUPPORTED_CPUID: Final = 0xC008AE05
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
