"""Post-parse of everything apart from devices. Source: formatdomain.html, and what libvirtd prints."""

from __future__ import annotations

from collections.abc import Iterable
from os import urandom
from typing import Final, TypeVar

from lxml import etree

from pyvirtd.conf.domain.domain import DomainDef
from pyvirtd.conf.domain.memory import NumaMemory, Numatune
from pyvirtd.conf.domain.numa import Cell, Sibling
from pyvirtd.conf.domain.vcpu import IOThread, IOThreadSched, Vcpu, VcpuSched
from pyvirtd.conf.xml.verbatim import reread, verbatim
from pyvirtd.errors import ConfigUnsupported, ErrorDomain, InternalError, XMLDetail, XMLError

LOCAL: Final = 10
Sched = TypeVar("Sched", VcpuSched, IOThreadSched)


def new_uuid() -> str:
    """A random UUID (RFC 4122, version 4)."""
    digits = bytearray(urandom(16))
    digits[6] = digits[6] & 0x0F | 0x40
    digits[8] = digits[8] & 0x3F | 0x80
    text = digits.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def prepare(domain: DomainDef, *, security_model: str = "none") -> None:
    """Complete the definition in place; `security_model` is the host's own.

    Errors: XMLError and ConfigUnsupported where parts contradict each other.
    """
    if domain.os.type is None and domain.bootloader is None:
        raise XMLError("os: its <type> is missing, it has to be given", domain=ErrorDomain.DOMAIN)
    if not domain.uuid:
        domain.uuid = new_uuid()
    if domain.has_genid and domain.genid is None:
        domain.genid = new_uuid()
    domain.metadata = clean_metadata(domain.metadata)
    _cells(domain)
    _memory(domain)
    _vcpus(domain)
    _iothreads(domain)
    _tuning(domain)
    _numatune(domain)
    _pages(domain)
    _seclabels(domain, security_model)
    _boot(domain)
    if domain.os.loader is not None and domain.os.loader.path is not None:
        domain.os.loader.type = domain.os.loader.type or "rom"


def clean_metadata(metadata: str | None) -> str | None:
    """Metadata holds one element per namespace: others, and those without a namespace, are dropped."""
    if metadata is None:
        return None
    root = reread(metadata)
    seen: set[str] = set()
    dropped = False
    for item in list(root):
        if not isinstance(item.tag, str):
            continue
        namespace = etree.QName(item).namespace
        if namespace is None or namespace in seen:
            root.remove(item)
            dropped = True
        else:
            seen.add(namespace)
    return verbatim(root) if dropped else metadata


def _cells(domain: DomainDef) -> None:
    """Number the NUMA cells, and put them into the order of their numbers."""
    if domain.cpu is None or not domain.cpu.cells:
        return
    cells = domain.cpu.cells
    for index, cell in enumerate(cells):
        if cell.id is None:
            cell.id = index
    ids = sorted(cell.id or 0 for cell in cells)
    if ids != list(range(len(cells))):
        raise XMLError("the ids of the NUMA cells have to be 0 to one less than their number, each once",
                       domain=ErrorDomain.DOMAIN)  # fmt: skip
    cells.sort(key=lambda cell: cell.id or 0)
    _distances(cells)
    placed = frozenset().union(*(cell.cpus or () for cell in cells))
    rest = frozenset(range(domain.max_vcpus)) - placed
    if rest and placed:
        cells[0].cpus = (cells[0].cpus or frozenset()) | rest


def _distances(cells: list[Cell]) -> None:
    """What is said one way counts both ways, and a cell with distances is 10 from itself."""
    table: dict[int, dict[int, int]] = {cell.id or 0: {s.id: s.value for s in cell.distances} for cell in cells}
    for here, row in list(table.items()):
        for there, value in list(row.items()):
            if there not in table:
                raise XMLError(f"NUMA cell {here}: there is no cell {there} to be at a distance from",
                               domain=ErrorDomain.DOMAIN)  # fmt: skip
            table[there].setdefault(here, value)
            row.setdefault(here, LOCAL)
            table[there].setdefault(there, LOCAL)
    for cell in cells:
        row = table[cell.id or 0]
        cell.distances = [Sibling(id=there, value=row[there]) for there in sorted(row)]


