"""<features>: what the hypervisor offers or hides.

Elements that mean "on" by being there print as such; those with a state print it, and mean on without one.
"""

from __future__ import annotations

from typing import Any, Literal

from pyvirtd.conf.xml import Element, at, child, flag, size
from pyvirtd.conf.xml.types import OnOff, UInt, YesNo
from pyvirtd.errors import ConfigUnsupported


def _state(name: str) -> Any:
    return at(f"{name}/@state", bare=True)


class Hyperv(Element, tag="hyperv"):
    """Hyper-V enlightenments. Under mode passthrough the list isn't printed."""

    mode: Literal["none", "custom", "passthrough"] = at("@mode", "custom")
    relaxed: OnOff | None = at("relaxed/@state")
    vapic: OnOff | None = at("vapic/@state")
    spinlocks: OnOff | None = at("spinlocks/@state")
    spinlocks_retries: UInt | None = at("spinlocks/@retries", when=lambda h, _: h.spinlocks)
    vpindex: OnOff | None = at("vpindex/@state")
    runtime: OnOff | None = at("runtime/@state")
    synic: OnOff | None = at("synic/@state")
    stimer: OnOff | None = at("stimer/@state")
    stimer_direct: OnOff | None = at("stimer/direct/@state", when=lambda h, _: h.stimer)
    reset: OnOff | None = at("reset/@state")
    vendor_id: OnOff | None = at("vendor_id/@state")
    vendor_id_value: str | None = at("vendor_id/@value", when=lambda h, _: h.vendor_id)
    frequencies: OnOff | None = at("frequencies/@state")
    reenlightenment: OnOff | None = at("reenlightenment/@state")
    tlbflush: OnOff | None = at("tlbflush/@state")
    ipi: OnOff | None = at("ipi/@state")
    evmcs: OnOff | None = at("evmcs/@state")
    avic: OnOff | None = at("avic/@state")
    emsr_bitmap: OnOff | None = at("emsr_bitmap/@state")
    xmm_input: OnOff | None = at("xmm_input/@state")


class Kvm(Element, tag="kvm"):
    """KVM's own."""

    hidden: OnOff | None = at("hidden/@state")
    hint_dedicated: OnOff | None = at("hint-dedicated/@state")
    poll_control: OnOff | None = at("poll-control/@state")
    pv_ipi: OnOff | None = at("pv-ipi/@state")
    dirty_ring: OnOff | None = at("dirty-ring/@state")
    dirty_ring_size: UInt | None = at("dirty-ring/@size", when=lambda k, _: k.dirty_ring)


class XenFeatures(Element, tag="xen"):
    """Xen's own."""

    e820_host: OnOff | None = at("e820_host/@state")
    passthrough: OnOff | None = at("passthrough/@state")
    passthrough_mode: Literal["default", "sync_pt", "share_pt"] | None = at("passthrough/@mode", omit="default")


class Capabilities(Element, tag="capabilities"):
    """What a container's root may do: a policy, and exceptions from it."""

    policy: Literal["default", "allow", "deny"] = at("@policy", "default")
    audit_control: OnOff | None = at("audit_control/@state")
    audit_write: OnOff | None = at("audit_write/@state")
    block_suspend: OnOff | None = at("block_suspend/@state")
    chown: OnOff | None = at("chown/@state")
    dac_override: OnOff | None = at("dac_override/@state")
    dac_read_search: OnOff | None = at("dac_read_search/@state")
    fowner: OnOff | None = at("fowner/@state")
    fsetid: OnOff | None = at("fsetid/@state")
    ipc_lock: OnOff | None = at("ipc_lock/@state")
    ipc_owner: OnOff | None = at("ipc_owner/@state")
    kill: OnOff | None = at("kill/@state")
    lease: OnOff | None = at("lease/@state")
    linux_immutable: OnOff | None = at("linux_immutable/@state")
    mac_admin: OnOff | None = at("mac_admin/@state")
    mac_override: OnOff | None = at("mac_override/@state")
    mknod: OnOff | None = at("mknod/@state")
    net_admin: OnOff | None = at("net_admin/@state")
    net_bind_service: OnOff | None = at("net_bind_service/@state")
    net_broadcast: OnOff | None = at("net_broadcast/@state")
    net_raw: OnOff | None = at("net_raw/@state")
    setgid: OnOff | None = at("setgid/@state")
    setfcap: OnOff | None = at("setfcap/@state")
    setpcap: OnOff | None = at("setpcap/@state")
    setuid: OnOff | None = at("setuid/@state")
    sys_admin: OnOff | None = at("sys_admin/@state")
    sys_boot: OnOff | None = at("sys_boot/@state")
    sys_chroot: OnOff | None = at("sys_chroot/@state")
    sys_module: OnOff | None = at("sys_module/@state")
    sys_nice: OnOff | None = at("sys_nice/@state")
    sys_pacct: OnOff | None = at("sys_pacct/@state")
    sys_ptrace: OnOff | None = at("sys_ptrace/@state")
    sys_rawio: OnOff | None = at("sys_rawio/@state")
    sys_resource: OnOff | None = at("sys_resource/@state")
    sys_time: OnOff | None = at("sys_time/@state")
    sys_tty_config: OnOff | None = at("sys_tty_config/@state")
    syslog: OnOff | None = at("syslog/@state")
    wake_alarm: OnOff | None = at("wake_alarm/@state")


class Features(Element, tag="features"):
    """The features of a guest."""

    acpi: bool = flag("acpi")
    apic: bool = flag("apic")
    apic_eoi: OnOff | None = at("apic/@eoi")
    pae: bool = flag("pae")
    hap: OnOff | None = _state("hap")
    viridian: bool = flag("viridian")
    privnet: bool = flag("privnet")
    hyperv: Hyperv | None = child()
    kvm: Kvm | None = child()
    pvspinlock: OnOff | None = _state("pvspinlock")
    capabilities: Capabilities | None = child()
    pmu: OnOff | None = _state("pmu")
    vmport: OnOff | None = _state("vmport")
    gic: bool = flag("gic")
    gic_version: Literal["2", "3", "host"] | None = at("gic/@version")
    smm: OnOff | None = _state("smm")
    smm_tseg: int | None = size("smm/tseg", unit="MiB", when=lambda f, _: f.smm)
    ioapic: Literal["qemu", "kvm"] | None = at("ioapic/@driver", bad=ConfigUnsupported)
    hpt: Literal["enabled", "disabled", "required"] | None = at("hpt/@resizing", bad=ConfigUnsupported)
    hpt_maxpagesize: int | None = size("hpt/maxpagesize")
    vmcoreinfo: OnOff | None = _state("vmcoreinfo")
    htm: OnOff | None = _state("htm")
    nested_hv: OnOff | None = _state("nested-hv")
    msrs_unknown: Literal["ignore", "fault"] | None = at("msrs/@unknown")
    ccf_assist: OnOff | None = _state("ccf-assist")
    xen: XenFeatures | None = child()
    cfpc: Literal["broken", "workaround", "fixed"] | None = at("cfpc/@value")
    sbbc: Literal["broken", "workaround", "fixed"] | None = at("sbbc/@value")
    ibs: Literal["broken", "workaround", "fixed-ibs", "fixed-ccd", "fixed-na"] | None = at("ibs/@value")
    tcg_tb_cache: int | None = size("tcg/tb-cache")
    async_teardown: YesNo | None = at("async-teardown/@enabled", bare=True)
