"""The base of the driver's parts: one file for each noun, each a class with the calls about it."""

from __future__ import annotations

from pyvirtd.core.calls.noun import DomainNoun
from pyvirtd.core.domain import Domain
from pyvirtd.drivers.qemu.machine import Machine
from pyvirtd.drivers.qemu.runtime import Runtime
from pyvirtd.errors import OperationInvalid


class Noun(DomainNoun):
    """What every part may use."""

    runtime: Runtime


def machine_of(domain: Domain) -> Machine:
    """The domain's machine. Raises OperationInvalid when it does not run."""
    machine = domain.machine
    if not isinstance(machine, Machine) or machine.finished.done():
        raise OperationInvalid(f"{domain} is not running")
    return machine

