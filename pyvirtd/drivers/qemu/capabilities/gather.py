"""The QMP queries that tell what a QEMU can do, and how the replies become facts.

`gather` asks one QEMU started for KVM (falling back to TCG) and one started for TCG. An answerer is a function that
takes a command and its arguments; it returns what QEMU returned, or None where QEMU answered with an error (which,
for these queries, says that the thing asked for is not there).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Final

Answerer = Callable[[str, Mapping[str, Any]], Awaitable[Any]]

DEVICES: Final = tuple(
    """
    AC97 ES1370 ICH9-LPC PIIX4_PM VGA am53c974 bochs-display ccid-card-emulated ccid-card-passthru cirrus-vga dc390
    e1000 e1000e floppy hda-duplex hda-micro hda-output i6300esb i82801b11-bridge ich9-ahci ich9-intel-hda
    ich9-usb-ehci1 ich9-usb-uhci1 ide-cd ide-hd intel-hda intel-iommu ioh3420 isa-debugcon isa-parallel isa-serial
    ivshmem-doorbell ivshmem-plain kvm-pit lsi53c895a mc146818rtc mch megasas mptsas1068 ne2k_pci nec-usb-xhci nvdimm
    nvme pc-dimm pci-bridge pci-ohci pci-serial pcie-pci-bridge pcie-root-port pcnet piix3-usb-uhci piix4-usb-uhci
    pvpanic pvpanic-pci pvscsi pxb pxb-pcie qemu-xhci qxl qxl-vga ramfb rtl8139 sb16 scsi-block scsi-cd scsi-generic
    scsi-hd tpm-crb tpm-tis usb-audio usb-ccid usb-ehci usb-host usb-hub usb-kbd usb-mouse usb-net usb-redir
    usb-serial usb-storage usb-tablet usb-bot usb-uas vfio-pci vhost-scsi-pci vhost-user-blk-pci
    vhost-user-fs-device vhost-user-fs-pci vhost-user-gpu vhost-user-vga vhost-vsock-pci virtconsole virtio-9p-pci
    virtio-balloon-ccw virtio-balloon-device virtio-balloon-pci virtio-blk-ccw virtio-blk-pci virtio-crypto-pci
    virtio-gpu-ccw virtio-gpu-device virtio-gpu-pci virtio-input-host-pci virtio-iommu-pci virtio-keyboard-pci
    virtio-mem-pci virtio-mouse-pci virtio-net-ccw virtio-net-pci virtio-pmem-pci virtio-rng-pci virtio-scsi-ccw
    virtio-scsi-pci virtio-serial-pci virtio-tablet-pci virtio-vga virtserialport vmcoreinfo vmgenid vmware-svga
    vmxnet3 x3130-upstream xio3130-downstream xen-platform spapr-vio-vty spapr-pci-host-bridge gpex-pcihost
    """.split()
)
OBJECTS: Final = tuple(
    """
    iothread memory-backend-epc memory-backend-file memory-backend-memfd memory-backend-ram secret
    tls-creds-psk tls-creds-x509 rng-builtin rng-egd rng-random cryptodev-backend-builtin cryptodev-backend-lkcf
    input-linux pr-manager-helper sev-guest throttle-group dbus-vmstate thread-context
    max-x86_64-cpu max-i386-cpu none-machine
    """.split()
)
TYPES: Final = frozenset(DEVICES) | frozenset(OBJECTS)
"""The types whose properties are asked for.

