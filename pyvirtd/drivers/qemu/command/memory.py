"""Memory: -m, the backends of main memory, NUMA cells and memory devices."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pyvirtd.conf.domain.address import DimmAddress
from pyvirtd.conf.domain.memory import Numatune
from pyvirtd.conf.domain.numa import Bandwidth, Cell, Latency
from pyvirtd.conf.xml.types import format_cpuset
from pyvirtd.drivers.qemu.command.machine import machine_ram_id
from pyvirtd.drivers.qemu.command.virtio import virtio_driver
from pyvirtd.drivers.qemu.command.words import Props, on_off
from pyvirtd.errors import ConfigUnsupported, InternalError

if TYPE_CHECKING:
    from pyvirtd.conf.domain.memory_device import MemoryDevice
    from pyvirtd.drivers.qemu.command.builder import Builder

MIB = 1024  # in KiB
MAX_KIB = (2**64 - 1) // 1024
SYSTEM_PAGE = 4  # KiB; asking for pages of this size asks for nothing special
POLICIES = {"strict": "bind", "preferred": "preferred", "interleave": "interleave"}


def initial_memory(b: Builder) -> int:
    """KiB of memory at boot, without what memory devices bring; whole MiB, as -m has it."""
    plugged = sum(m.target.size for m in b.devices.memories)
    initial = max((b.definition.memory or 0) - plugged, 0)
    return -(-initial // MIB) * MIB


def add_memory(b: Builder) -> None:
    initial = initial_memory(b)
    if b.definition.max_memory and b.definition.memory_slots is not None and b.definition.memory_slots >= 0:
        b.add("-m", f"size={initial}k,slots={b.definition.memory_slots},maxmem={b.definition.max_memory}k")
    else:
        b.add("-m", str(initial // MIB))
    ram = machine_ram_id(b)
    if ram is not None:
        b.object(backend_props(b, ram, initial, cell=None))
    backing = b.definition.memory_backing
    locked = backing is not None and backing.locked
    b.add("-overcommit", f"mem-lock={on_off(locked)}")


def add_prealloc(b: Builder) -> None:
    """Memory that has no backend of its own is reserved by a switch for all of it."""
    if wants_prealloc(b) and machine_ram_id(b) is None and not cells_use_backends(b):
        b.add("-mem-prealloc")


def wants_prealloc(b: Builder) -> bool:
    backing = b.definition.memory_backing
    return backing is not None and backing.allocation == "immediate"


def hugepage_size(b: Builder, cell: Cell | None) -> int | None:
    """KiB of the huge pages that back a cell (or all memory); 0 is the host's default size; None is none."""
    backing = b.definition.memory_backing
    if backing is None or not backing.hugepages:
        return None
    default: int | None = 0 if not backing.pages else None
    for page in (p for p in backing.pages if p.size != SYSTEM_PAGE):
        if page.nodeset is None:
            default = page.size or 0
        elif (0 if cell is None else cell.id) in page.nodeset:
            return page.size or 0
    return default


def backend_props(b: Builder, ident: str, size: int, cell: Cell | None, device: MemoryDevice | None = None) -> Props:
    """A memory backend of `size` KiB: of which kind, where, and how it is kept."""
    backing = b.definition.memory_backing
    of_cell = cell.mem_access if cell is not None else None
    access: str | None = of_cell or (backing.access if backing else None)
    if device is not None and device.access:
        access = device.access
    chosen = device.source if device is not None else None
    huge = (chosen.pagesize if chosen is not None else None) or hugepage_size(b, cell)
    discard: bool | None = True if backing is not None and backing.discard else None
    if cell is not None and cell.discard is not None:
        discard = cell.discard
    if device is not None and device.discard is not None:
        discard = device.discard
    source = backing.source if backing is not None else None
    props: Props
    prealloc = wants_prealloc(b)
    if device is not None and device.source is not None and device.source.path is not None:
        props = {"qom-type": "memory-backend-file", "id": ident, "mem-path": device.source.path}
        prealloc = device.model == "nvdimm" or prealloc
    elif huge is not None:
        props = {"qom-type": "memory-backend-file", "id": ident, "mem-path": hugepage_path(b, huge)}
        prealloc = True
    elif source == "memfd":
        props = {"qom-type": "memory-backend-memfd", "id": ident}
    elif source == "file" or access is not None:
        path = os.path.join(b.context.ram_dir, ident)
        b.prepare("memory-directory", ident, b.context.ram_dir)
        props = {"qom-type": "memory-backend-file", "id": ident, "mem-path": path}
    else:
        props = {"qom-type": "memory-backend-ram", "id": ident}
    if access is not None:
        props["share"] = access == "shared"
    module = device is not None and device.source is not None and device.source.path is not None
    if module and device is not None:
        discard = device.discard
    if discard is not None and props["qom-type"] == "memory-backend-file":
        props["discard-data"] = discard
    if ident == machine_ram_id(b) and props["qom-type"] != "memory-backend-ram":
        props["x-use-canonical-path-for-ramblock-id"] = False
    if prealloc:
        props["prealloc"] = True
        if backing is not None and backing.allocation_threads:
            props["prealloc-threads"] = backing.allocation_threads
    props["size"] = size * 1024
    own = device.source.nodemask if device is not None and device.source is not None else None
    host_nodes(b, cell, props, own)
    return props


