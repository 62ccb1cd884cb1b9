"""<domain>: a guest, from its name to its devices."""

from __future__ import annotations

from typing import Literal

from pyvirtd.conf.domain.clock import Clock
from pyvirtd.conf.domain.cpu import Cpu
from pyvirtd.conf.domain.devices import Devices
from pyvirtd.conf.domain.features import Features
from pyvirtd.conf.domain.memory import Blkiotune, MemoryBacking, Memtune, Numatune
from pyvirtd.conf.domain.namespaces import LxcNamespace, QemuNamespace
from pyvirtd.conf.domain.os import Os
from pyvirtd.conf.domain.security import IdMap, Keywrap, LaunchSecurity, Seclabel
from pyvirtd.conf.domain.sysinfo import Sysinfo
from pyvirtd.conf.domain.vcpu import Cputune, IOThread, Vcpu
from pyvirtd.conf.xml import Dump, Element, at, child, children, flag, format, hidden, inline, must, parse, raw, size
from pyvirtd.conf.xml.types import CpuSet, Int, OnOff, UInt, Uuid, YesNo
from pyvirtd.errors import ConfigUnsupported, InternalError, XMLError

DomainType = Literal[
    "qemu", "kqemu", "kvm", "xen", "lxc", "uml", "openvz", "test", "vmware", "hyperv", "vbox", "phyp", "parallels",
    "bhyve", "vz", "hvf",
]  # fmt: skip
Action = Literal["destroy", "restart", "rename-restart", "preserve"]
CrashAction = Literal["destroy", "restart", "rename-restart", "preserve", "coredump-destroy", "coredump-restart"]
LockAction = Literal["poweroff", "restart", "pause", "ignore"]
EventName = Literal[
    "cmt", "mbmt", "mbml", "cpu_cycles", "instructions", "cache_references", "cache_misses", "branch_instructions",
    "branch_misses", "bus_cycles", "stalled_cycles_frontend", "stalled_cycles_backend", "ref_cpu_cycles", "cpu_clock",
    "task_clock", "page_faults", "context_switches", "cpu_migrations", "page_faults_min", "page_faults_maj",
    "alignment_faults", "emulation_faults",
]  # fmt: skip


class Pm(Element, tag="pm"):
    """Whether the guest may suspend."""

    suspend_to_mem: YesNo | None = at("suspend-to-mem/@enabled")
    suspend_to_disk: YesNo | None = at("suspend-to-disk/@enabled")


class PerfEvent(Element, tag="event"):
    """A performance event, counted or not."""

    name: EventName = must("@name", bad=ConfigUnsupported)
    enabled: YesNo = must("@enabled", bad=ConfigUnsupported)


class DomainDef(Element, tag="domain"):
    """A guest's definition. Memory is in KiB. `id` is the running guest's number."""

    type: DomainType = must("@type", bad=ConfigUnsupported)
    id: Int | None = at("@id", live=True)
    qemu: QemuNamespace | None = inline(QemuNamespace, optional=True, tail=1)
    lxc: LxcNamespace | None = inline(LxcNamespace, optional=True, tail=1)
    name: str = must("name")
    uuid: Uuid = at("uuid", "", omit="", bad=InternalError)
    has_genid: bool = flag("genid")
    genid: Uuid | None = at("genid")
    title: str | None = at("title")
    description: str | None = at("description")
    metadata: str | None = raw("metadata")
    memory_slots: UInt | None = at("maxMemory/@slots")
    max_memory: int | None = size("maxMemory")
    dump_core: OnOff | None = at("memory/@dumpCore")
    memory: int = size("memory", 0)
    current_memory: int = size("currentMemory", 0)
    blkiotune: Blkiotune | None = child(empty=False)
    memtune: Memtune | None = child(empty=False)
    memory_backing: MemoryBacking | None = child(empty=False)
    vcpu_placement: Literal["static", "auto"] | None = at("vcpu/@placement", bad=ConfigUnsupported)
    cpuset: CpuSet | None = at("vcpu/@cpuset")
    current_vcpus: UInt | None = at("vcpu/@current")
    max_vcpus: UInt = at("vcpu", 1)
    vcpus: list[Vcpu] = children(under="vcpus")
    iothreads: UInt | None = at("iothreads", omit=0)
    iothread_ids: list[IOThread] = children(
        under="iothreadids", when=lambda d, _: any(not thread.filled for thread in d.iothread_ids)
    )
    default_thread_pool_min: Int | None = at("defaultiothread/@thread_pool_min")
    default_thread_pool_max: Int | None = at("defaultiothread/@thread_pool_max")
    cputune: Cputune | None = child(empty=False)
    numatune: Numatune | None = child(empty=False)
    partition: str | None = at("resource/partition")
    fibrechannel_appid: str | None = at("resource/fibrechannel/@appid")
    sysinfo: list[Sysinfo] = children()
    bootloader: str | None = at("bootloader")
    bootloader_args: str | None = at("bootloader_args")
    os: Os = child(Os, empty=False, always=True)
    idmap: IdMap | None = child(empty=False)
    features: Features = child(Features, empty=False, always=True)
    cpu: Cpu | None = child()
    original_cpu: Cpu | None = hidden()  # a running guest's CPU as it was defined, before it was spelled out
    clock: Clock = child(Clock, always=True)
    on_poweroff: Action = at("on_poweroff", "destroy", bad=ConfigUnsupported)
    on_reboot: Action = at("on_reboot", "restart", bad=ConfigUnsupported)
    on_crash: CrashAction = at("on_crash", "destroy", bad=ConfigUnsupported)
    on_lockfailure: LockAction | None = at("on_lockfailure", bad=ConfigUnsupported)
    pm: Pm | None = child(empty=False)
    perf: list[PerfEvent] = children(under="perf")
    devices: Devices = child(Devices, always=True)
    seclabels: list[Seclabel] = children()
    keywrap: Keywrap | None = child(empty=False, tail=2)
    launch_security: LaunchSecurity | None = child(LaunchSecurity, tail=2)

    def parsed(self, flags: int) -> None:
        """Checks that need no other knowledge."""
        if self.title is not None and "\n" in self.title:
            raise XMLError(f"line {self.line}, <title>: has a line break, it has to be one line")


def parse_domain(xml: str | bytes, flags: int = Dump.INACTIVE, *, validate: bool = False) -> DomainDef:
    """A <domain> document as it stands: nothing is filled in, nothing judged beyond the syntax.

    validate: refuse names and words that no declaration knows (XMLInvalidSchema), as the VALIDATE flags ask.
    """
    if validate:
        from pyvirtd.conf.schema import check_schema  # compiling it costs a tenth of a second

        check_schema(DomainDef, xml, what="domain XML")
    return parse(DomainDef, xml, flags, what="domain XML")


def format_domain(domain: DomainDef, flags: int = 0) -> str:
    """The document as libvirt prints it; `flags` are VIR_DOMAIN_XML_* and the daemon's own of `Dump`."""
    return format(domain, flags)
