"""What all parts of the QEMU driver share: directories, registry, event bus, settings, and how a domain moves on.

Nothing else in the driver changes a domain's state or tells clients about it.
"""

from __future__ import annotations

import json
import logging
import os
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pyvirtd.conf.domain.domain import DomainDef
from pyvirtd.conf.xml import Dump, format, parse
from pyvirtd.core.domain import Definitions, Domain
from pyvirtd.core.domains import DomainRegistry
from pyvirtd.core.driver import DriverContext
from pyvirtd.core.events import Event
from pyvirtd.core.lifecycle import TRANSITIONS
from pyvirtd.drivers.qemu.capabilities.cache import QemuCapabilitiesCache
from pyvirtd.drivers.qemu.capabilities.selftest import KvmSelfTest
from pyvirtd.drivers.qemu.command.context import FdGroup
from pyvirtd.drivers.qemu.ownership import Ownership
from pyvirtd.drivers.qemu.postparse.migratable import print_definition
from pyvirtd.drivers.qemu.settings import QemuSettings
from pyvirtd.drivers.qemu.status import Status, StatusDirectory
from pyvirtd.errors import InternalError, VirtError
from pyvirtd.host.cgroup import Hierarchies, detect
from pyvirtd.protocol.qemu import QemuDomainMonitorEvent
from pyvirtd.protocol.remote.events import DomainEventLifecycle
from pyvirtd.store.aside import set_aside
from pyvirtd.store.atomic import in_background
from pyvirtd.store.directory import DefinitionDirectory
from pyvirtd.store.names import file_name

if TYPE_CHECKING:
    from pyvirtd.drivers.qemu.machine import Machine

log = logging.getLogger(__name__)

_SHORT_NAME: Final = 20
PARTITION: Final = "/machine"
"""Below this are the control groups of guests whose definition says nothing else."""
_PERSISTENT: Final = Dump.INACTIVE | Dump.SECURE