def hugepage_path(b: Builder, size: int) -> str:
    wanted = size or b.context.default_hugepage or 0
    path = b.context.hugepages.get(wanted)
    if path is None:
        raise InternalError(f"memoryBacking: the host has no hugetlbfs mount with pages of {wanted} KiB")
    return path


def host_nodes(b: Builder, cell: Cell | None, props: Props, own: frozenset[int] | None) -> None:
    """Which host nodes a backend's memory comes from: `own`, else its cell's, else the guest's."""
    tune = b.definition.numatune or Numatune()
    nodes = own
    mode: str | None = "strict" if own is not None else None
    if cell is not None and own is None:
        for node in tune.memnodes:
            if node.cellid == cell.id:
                nodes, mode = node.nodeset, node.mode or "strict"
    if nodes is None and tune.memory is not None:
        nodes, mode = tune.memory.nodeset, tune.memory.mode or "strict"
    if nodes is None:
        return
    if b.context.host_nodes is not None and not nodes <= b.context.host_nodes:
        missing = min(nodes - b.context.host_nodes)
        raise ConfigUnsupported(f"numatune: this host has no NUMA node {missing}")
    if mode == "restrictive":
        return
    props["host-nodes"] = sorted(nodes)
    props["policy"] = POLICIES.get(mode or "strict", "bind")


def cells_use_backends(b: Builder) -> bool:
    """Newer machines have no other way than backends for cells; on older ones only when something needs it."""
    cpu = b.definition.cpu
    if cpu is None or not cpu.cells:
        return False
    machine = b.caps.machine(b.os.machine or "")
    if machine is None or not machine.numa_mem:
        return True
    backing = b.definition.memory_backing
    special = backing is not None and (backing.hugepages or backing.source == "memfd" or backing.access is not None)
    special = special or any(cell.mem_access for cell in cpu.cells)
    return bool(special or (b.definition.numatune is not None and b.definition.numatune.memnodes))


