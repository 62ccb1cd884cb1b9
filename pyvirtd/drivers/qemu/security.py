"""How a running guest is confined, and what was done to it that the daemon does not answer for."""

from __future__ import annotations

from typing import Final

from pyvirtd.conf.domain.domain import DomainDef
from pyvirtd.conf.domain.security import Seclabel
from pyvirtd.core.domain import Domain
from pyvirtd.core.modifies import queries
from pyvirtd.drivers.qemu.capabilities import QemuCapabilities
from pyvirtd.drivers.qemu.noun import Noun
from pyvirtd.drivers.qemu.postparse import emulator_of
from pyvirtd.drivers.qemu.runtime import PARTITION, Runtime
from pyvirtd.protocol.calls import supports
from pyvirtd.protocol.constants.domain import DomainMessageType as Kind
from pyvirtd.protocol.remote.domain import DomainGetSecurityLabel

TAINTS: Final = {
    "custom-argv": "QEMU got arguments past the daemon (qemu:commandline)",
    "custom-monitor": "commands went to QEMU's monitor past the daemon",
    "custom-ga-command": "commands went to the guest agent past the daemon",
    "high-privileges": "QEMU runs as root",
    "host-cpu": "the guest has the host's own CPU (host-passthrough)",
    "custom-device": "devices have properties set past the daemon (qemu:override)",
    "custom-hypervisor-feature": "QEMU's capabilities are overridden (qemu:capabilities)",
}
"""What may have been done to a guest behind the daemon's back, by libvirt's name of it."""


class SecurityCalls(Noun):
    """See the module."""

    @queries
    def domain_get_security_label(self, dom: Domain) -> DomainGetSecurityLabel:
        # The label of the first security model, which is none; users and groups are the second model's.
        return DomainGetSecurityLabel("", 0)

    @queries
    def domain_get_security_label_list(self, dom: Domain) -> list[DomainGetSecurityLabel]:
        own = self.runtime.ownership.label if dom.active else ""
        return [DomainGetSecurityLabel("", 0), DomainGetSecurityLabel(own, 0)]

    @supports(Kind.DEPRECATION | Kind.TAINTING)
    @queries
    def domain_get_messages(self, dom: Domain, flags: int) -> list[str]:
        messages = []
        if flags & Kind.TAINTING or not flags:
            messages += [f"tainted: {TAINTS.get(taint, taint)}" for taint in sorted(dom.taints)]
        if flags & Kind.DEPRECATION or not flags:
            caps = self.runtime.capabilities.peek(emulator_of(dom.current)) if dom.active else None
            messages += deprecations(dom.current, caps) if caps is not None else []
        return messages


def deprecations(definition: DomainDef, caps: QemuCapabilities) -> list[str]:
    """What a definition uses that its QEMU is going to lose."""
    machine = caps.machine(definition.os.machine or "")
    if machine is not None and machine.deprecated:
        return [f"deprecated: machine type '{machine.name}'"]
    return []


def show_confinement(runtime: Runtime, live: DomainDef) -> None:
    """What a live definition tells of whom its guest runs as, and of the control groups that it is in."""
    label = runtime.ownership.label
    if runtime.context.privileged and not any(own.model in (None, "dac") for own in live.seclabels):
        live.seclabels.append(
            Seclabel(type="dynamic", model="dac", relabel=True, label=label, imagelabel=label, implicit=True)
        )
    if runtime.hierarchies.any and live.partition is None:
        live.partition = PARTITION


def taint_at_start(runtime: Runtime, domain: Domain, live: DomainDef) -> None:
    """Note what the definition itself has that no daemon can answer for."""
    if runtime.context.privileged and runtime.ownership.uid == 0:
        runtime.taint(domain, "high-privileges")
    if live.cpu is not None and live.cpu.mode == "host-passthrough":
        runtime.taint(domain, "host-cpu")
    own = live.qemu
    if own is not None:
        for found, taint in (
            (own.args, "custom-argv"), (own.overrides, "custom-device"),
            (own.capabilities_add or own.capabilities_del, "custom-hypervisor-feature"),
        ):  # fmt: skip
            if found:
                runtime.taint(domain, taint)
