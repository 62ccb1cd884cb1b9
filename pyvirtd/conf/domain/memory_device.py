"""`<memory>` under devices: DIMMs, NVDIMMs and their virtio kin. Sizes are in KiB. Source: formatdomain.html, "Memory
devices".
"""

from __future__ import annotations

from typing import Literal

from pyvirtd.conf.domain.device import Device
from pyvirtd.conf.xml import Element, at, child, flag, must
from pyvirtd.conf.xml import size as scaled
from pyvirtd.conf.xml.types import CpuSet, HexLong, UInt, Uuid, YesNo


class MemorySource(Element, tag="source"):
    """Where the host takes the memory from."""

    path: str | None = at("path")
    alignsize: int | None = scaled("alignsize", omit=0)
    pmem: bool = flag("pmem")
    nodemask: CpuSet | None = at("nodemask")
    pagesize: int | None = scaled("pagesize", omit=0)


class MemoryTarget(Element, tag="target"):
    """What the guest sees."""

    dynamic_memslots: YesNo | None = at("@dynamicMemslots")
    size: int = scaled("size", required=True)
    node: UInt | None = at("node")
    label: int | None = scaled("label/size", omit=0)
    block: int | None = scaled("block", omit=0)
    requested: int | None = scaled("requested")
    current: int | None = scaled("current", live=True)
    readonly: bool = flag("readonly")
    base: HexLong | None = at("address/@base", omit=0)


class MemoryDevice(Device, tag="memory"):
    """A memory module."""

    model: Literal["dimm", "nvdimm", "virtio-pmem", "virtio-mem", "sgx-epc"] = must("@model")
    access: Literal["shared", "private", "default"] | None = at("@access", omit="default")
    discard: YesNo | None = at("@discard")
    uuid: Uuid | None = at("uuid")
    source: MemorySource | None = child(empty=False)
    target: MemoryTarget = child(MemoryTarget, required=True)