def add_numa(b: Builder) -> None:
    """Cells, their distances, latencies and caches."""
    cpu = b.definition.cpu
    if cpu is None or not cpu.cells:
        return
    backends = cells_use_backends(b)
    initiators = first_initiators(b)
    for cell in cpu.cells:
        number = cell.id or 0
        word = f"node,nodeid={number}"
        if cell.cpus:
            word += "".join(f",cpus={part}" for part in format_cpuset(cell.cpus).split(","))
        if initiators:
            word += f",initiator={initiators.get(number, number)}"
        size = -(-cell.memory // MIB) * MIB
        if size > MAX_KIB:
            raise ConfigUnsupported(f"numa: cell {number} has {cell.memory} KiB, more than QEMU can count in bytes")
        if backends:
            b.object(backend_props(b, f"ram-node{number}", size, cell))
            word += f",memdev=ram-node{number}"
        else:
            word += f",mem={size // MIB}"
        b.add("-numa", word)
    add_distances(b)
    add_hmat(b)


def first_initiators(b: Builder) -> dict[int, int]:
    """Which cell reaches another's memory best (HMAT): itself when it has CPUs."""
    cpu = b.definition.cpu
    if cpu is None or not cpu.interconnects:
        return {}
    found: dict[int, int] = {}
    for cell in cpu.cells:
        number = cell.id or 0
        if cell.cpus:
            found[number] = number
            continue
        best: tuple[int, int] | None = None
        for link in cpu.interconnects:
            if isinstance(link, Latency) and link.target == number and not link.cache:
                if best is None or link.value < best[0]:
                    best = (link.value, link.initiator)
        found[number] = best[1] if best is not None else next((c.id or 0 for c in cpu.cells if c.cpus), 0)
    return found


def add_distances(b: Builder) -> None:
    cpu = b.definition.cpu
    if cpu is None or not any(cell.distances for cell in cpu.cells):
        return
    for cell in cpu.cells:
        for other in cpu.cells:
            value = distance(b, cell, other)
            if value is not None:
                b.add("-numa", f"dist,src={cell.id},dst={other.id},val={value}")


def distance(b: Builder, cell: Cell, other: Cell) -> int | None:
    """As given, else as the other way, else 10 to itself and 20 to others."""
    for sibling in cell.distances:
        if sibling.id == other.id:
            return sibling.value
    for sibling in other.distances:
        if sibling.id == cell.id:
            return sibling.value
    return 10 if cell is other else 20


def add_hmat(b: Builder) -> None:
    cpu = b.definition.cpu
    if cpu is None:
        return
    levels = {0: "memory", 1: "first-level", 2: "second-level", 3: "third-level"}
    for link in cpu.interconnects:
        if isinstance(link, Latency | Bandwidth):
            word = f"hmat-lb,initiator={link.initiator},target={link.target},hierarchy={levels[link.cache or 0]}"
            if isinstance(link, Latency):
                word += f",data-type={link.type}-latency,latency={link.value}"
            else:
                word += f",data-type={link.type}-bandwidth,bandwidth={link.value}K"
            b.add("-numa", word)
    policies = {"none": "none", "writeback": "write-back", "writethrough": "write-through"}
    associativities = {"none": "none", "direct": "direct", "full": "complex"}
    for cell in cpu.cells:
        for cache in cell.caches:
            b.add(
                "-numa",
                f"hmat-cache,node-id={cell.id},size={cache.capacity}K,level={cache.level},"
                f"associativity={associativities[cache.associativity]},policy={policies[cache.policy]},"
                f"line={cache.line_size}",
            )


def add_memory_devices(b: Builder) -> None:
    for device in b.devices.memories:
        add_memory_device(b, device)


def add_memory_device(b: Builder, device: MemoryDevice) -> None:
    """The backend and the device of a DIMM, NVDIMM, virtio-mem or virtio-pmem."""
    alias = device.alias or ""
    if device.model not in ("dimm", "nvdimm", "virtio-mem", "virtio-pmem"):
        raise ConfigUnsupported(f"memory: no device for model '{device.model}'")
    cell = None
    if device.target.node is not None and b.definition.cpu is not None:
        cell = next((c for c in b.definition.cpu.cells if c.id == device.target.node), None)
    backend = backend_props(b, f"mem{alias}", device.target.size, cell, device)
    if device.source is not None and device.source.alignsize:
        backend["align"] = device.source.alignsize * 1024
    if device.source is not None and device.source.pmem:
        backend["pmem"] = True
    b.object(backend)
    props: Props
    if device.model in ("dimm", "nvdimm"):
        props = {"driver": "pc-dimm" if device.model == "dimm" else "nvdimm"}
        if device.target.node is not None:
            props["node"] = device.target.node
        if device.target.label:
            props["label-size"] = device.target.label * 1024
        if device.target.readonly:
            props["unarmed"] = True
        props["memdev"] = f"mem{alias}"
        props["id"] = alias
        if isinstance(device.address, DimmAddress):
            props["slot"] = device.address.slot
            if device.address.base is not None:
                props["addr"] = device.address.base
        b.device(props)
        return
    props = {"driver": virtio_driver(device, device.model)}
    if device.target.node is not None and device.model == "virtio-mem":
        props["node"] = device.target.node
    if device.model == "virtio-mem":
        props["block-size"] = (device.target.block or 0) * 1024
        props["requested-size"] = (device.target.requested or 0) * 1024
        props["prealloc"] = wants_prealloc(b)
    props["memdev"] = f"mem{alias}"
    props["id"] = alias
    b.device(b.address(device, props))
