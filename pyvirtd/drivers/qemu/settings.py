"""Table [qemu] of the configuration; keys that libvirt's qemu.conf has keep their names and meanings."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class QemuSettings:
    """Times are seconds."""

    user: str = ""
    """Whom guests run as; empty: the daemon's own user. A name, or +NUMBER."""
    group: str = ""
    dynamic_ownership: bool = True
    """Whether files that a guest needs become its user's for as long as it runs."""
    swtpm_user: str = "tss"
    """Whom emulated TPMs run as; where the host has none of that name, whom guests run as."""
    remember_owner: bool = True
    """Whether they are given back to whom they belonged."""
    job_timeout: float = 30.0
    """How long a call waits for a domain that another call is changing."""
    monitor_timeout: float = 600.0
    """How long QEMU may take to answer one monitor command before the call that sent it fails."""
    start_timeout: float = 60.0
    """How long QEMU may take from exec to its monitor's greeting."""
    agent_timeout: float = 5.0
    """How long a guest agent may take to answer the handshake that precedes each command."""
    max_queued: int = 0
    """How many calls may wait for one domain; 0: as many as clients may have under way."""
    auto_start_bypass_cache: bool = False
    auto_dump_path: str = ""
    vnc_listen: str = "127.0.0.1"
    spice_listen: str = "127.0.0.1"
    nvram_dir: str = ""
    emulators: tuple[str, ...] = ()
    """Paths of QEMU binaries beside those found in PATH."""
    seccomp_sandbox: bool = True
    lock_manager: str = ""
    max_core: int = 0
    dump_guest_core: bool = False
    set_process_name: bool = False