def _memory(domain: DomainDef) -> None:
    """Totals: NUMA cells count before <memory>, memory devices are part of it."""
    plugged = sum(device.target.size for device in domain.devices.memories)
    cells = sum(cell.memory for cell in domain.cpu.cells) if domain.cpu is not None else 0
    if cells:
        domain.memory = cells + plugged
    elif domain.memory == 0:
        raise XMLError("the guest's memory is missing: <memory> or the cells in <numa> have to say it",
                       domain=ErrorDomain.DOMAIN)  # fmt: skip
    elif plugged >= domain.memory:
        raise XMLError(
            f"the memory devices have {plugged} KiB, that has to be less than the guest's {domain.memory} KiB",
            domain=ErrorDomain.DOMAIN,
        )
    if domain.current_memory == 0 or domain.current_memory > domain.memory:
        domain.current_memory = domain.memory
    if bool(domain.max_memory) != bool(domain.memory_slots):
        raise XMLError("<maxMemory> has to have both a size and slots", domain=ErrorDomain.DOMAIN)
    if domain.max_memory and domain.max_memory < domain.memory:
        raise XMLError(
            f"maxMemory {domain.max_memory} KiB has to be at least the guest's {domain.memory} KiB",
            domain=ErrorDomain.DOMAIN,
        )


def _vcpus(domain: DomainDef) -> None:
    """How many there are, and of those that are listed, all."""
    if domain.current_vcpus is not None:
        if domain.current_vcpus > domain.max_vcpus:
            raise XMLError(
                f"vcpu current={domain.current_vcpus} has to be at most the {domain.max_vcpus} there are",
                domain=ErrorDomain.DOMAIN,
            )
        if domain.current_vcpus == domain.max_vcpus:
            domain.current_vcpus = None
    memory = domain.numatune.memory if domain.numatune is not None else None
    if domain.vcpu_placement is None:
        domain.vcpu_placement = "static"
    if domain.cpuset is None and memory is not None and memory.placement == "auto":
        domain.vcpu_placement = "auto"
    if domain.vcpu_placement == "auto":
        domain.cpuset = None
    if domain.vcpus:
        _vcpu_list(domain)


def _vcpu_list(domain: DomainDef) -> None:
    by_id = {vcpu.id: vcpu for vcpu in domain.vcpus}
    if max(by_id) >= domain.max_vcpus:
        raise XMLError(f"vcpu id {max(by_id)} has to be below {domain.max_vcpus}", domain=ErrorDomain.DOMAIN)
    online = domain.current_vcpus or domain.max_vcpus
    domain.vcpus = [by_id.get(number) or Vcpu(id=number, enabled=number < online) for number in range(domain.max_vcpus)]
    for vcpu in domain.vcpus:
        if vcpu.hotpluggable is None:
            vcpu.hotpluggable = not vcpu.enabled
    enabled = sum(vcpu.enabled for vcpu in domain.vcpus)
    domain.current_vcpus = None if enabled == domain.max_vcpus else enabled


def _iothreads(domain: DomainDef) -> None:
    """The count is at least the number of listed ids; ids that nobody gave are the lowest free ones."""
    used = {thread.id for thread in domain.iothread_ids}
    if len(used) < len(domain.iothread_ids):
        raise XMLError("an iothread id is there twice, each has to be given once", domain=ErrorDomain.DOMAIN)
    count = max(domain.iothreads or 0, len(used))
    number = 1
    while len(domain.iothread_ids) < count:
        if number not in used:
            domain.iothread_ids.append(IOThread(id=number, filled=True))
        number += 1
    domain.iothreads = count or None


def _split(scheds: list[Sched], attribute: str) -> list[Sched]:
    """One entry per CPU or thread, in their order."""
    found: dict[int, Sched] = {}
    for sched in scheds:
        real_time = sched.scheduler in ("fifo", "rr")
        if real_time and sched.priority is None:
            raise XMLError(f"{sched.TAG}: scheduler {sched.scheduler} has to come with a priority",
                           domain=ErrorDomain.DOMAIN)  # fmt: skip
        for number in getattr(sched, attribute):
            if number in found:
                raise XMLDetail(f"{sched.TAG}: {attribute} must not overlap, {number} is there twice",
                                domain=ErrorDomain.DOMAIN)  # fmt: skip
            found[number] = one = sched.copy()
            setattr(one, attribute, frozenset((number,)))
            one.priority = sched.priority if real_time else None
    return [found[number] for number in sorted(found)]


