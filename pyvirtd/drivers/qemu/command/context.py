"""What a command line is built from beside the definition, and what comes out: `LaunchContext`, `QemuCommand`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from pyvirtd.conf.domain.sysinfo import SmbiosInfo

PreStart = Literal["directory", "memory-directory", "swtpm", "virtiofsd", "passt", "dbus", "pr-helper", "master-key"]


class LogTarget(NamedTuple):
    """Where a character device's log goes: a descriptor QEMU inherits (given to it as a set) or a path."""

    fd: int | None
    path: str
    append: bool


class FdGroup(NamedTuple):
    """Descriptors a client passed under a name for this start."""

    fds: tuple[int, ...]
    writable: bool = False


class EncryptedSecret(NamedTuple):
    """A secret as QEMU takes it on the command line: base64 of AES-256-CBC under the master key, and of its IV."""

    data: str
    iv: str


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Directories with ca-cert.pem, server-cert.pem, ... for each use (qemu.conf's keys of the same names)."""

    default: str = "/etc/pki/qemu"
    vnc: str = "/etc/pki/qemu"
    spice: str = "/etc/pki/qemu"
    chardev: str = "/etc/pki/qemu"
    vxhs: str = "/etc/pki/qemu"
    nbd: str = "/etc/pki/qemu"


SecretUse = Callable[[str | None, str | None, str], bytes]  # (uuid, usage, kind) -> value; raises NoSecret


def no_secret(uuid: str | None, usage: str | None, kind: str) -> bytes:
    """The lookup of a context without secrets. Raises NoSecret."""
    from pyvirtd.errors import NoSecret

    raise NoSecret(f"no secret {uuid or usage!r} of type {kind} is known; define it and set its value first")


@dataclass(slots=True)
class LaunchContext:
    """Everything the driver prepared for one start.

    `domain_id` is -1 when nothing is started (domxml-to-native). Paths are absolute; descriptors are numbers that
    QEMU inherits under the same number. Keys of the mappings are device aliases ("net0", "serial0", "fs0").
    """

    domain_id: int
    run_dir: str  # of this guest: monitor socket, master key, VNC and SPICE sockets
    channel_dir: str = ""  # of this guest: sockets of <channel type='unix'> without a path
    ram_dir: str = ""  # of this guest: files of shared memory
    hugepages: Mapping[int, str] = field(default_factory=dict)  # page size in KiB -> this guest's directory there
    default_hugepage: int | None = None  # the host's default huge page size in KiB
    nvram_dir: str = "/var/lib/libvirt/qemu/nvram"
    swtpm_dir: str = "/run/libvirt/qemu/swtpm"
    dbus_dir: str = "/run/libvirt/qemu/dbus"
    monitor_path: str = ""
    monitor_fd: int | None = None  # a listening socket for QMP; None lets QEMU bind monitor_path
    master_key: bool = True
    tap_fds: Mapping[str, Sequence[int]] = field(default_factory=dict)
    vhost_fds: Mapping[str, Sequence[int]] = field(default_factory=dict)
    passt_sockets: Mapping[str, str] = field(default_factory=dict)
    virtiofsd_sockets: Mapping[str, str] = field(default_factory=dict)
    tpm_fds: Mapping[str, Sequence[int]] = field(default_factory=dict)  # alias -> device, cancel file
    scsi_generic: Mapping[str, str] = field(default_factory=dict)  # alias of a SCSI hostdev -> its /dev/sg
    host_smbios: SmbiosInfo | None = None
    gpu_fds: Mapping[str, int] = field(default_factory=dict)
    vsock_fds: Mapping[str, int] = field(default_factory=dict)
    chardev_fds: Mapping[str, int] = field(default_factory=dict)  # listening sockets of chardevs
    chardev_files: Mapping[str, int] = field(default_factory=dict)  # opened output files of <serial type='file'>
    log_targets: Mapping[str, LogTarget] = field(default_factory=dict)
    fd_groups: Mapping[str, FdGroup] = field(default_factory=dict)
    listen_addresses: Mapping[str, str] = field(default_factory=dict)  # network name -> address its graphics use
    firmware_dirs: Sequence[str] = ("/usr/share/qemu/firmware", "/etc/qemu/firmware")
    tls: TlsFiles = field(default_factory=TlsFiles)
    vnc_listen: str = "127.0.0.1"
    spice_listen: str = "127.0.0.1"
    vnc_tls: bool = False
    vnc_tls_verify: bool = False
    vnc_sasl: bool = False
    spice_tls: bool = False
    spice_sasl: bool = False
    seccomp: bool = True
    timestamps: bool = True
    dump_guest_core: bool = False
    lock_files: bool = True
    host_nodes: frozenset[int] | None = None  # the host's NUMA nodes; None: not checked
    numad_nodes: frozenset[int] | None = None  # what numad advises, when it was asked
    incoming: str | None = None  # "defer" when a migration or a saved image comes in
    secret: SecretUse = no_secret
    encrypt: Callable[[bytes], EncryptedSecret] | None = None
    home: str | None = None  # HOME and the XDG directories of the guest's process; run_dir when None
    dry: bool = False  # print what would be used; nothing was prepared


class Preparation(NamedTuple):
    """Something that must be there before QEMU is executed: what, for which alias, and where."""

    what: PreStart
    alias: str
    path: str


@dataclass(slots=True)
class QemuCommand:
    """A command line: `argv[0]` is the binary; `env` is the whole environment; `files` are the descriptors that
    must be inherited; `before` is what must exist before it runs; `bind_alias` etc. follow from the definition."""

    argv: list[str]
    env: dict[str, str]
    files: list[int] = field(default_factory=list)
    before: list[Preparation] = field(default_factory=list)
