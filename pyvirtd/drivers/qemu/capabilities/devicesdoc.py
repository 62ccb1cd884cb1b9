"""The <devices> and <features> sections of domain capabilities: which kinds of each device QEMU has."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import Final

from pyvirtd.conf.domaincaps import Section
from pyvirtd.drivers.qemu.capabilities.model import QemuCapabilities
from pyvirtd.host.power import has_iommu

VIRTIO: Final = ("virtio", "virtio-transitional", "virtio-non-transitional")
VIDEO: Final = (
    ("vga", ("VGA",)),
    ("cirrus", ("cirrus-vga",)),
    ("vmvga", ("vmware-svga",)),
    ("qxl", ("qxl", "qxl-vga")),
    ("virtio", ("virtio-gpu-pci", "virtio-gpu-ccw", "virtio-gpu-device", "virtio-vga")),
    ("none", ()),
    ("bochs", ("bochs-display",)),
    ("ramfb", ("ramfb",)),
)
RNG_BACKENDS: Final = (("random", "rng-random"), ("egd", "rng-egd"), ("builtin", "rng-builtin"))
HYPERV: Final = (
    "relaxed", "vapic", "spinlocks", "vpindex", "runtime", "synic", "stimer", "reset", "vendor_id", "frequencies",
    "reenlightenment", "tlbflush", "ipi", "evmcs", "avic",
)  # fmt: skip
_VALUED: Final = ("spinlocks", "vendor_id")
"""Enlightenments that are a number or a text, which every QEMU that has them can set."""

_BUILTIN_IDE: Final = re.compile(r"pc|pc-\d.*|pc-i440fx-.*|malta|sun4u|g3beige")


def device_sections(
    caps: QemuCapabilities, arch: str, machine: str, tpm_versions: tuple[str, ...] | None
) -> list[Section]:
    """The sections of <devices>, in order. `tpm_versions`: what the TPM emulator speaks; None: it isn't installed."""
    channel = ["pty", "unix"] + (["spicevmc"] if caps.has_command("query-spice") else [])
    redirection = ["usb"] if caps.has_device("usb-redir") else []
    return [
        _disk(caps, arch, machine),
        _graphics(caps),
        Section("video", True, [("modelType", [n for n, d in VIDEO if not d or any(map(caps.has_device, d))])]),
        _hostdev(caps),
        _rng(caps),
        _filesystem(caps),
        _tpm(caps, tpm_versions),
        Section("redirdev", bool(redirection), [("bus", redirection)]),
        Section("channel", True, [("type", channel)]),
    ]


def feature_sections(caps: QemuCapabilities, arch: str) -> list[Section]:
    """The sections of <features> that come before SEV's."""
    versions = sorted({str(gic["version"]) for gic in caps.gic})
    sections = [
        Section("gic", bool(versions), [("version", versions)]),
        Section("vmcoreinfo", caps.has_device("vmcoreinfo")),
        Section("genid", caps.has_device("vmgenid")),
        Section("backingStoreInput", True),
        Section("backup", caps.has_schema("blockdev-reopen")),
    ]
    if arch == "s390x":
        sections.append(Section("s390-pv", False))
    return sections


def hyperv_section(caps: QemuCapabilities, arch: str) -> Section | None:
    """Hyper-V enlightenments that this host's KVM offers; None where QEMU couldn't be asked."""
    host = caps.host_cpu("kvm") if caps.kvm else None
    if arch not in ("x86_64", "i686") or not host or not host["hyperv"]:
        return None
    props = {key.removeprefix("hv-").replace("-", "_"): value for key, value in host["hyperv"].items()}
    names = [name for name in HYPERV if props.get(name) is True or (name in _VALUED and name in props)]
    return Section("hyperv", True, [("features", names)])


def _virtio(caps: QemuCapabilities, device: str) -> list[str]:
    """The virtio kinds of a device."""
    if not any(caps.has_device(f"{device}-{bus}") for bus in ("pci", "ccw", "device")):
        return []
    return list(VIRTIO) if caps.has_device(f"{device}-pci-non-transitional") else [VIRTIO[0]]


def _disk(caps: QemuCapabilities, arch: str, machine: str) -> Section:
    s390, pseries = arch == "s390x", machine.startswith("pseries")
    buses = [
        ("ide", _BUILTIN_IDE.fullmatch(machine) is not None),
        ("fdc", not s390 and not pseries),
        ("scsi", caps.has_device("scsi-hd")),
        ("virtio", True),
        ("usb", caps.has_device("usb-storage")),
        ("sata", caps.has_device("ich9-ahci")),
    ]
    kinds = ["disk", "cdrom", *([] if s390 or pseries else ["floppy"]), "lun"]
    return Section(
        "disk",
        True,
        [
            ("diskDevice", kinds),
            ("bus", [name for name, there in buses if there]),
            ("model", _virtio(caps, "virtio-blk")),
        ],
    )


def _graphics(caps: QemuCapabilities) -> Section:
    options = "query-display-options/ret-type"
    kinds = [
        ("sdl", caps.has_schema(f"{options}/type/^sdl")),
        ("vnc", caps.has_command("query-vnc")),
        ("spice", caps.has_command("query-spice")),
        ("egl-headless", caps.has_schema(f"{options}/type/^egl-headless")),
        ("dbus", caps.has_schema(f"{options}/+dbus")),
    ]
    found = [name for name, there in kinds if there]
    return Section("graphics", bool(found), [("type", found)])


def _hostdev(caps: QemuCapabilities) -> Section:
    vfio = caps.has_device("vfio-pci") and has_iommu() and os.path.exists("/dev/vfio/vfio")
    return Section(
        "hostdev",
        True,
        [
            ("mode", ["subsystem"]),
            ("startupPolicy", ["default", "mandatory", "requisite", "optional"]),
            ("subsysType", ["usb", "pci"] + (["scsi"] if caps.has_device("scsi-generic") else [])),
            ("capsType", []),
            ("pciBackend", ["default", "vfio"] if vfio else []),
        ],
    )


def _rng(caps: QemuCapabilities) -> Section:
    models = _virtio(caps, "virtio-rng")
    backends = [name for name, kind in RNG_BACKENDS if caps.has_object(kind)]
    return Section("rng", bool(models), [("model", models), ("backendModel", backends)])


def _filesystem(caps: QemuCapabilities) -> Section:
    kinds = ["path", "handle"] if caps.has_option("fsdev") else []
    if any(caps.has_device(f"vhost-user-fs-{bus}") for bus in ("device", "pci", "ccw")):
        kinds.append("virtiofs")
    return Section("filesystem", bool(kinds), [("driverType", kinds)])


def _tpm(caps: QemuCapabilities, versions: tuple[str, ...] | None) -> Section:
    models = [name for name in ("tpm-tis", "tpm-crb", "tpm-spapr") if name in caps.tpm_models]
    backends = ["passthrough"] if "passthrough" in caps.tpm_types else []
    enums: list[tuple[str, Sequence[str]]] = [("model", models), ("backendModel", backends)]
    if versions is not None and "emulator" in caps.tpm_types:
        backends += ["emulator", "external"]
        enums.append(("backendVersion", versions))
    return Section("tpm", bool(models), enums)
