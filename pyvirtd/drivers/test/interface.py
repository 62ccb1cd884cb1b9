"""The interfaces of the host that there is none of, and changes of them that can be taken back."""

from __future__ import annotations

from typing import Final

from pyvirtd.conf.interface import format_interface, parse_interface
from pyvirtd.drivers.test.world import Live, World
from pyvirtd.errors import MultipleInterfaces, NoInterface, OperationInvalid
from pyvirtd.protocol.calls import supports
from pyvirtd.protocol.constants.connect import ConnectListAllInterfacesFlags as Listing
from pyvirtd.protocol.remote.interface import InterfaceCalls as Calls
from pyvirtd.protocol.types import InterfaceRef

_VALIDATE: Final = 1
_INACTIVE_XML: Final = 1


class InterfaceCalls(Calls):
    """See the module."""

    runtime: World

    def _live(self, name: str) -> Live:
        found = self.runtime.interfaces.get(name)
        if found is None:
            raise NoInterface(f"there is no interface '{name}'")
        return found

    @supports(Listing.ACTIVE | Listing.INACTIVE)
    def connect_list_all_interfaces(self, flags: int) -> list[InterfaceRef]:
        return [
            _ref(live)
            for live in self.runtime.interfaces.values()
            if not flags or flags & (Listing.ACTIVE if live.active else Listing.INACTIVE)
        ]

    def interface_lookup_by_name(self, name: str) -> InterfaceRef:
        return _ref(self._live(name))

    def interface_lookup_by_mac_string(self, mac: str) -> InterfaceRef:
        found = [live for live in self.runtime.interfaces.values() if _ref(live).mac.lower() == mac.lower()]
        if not found:
            raise NoInterface(f"there is no interface with the MAC address {mac}")
        if len(found) > 1:
            raise MultipleInterfaces(f"{len(found)} interfaces have the MAC address {mac}")
        return _ref(found[0])

    @supports(_INACTIVE_XML)
    def interface_get_xml_desc(self, iface: InterfaceRef, flags: int) -> str:
        return format_interface(self._live(iface.name).definition)

    @supports(_VALIDATE)
    def interface_define_xml(self, xml: str, flags: int) -> InterfaceRef:
        definition = parse_interface(xml, validate=bool(flags & _VALIDATE))
        live = self.runtime.interfaces.setdefault(definition.name, Live(definition))
        live.definition = definition
        return _ref(live)

    def interface_undefine(self, iface: InterfaceRef) -> None:
        self._live(iface.name)
        del self.runtime.interfaces[iface.name]

    def interface_create(self, iface: InterfaceRef, flags: int) -> None:
        live = self._live(iface.name)
        if live.active:
            raise OperationInvalid(f"interface '{iface.name}' is up already")
        live.active = True

    def interface_destroy(self, iface: InterfaceRef, flags: int) -> None:
        live = self._live(iface.name)
        if not live.active:
            raise OperationInvalid(f"interface '{iface.name}' is down already")
        live.active = False

    def interface_is_active(self, iface: InterfaceRef) -> int:
        return int(self._live(iface.name).active)

    def interface_change_begin(self, flags: int) -> None:
        if self.runtime.interfaces_before is not None:
            raise OperationInvalid("a change of interfaces has begun already")
        self.runtime.interfaces_before = {
            name: Live(live.definition, live.active) for name, live in self.runtime.interfaces.items()
        }

    def interface_change_commit(self, flags: int) -> None:
        if self.runtime.interfaces_before is None:
            raise OperationInvalid("no change of interfaces has begun that could be kept")
        self.runtime.interfaces_before = None

    def interface_change_rollback(self, flags: int) -> None:
        before = self.runtime.interfaces_before
        if before is None:
            raise OperationInvalid("no change of interfaces has begun that could be taken back")
        self.runtime.interfaces, self.runtime.interfaces_before = before, None


def _ref(live: Live) -> InterfaceRef:
    return InterfaceRef(live.definition.name, live.definition.mac or "")
