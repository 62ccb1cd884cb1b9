"""Descriptors that clients hand over by name, for disks and character devices whose source names the group."""

from __future__ import annotations

import os
from typing import Final

from pyvirtd.core import client
from pyvirtd.core.domain import Domain
from pyvirtd.core.modifies import queries
from pyvirtd.drivers.qemu.command.context import FdGroup
from pyvirtd.drivers.qemu.noun import Noun
from pyvirtd.errors import InvalidArg
from pyvirtd.protocol.calls import supports
from pyvirtd.protocol.constants.domain import DomainFDAssociateFlags

_MOST: Final = 64


class DescriptorCalls(Noun):
    """domain_fd_associate: kept until the client's connection ends."""

    @supports(DomainFDAssociateFlags.RESTORE | DomainFDAssociateFlags.WRITABLE)
    @queries
    def domain_fd_associate(self, dom: Domain, name: str, flags: int, files: list[int]) -> None:
        if not files or len(files) > _MOST:
            raise InvalidArg(f"a group of descriptors has 1 to {_MOST} of them, not {len(files)}")
        group = FdGroup(tuple(os.dup(fd) for fd in files), bool(flags & DomainFDAssociateFlags.WRITABLE))
        self.runtime.associate(dom, name, group)
        client.current().on_close(lambda: self.runtime.dissociate(dom, name, group))
