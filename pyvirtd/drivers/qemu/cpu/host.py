"""What this host's CPU is: its features by libvirt's names, and the model that describes it."""

from __future__ import annotations

import functools
from typing import Final, NamedTuple

from pyvirtd.drivers.qemu.cpu.cpu_map import Features, Signature, x86
from pyvirtd.drivers.qemu.cpu.decode import Described, decode
from pyvirtd.host.cpuid import all_cpuid, cpuinfo

_FROM_LINUX: Final = {
    "pclmulqdq": "pclmuldq",
    "sse4_1": "sse4.1",
    "sse4_2": "sse4.2",
    "cr8_legacy": "cr8legacy",
    "tsc_deadline_timer": "tsc-deadline",
    "sha_ni": "sha-ni",
    "avx512ifma": "avx512ifma",
    "avx512_vpopcntdq": "avx512-vpopcntdq",
    "avx512_bf16": "avx512-bf16",
    "avx512_4vnniw": "avx512-4vnniw",
    "avx512_4fmaps": "avx512-4fmaps",
    "avx512_vp2intersect": "avx512-vp2intersect",
    "avx_vnni": "avx-vnni",
    "md_clear": "md-clear",
    "arch_capabilities": "arch-capabilities",
    "intel_pt": "intel-pt",
    "ssbd": "ssbd",
    "nonstop_tsc": "invtsc",
    "pni": "pni",
}


class HostCpu(NamedTuple):
    """The host's CPU."""

    features: Features
    vendor: str | None
    signature: Signature
    described: Described | None
    """None when no model fits."""


@functools.cache
def host_cpu() -> HostCpu | None:
    """The x86 CPU of this host; None on other hosts."""
    info = cpuinfo()
    if "cpu family" not in info:
        return None
    cpu_map = x86()
    registers = all_cpuid()
    vendor = cpu_map.vendor_named(info.get("vendor_id", ""))
    features = cpu_map.features_of(registers) if registers else _from_flags(info.get("flags", ""))
    signature = Signature(*(int(info.get(k, "0")) for k in ("cpu family", "model", "stepping")))
    return HostCpu(features, vendor, signature, decode(cpu_map, features, vendor, signature, host=True))


def _from_flags(flags: str) -> Features:
    """What Linux says of the CPU, where CPUID can't be asked: less, for Linux hides what it doesn't use."""
    cpu_map = x86()
    named = {_FROM_LINUX.get(flag, flag) for flag in flags.split()}
    named |= {flag.replace("_", "-") for flag in named}
    return frozenset(named & cpu_map.order.keys())
