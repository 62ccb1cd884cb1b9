"""The base of the driver's parts: one file for each noun, each a class with the calls about it."""

from __future__ import annotations

from pyvirtd.core.domain import Domain
from pyvirtd.core.domains import DomainRegistry
from pyvirtd.drivers.qemu.machine import Machine
from pyvirtd.drivers.qemu.runtime import Runtime
from pyvirtd.errors import OperationInvalid
from pyvirtd.protocol.constants.domain import DomainModificationImpact as Impact
from pyvirtd.protocol.remote.hypervisor import HypervisorCalls


class Noun(HypervisorCalls):
    """What every part may use."""

    runtime: Runtime
    domains: DomainRegistry[Domain]


def machine_of(domain: Domain) -> Machine:
    """The domain's machine. Raises OperationInvalid when it does not run."""
    machine = domain.machine
    if not isinstance(machine, Machine) or machine.finished.done():
        raise OperationInvalid(f"{domain} is not running")
    return machine


def impact(domain: Domain, flags: int) -> tuple[bool, bool]:
    """Whether a change with VIR_DOMAIN_AFFECT_* flags is to the live domain, and whether to its definition.

    Neither bit means the live one if there is one. Raises OperationInvalid for what the domain does not have.
    """
    live, config = bool(flags & Impact.LIVE), bool(flags & Impact.CONFIG)
    if not live and not config:
        live, config = domain.active, not domain.active
    if live and not domain.active:
        raise OperationInvalid(f"{domain} is not running, so nothing can be changed in the running guest")
    if config:
        domain.require_persistent()
    return live, config
