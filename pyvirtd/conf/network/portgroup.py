"""`<portgroup>`: a class of ports that guests' interfaces can ask for."""

from __future__ import annotations

from pyvirtd.conf.domain.interface import Bandwidth, VirtualPort, Vlan
from pyvirtd.conf.network.forward import Lenient
from pyvirtd.conf.xml import Element, at, child, must
from pyvirtd.conf.xml.fields import told
from pyvirtd.conf.xml.types import YesNo
from pyvirtd.errors import ErrorDomain


class PortGroup(Element, tag="portgroup"):
    """Settings that a port of this group gets over the network's."""

    ERRORS = ErrorDomain.NETWORK
    name: str = must("@name")
    default: Lenient | None = at("@default", keep=told)
    trust_guest_rx_filters: YesNo | None = at("@trustGuestRxFilters")
    vlan: Vlan | None = child()
    virtualport: VirtualPort | None = child()
    bandwidth: Bandwidth | None = child(empty=False)

    def hollow(self, flags: int) -> bool:
        """Always with its closing tag."""
        return True