class Runtime:
    """See the module."""

    def __init__(self, context: DriverContext) -> None:
        self.context = context
        self.settings = context.settings(QemuSettings)
        paths = context.paths
        self.lib_dir, self.run_dir = paths.lib / "qemu", paths.run / "qemu"
        self.log_dir = paths.log / "qemu"
        self.save_dir, self.snapshot_dir = self.lib_dir / "save", self.lib_dir / "snapshot"
        self.nvram_dir = Path(self.settings.nvram_dir) if self.settings.nvram_dir else self.lib_dir / "nvram"
        self.channel_dir, self.ram_dir = self.run_dir / "channel", self.lib_dir / "ram"
        self.swtpm_dir, self.passt_dir = self.run_dir / "swtpm", self.run_dir / "passt"
        self.hierarchies = detect() if context.privileged else Hierarchies({}, None, frozenset())
        self.directory = DefinitionDirectory(self.lib_dir, "domain", marks=("autostart", "autostart-once"))
        self.status = StatusDirectory(self.run_dir)
        self.definitions = Definitions(self._load, print_definition, job_timeout=self.settings.job_timeout)
        self.domains: DomainRegistry[Domain] = DomainRegistry()
        self.ownership = Ownership(self.settings, context.privileged)
        self.capabilities = QemuCapabilitiesCache(paths.cache / "qemu" / "capabilities", self.ownership.run_as)
        self.kvm = KvmSelfTest(paths.cache / "qemu", self.ownership.run_as)
        self._fd_groups: dict[bytes, dict[str, FdGroup]] = {}

    def reload(self) -> None:
        """Settings have been read again; what runs keeps what it was started with."""
        self.settings = self.context.settings(QemuSettings)
        self.definitions.job_timeout = self.settings.job_timeout
        for domain in self.domains:
            domain.set_job_timeout(self.settings.job_timeout)

    @property
    def uri(self) -> str:
        """The connection URI that reaches this driver."""
        return "qemu:///system" if self.context.privileged else "qemu:///session"

    # Descriptors that clients associated with domains

    def fd_groups(self, domain: Domain) -> Mapping[str, FdGroup]:
        """Those of a domain, by name."""
        return dict(self._fd_groups.get(domain.uuid, {}))

    def associate(self, domain: Domain, name: str, group: FdGroup) -> None:
        """Keep a client's descriptors under a name, in place of what had it before."""
        groups = self._fd_groups.setdefault(domain.uuid, {})
        self._close(groups.get(name))
        groups[name] = group

    def dissociate(self, domain: Domain, name: str, group: FdGroup) -> None:
        """Close that group, unless another has taken its place (and closed it) already."""
        groups = self._fd_groups.get(domain.uuid, {})
        if groups.get(name) is group:
            self._close(groups.pop(name))
            if not groups:
                del self._fd_groups[domain.uuid]

    @staticmethod
    def _close(group: FdGroup | None) -> None:
        for fd in group.fds if group is not None else ():
            os.close(fd)

    # Definitions on disk

    def _load(self, name: str) -> DomainDef:
        """Parse one of our own files. It is not validated again: what was once accepted stays."""
        path = self.directory.file(name)
        try:
            return parse(DomainDef, self.directory.read(name), Dump.INACTIVE | Dump.STATUS, what=str(path))
        except VirtError as error:
            raise InternalError(f"the definition of domain '{name}' cannot be used: {error.message}") from error

    def load_all(self) -> None:
        """Index every definition on disk; none is parsed yet."""
        for entry in self.directory.load():
            domain = Domain(entry.name, entry.uuid, self.definitions)
            domain.persistent = True
            domain.autostart, domain.autostart_once = "autostart" in entry.marks, "autostart-once" in entry.marks
            try:
                self.domains.add(domain)
            except VirtError as error:
                set_aside(entry.path, error.message)

    async def save(self, definition: DomainDef) -> None:
        """Make it the persistent definition on disk."""
        await in_background(self.directory.save, definition.name, self.saved_text(definition))

    def saved_text(self, definition: DomainDef) -> str:
        """A persistent definition as its file has it."""
        return HEADER + format(definition, SAVED)

    def saved_image(self, name: str) -> Path:
        """Where a managed save of that domain is or would be."""
        return self.save_dir / f"{file_name(name)}.save"

    # Running guests

    def guest_dir(self, id: int, name: str) -> Path:
        """The directory of one run of a guest. Sockets' paths are short, so it is too."""
        return self.run_dir / f"{id}-{file_name(name)[:_SHORT_NAME]}"

    def cgroup_path(self, id: int, name: str, partition: str | None) -> str:
        """A guest's control group. Groups are the host's: those of another daemon's guests have other names."""
        parts = [part for part in (partition or PARTITION).split("/") if part not in ("", ".", "..")]
        # Like libvirt's: whatever else is called "emulator" or "cgroup.procs" there, a partition is none of it.
        fixed = parts[:1] if parts and parts[0] in ("machine", "system", "user") else []
        place = "/".join(fixed + [f"{part.removesuffix('.partition')}.partition" for part in parts[len(fixed) :]])
        whose = f"pyvirtd-{zlib.crc32(os.fsencode(self.run_dir)):08x}"
        return f"{place or 'machine'}/qemu-{id}-{file_name(name)[:60]}.{whose}"

    def directories_of(self, guest_dir: Path) -> tuple[Path, ...]:
        """The directories that one run of a guest has: that of its sockets, of its channels, of its shared memory, of
        its TPM's socket, of its user networks' sockets."""
        return guest_dir, *(parent / guest_dir.name for parent in self.guest_parents)

    @property
    def guest_parents(self) -> tuple[Path, ...]:
        """Where guests have directories beside that of their sockets."""
        return self.channel_dir, self.ram_dir, self.swtpm_dir, self.passt_dir

    async def save_status(self, machine: Machine) -> None:
        """Write the status file; on disk when this returns."""
        async with machine.writing:
            if machine.process is not None and machine.domain.machine is machine and not machine.process.poll():
                await in_background(self.status.save, machine.domain.name, self._status_of(machine).text())

    async def save_live(self, domain: Domain) -> None:
        """Its live definition has changed."""
        if domain.machine is not None:
            await self.save_status(domain.machine)

    def _status_of(self, machine: Machine) -> Status:
        domain, process = machine.domain, machine.process
        assert domain.live is not None
        assert process is not None
        marks = {
            "transient": not domain.persistent, "autodestroy": machine.autodestroy, "fake-reboot": machine.fake_reboot,
        }  # fmt: skip
        return Status(
            definition=domain.live, state=domain.state, reason=domain.reason, id=domain.id, process=process.identity,
            run_dir=machine.run_dir, since=machine.started_at, log_start=machine.log.start,
            flags={name for name, on in marks.items() if on}, taints=set(domain.taints), vcpus=machine.vcpu_threads,
            channels=machine.open_channels, lent=machine.lent,
            helpers=[helper.identity for helper in machine.helpers],
        )  # fmt: skip

    def move(self, machine: Machine, step: str) -> None:
        """Take the domain through a transition, tell the clients, and have the status written."""
        machine.domain.step(step)
        self.tell(machine.domain, step, keep=machine.keep)
        machine.save_soon()

    def tell(self, domain: Domain, step: str, *, keep: float = 0.0) -> None:
        """The lifecycle event of a transition, where it has one."""
        transition = TRANSITIONS[step]
        if transition.event is not None:
            self.emit(DomainEventLifecycle(domain.ref, transition.event, transition.detail), keep=keep)

    def emit(self, event: Event, *, keep: float = 0.0) -> None:
        """To every client that listens; `keep`: also to those that register within so many seconds."""
        self.context.events.emit(event, keep=keep)

    def raw_event(self, domain: Domain, name: str, data: Mapping[str, Any], stamp: tuple[int, int]) -> None:
        """An event of QEMU's own, for clients of the monitor passthrough."""
        details = json.dumps(dict(data), separators=(",", ":")) if data else None
        seconds, micros = stamp
        self.emit(QemuDomainMonitorEvent(domain.ref, name, seconds, max(0, micros), details))

    def domain_ended(self, domain: Domain, step: str, *, silent: bool = False, keep: float = 0.0) -> None:
        """Its process is gone and cleaned up after: it is shut off now, or no more if it was transient."""
        domain.step(step)
        domain.machine = None
        domain.taints = frozenset()
        domain.set_live(None)
        self.domains.deactivate(domain)
        if not domain.persistent:
            self.domains.remove(domain)
        if not silent:
            self.tell(domain, step, keep=keep)
        self.context.inhibit(bool(self.domains.active))

    def taint(self, domain: Domain, flag: str) -> None:
        """Note, and write to the guest's log, that something was done behind the daemon's back."""
        if flag not in domain.taints:
            domain.taints |= {flag}
            log.warning("%s is tainted: %s", domain, flag)
            if domain.machine is not None:
                domain.machine.log.note(f"Domain is tainted: {flag}")
                domain.machine.save_soon()


SAVED: Final = _PERSISTENT | Dump.STATUS
HEADER: Final = """<!--
Kept by pyvirtd, which overwrites this file. To change the domain, use: virsh edit
-->
"""