def _first_of_each(pins: Iterable[int], what: str) -> None:
    seen: set[int] = set()
    for number in pins:
        if number in seen:
            raise InternalError(f"{what} {number} is pinned twice, once would be right", domain=ErrorDomain.DOMAIN)
        seen.add(number)


def _tuning(domain: DomainDef) -> None:
    """Pins and schedulers in the order of what they are about."""
    tune = domain.cputune
    if tune is None:
        return
    _first_of_each((pin.vcpu for pin in tune.vcpupins), "vcpu")
    _first_of_each((pin.iothread for pin in tune.iothreadpins), "iothread")
    tune.vcpupins.sort(key=lambda pin: pin.vcpu)
    tune.vcpuscheds = _split(tune.vcpuscheds, "vcpus")
    tune.iothreadscheds = _split(tune.iothreadscheds, "iothreads")


def _pages(domain: DomainDef) -> None:
    """A guest without NUMA has one cell, which needs no naming."""
    backing = domain.memory_backing
    if backing is None or (domain.cpu is not None and domain.cpu.cells):
        return
    for page in backing.pages:
        if page.nodeset == frozenset((0,)):
            page.nodeset = None


def _numatune(domain: DomainDef) -> None:
    """Placement auto of vCPUs means automatic memory too, unless memory says otherwise."""
    tune = domain.numatune
    if domain.vcpu_placement == "auto" and (tune is None or tune.memory is None):
        tune = domain.numatune = tune or Numatune()
        if not tune.memnodes:
            tune.memory = NumaMemory(mode="strict", placement="auto")
    if tune is None or tune.memory is None:
        return
    memory = tune.memory
    if memory.mode is None:
        memory.mode = "strict"
    if memory.placement is None:
        memory.placement = "static" if memory.nodeset is not None or domain.vcpu_placement == "static" else "auto"
    if memory.placement == "static" and memory.nodeset is None:
        raise ConfigUnsupported("numatune memory with placement static has to have a nodeset",
                                domain=ErrorDomain.DOMAIN)  # fmt: skip
    if memory.placement == "auto":
        memory.nodeset = None


def _seclabels(domain: DomainDef, security_model: str) -> None:
    """A label without model is for the host's own."""
    for label in domain.seclabels:
        if label.model is None:
            label.model = security_model
        if label.model == "none":
            label.type, label.relabel, label.label, label.baselabel = "none", None, None, None
    models = [label.model for label in domain.seclabels]
    for model in models:
        if models.count(model) > 1:
            raise XMLDetail(f"two seclabels are for model {model}, each model has to have one at most",
                            domain=ErrorDomain.DOMAIN)  # fmt: skip


def _boot(domain: DomainDef) -> None:
    """Containers start a program, machines boot. Either the guest has an order of boot devices, or its devices have
    places in one."""
    os = domain.os
    if os.type == "exe":
        os.kernel = os.initrd = os.cmdline = os.dtb = os.root = os.loader = os.nvram = None
    else:
        os.init = os.initdir = os.inituser = os.initgroup = None
        os.initargs, os.initenvs = [], []
    if domain.bootloader is not None:
        os.boot = []
        os.bootmenu = os.bootmenu_timeout = os.bios_useserial = os.bios_reboot_timeout = None
    devices = domain.devices
    ordered = any(
        device.boot_order is not None
        for group in (devices.disks, devices.interfaces, devices.hostdevs, devices.redirdevs)
        for device in group
    )
    if ordered and domain.os.boot:
        raise ConfigUnsupported("boot order of devices and <boot> in <os> exclude each other",
                                domain=ErrorDomain.DOMAIN)  # fmt: skip
    if domain.os.bootmenu is False:
        domain.os.bootmenu_timeout = None
    if domain.os.type == "hvm" and not ordered and not os.boot and domain.bootloader is None:
        domain.os.boot = ["hd"]