A list, not every type that QEMU names: asked about a device whose module is not installed, QEMU 7.2 aborts.
"""


async def gather(kvm: Answerer, tcg: Answerer | None) -> dict[str, Any]:
    """The facts: a JSON object with "facts", "schema" and "properties", as `QemuCapabilities` takes them.

    `kvm` answers for a QEMU that prefers KVM; `tcg` for one that was told not to use it (None: nobody to ask).
    """
    version = await kvm("query-version", {}) or {}
    numbers = version.get("qemu", {})
    enabled = bool((await kvm("query-kvm", {}) or {}).get("enabled"))
    types = sorted(entry["name"] for entry in await kvm("qom-list-types", {}) or ())
    facts: dict[str, Any] = {
        "version": numbers.get("major", 0) * 1_000_000 + numbers.get("minor", 0) * 1000 + numbers.get("micro", 0),
        "package": str(version.get("package", "")),
        "target": (await kvm("query-target", {}) or {}).get("arch", ""),
        "kvm": enabled,
        "types": types,
        "options": {
            option["option"]: [parameter["name"] for parameter in option["parameters"]]
            for option in await kvm("query-command-line-options", {}) or ()
        },
        "migration": [entry["capability"] for entry in await kvm("query-migrate-capabilities", {}) or ()],
        "tpm_models": await kvm("query-tpm-models", {}) or [],
        "tpm_types": await kvm("query-tpm-types", {}) or [],
        "sev": await kvm("query-sev-capabilities", {}),
        "sgx": await kvm("query-sgx-capabilities", {}),
        "gic": await kvm("query-gic-capabilities", {}) or [],
        "accelerators": {},
    }
    if enabled:
        facts["accelerators"]["kvm"] = await _accelerator(kvm, "host")
    if not enabled or tcg is not None:
        facts["accelerators"]["tcg"] = await _accelerator(tcg if enabled and tcg is not None else kvm, "max")
    return {
        "facts": facts,
        "schema": [_slim(entry) for entry in await kvm("query-qmp-schema", {}) or ()],
        "properties": await _properties(kvm, set(types)),
    }


async def _accelerator(ask: Answerer, host_model: str) -> dict[str, Any]:
    return {
        "machines": [
            [
                m["name"],
                m.get("alias"),
                m["cpu-max"],
                bool(m.get("hotpluggable-cpus")),
                bool(m.get("numa-mem-supported")),
                m.get("default-cpu-type"),
                bool(m.get("deprecated")),
                bool(m.get("is-default")),
                m.get("default-ram-id"),
                m.get("acpi"),
            ]
            for m in await ask("query-machines", {}) or ()
        ],
        "cpus": [
            [
                c["name"],
                c.get("typename", ""),
                c.get("unavailable-features"),
                bool(c.get("deprecated")),
                c.get("alias-of"),
            ]
            for c in await ask("query-cpu-definitions", {}) or ()
        ],
        "host": await _host_cpu(ask, host_model),
    }


async def _host_cpu(ask: Answerer, name: str) -> dict[str, Any] | None:
    """What a guest can have of the host's CPU: once as it survives migration, once with what does not, too."""

    async def expand(kind: str, **props: bool) -> dict[str, Any] | None:
        model: dict[str, Any] = {"name": name} | ({"props": props} if props else {})
        reply = await ask("query-cpu-model-expansion", {"type": kind, "model": model})
        found: dict[str, Any] | None = (reply or {}).get("model")
        return found

    migratable = await expand("static")
    if migratable is None:
        return None
    whole = await expand("static", migratable=False) or migratable
    hyperv = (await expand("full", **{"migratable": False, "hv-passthrough": True}) if name == "host" else None) or {}
    return {
        "model": whole["name"],
        "props": whole.get("props", {}),
        "migratable": sorted(k for k, v in migratable.get("props", {}).items() if v is True),
        "hyperv": {k: v for k, v in hyperv.get("props", {}).items() if k.startswith("hv-")},
    }


async def _properties(ask: Answerer, types: set[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for command, kinds in (("device-list-properties", DEVICES), ("qom-list-properties", OBJECTS)):
        for kind in kinds:
            if kind in types:
                reply: Iterable[Mapping[str, Any]] | None = await ask(command, {"typename": kind})
                if reply is not None:
                    found[kind] = sorted({entry["name"] for entry in reply})
    return found


def _slim(entry: Mapping[str, Any]) -> dict[str, Any]:
    """An enum's values are in the schema twice since QEMU 6.2; once is enough."""
    slim = dict(entry)
    if slim.get("meta-type") == "enum" and "values" in slim:
        slim.pop("members", None)
    return slim
