"""What only containers have."""

# mypy: disable-error-code="empty-body"
from __future__ import annotations

from pyvirtd.protocol.calls import Passed, Program, Reply, call
from pyvirtd.protocol.types import U32, DomainRef

LXC = 0x68000


class LxcCalls(Program, number=LXC):
    """What only containers have."""

    @call(1, acl="domain:open_namespace", files="out")
    def domain_open_namespace(self, dom: DomainRef, flags: U32) -> Reply[Passed[None]]:
        """virDomainLxcOpenNamespace."""
