"""Which QEMU binaries are installed, and for which architectures they are."""

from __future__ import annotations

import os
import shutil
from typing import Final

from pyvirtd.host.process import SAFE_PATH

TARGETS: Final = {
    "alpha": ("alpha",),
    "armv6l": ("arm",),
    "armv7l": ("arm",),
    "aarch64": ("aarch64",),
    "cris": ("cris",),
    "i686": ("i386",),
    "loongarch64": ("loongarch64",),
    "m68k": ("m68k",),
    "microblaze": ("microblaze",),
    "microblazeel": ("microblazeel",),
    "mips": ("mips",),
    "mipsel": ("mipsel",),
    "mips64": ("mips64",),
    "mips64el": ("mips64el",),
    "or32": ("or1k",),
    "parisc": ("hppa",),
    "ppc": ("ppc",),
    "ppc64": ("ppc64",),
    "ppc64le": ("ppc64",),
    "riscv32": ("riscv32",),
    "riscv64": ("riscv64",),
    "s390x": ("s390x",),
    "sh4": ("sh4",),
    "sh4eb": ("sh4eb",),
    "sparc": ("sparc",),
    "sparc64": ("sparc64",),
    "x86_64": ("x86_64",),
    "xtensa": ("xtensa",),
    "xtensaeb": ("xtensaeb",),
}
"""libvirt's architecture names, in the order of its list, to QEMU's targets."""

KNOWN_ARCHES: Final = frozenset(TARGETS) | {
    "armv7b", "ia64", "itanium", "lm32", "parisc64", "ppcle", "ppcemb", "s390", "unicore32",
}  # fmt: skip
"""Every architecture that libvirt has a name for."""

_64_BIT: Final = frozenset(
    """alpha aarch64 ia64 loongarch64 mips64 mips64el parisc64 ppc64 ppc64le riscv64 s390x sparc64 x86_64""".split()
)
COMPATIBLE: Final = {("x86_64", "i686"), ("aarch64", "armv7l"), ("aarch64", "armv6l"), ("ppc64", "ppc64le")}
"""(what an emulator is for, what it also runs)."""

_OTHER_PLACES: Final = ("/usr/libexec/qemu-kvm", "/usr/bin/qemu-kvm")


def host_arch() -> str:
    """The host's architecture by libvirt's name."""
    machine = os.uname().machine
    return {"i386": "i686", "i486": "i686", "i586": "i686", "amd64": "x86_64", "arm64": "aarch64"}.get(machine, machine)


def word_size(arch: str) -> int:
    """Bits of a pointer."""
    return 64 if arch in _64_BIT else 32


def find_emulator(arch: str) -> str | None:
    """The binary that runs guests of an architecture; None when none is installed."""
    for target in TARGETS.get(arch, ()):
        found = shutil.which(f"qemu-system-{target}", path=SAFE_PATH)
        if found is not None:
            return found
    if arch == host_arch() or (host_arch(), arch) in COMPATIBLE:
        for path in _OTHER_PLACES:
            if os.access(path, os.X_OK):
                return path
    if arch == "i686":
        return find_emulator("x86_64")
    return None


def installed() -> dict[str, str]:
    """Architecture to binary, in libvirt's order of architectures."""
    return {arch: path for arch in TARGETS if (path := find_emulator(arch)) is not None}
