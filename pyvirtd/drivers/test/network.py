"""Networks that connect nobody."""

from __future__ import annotations

from typing import Final

from pyvirtd.conf.network import NetworkDef, check_network, complete_network, format_network, parse_network
from pyvirtd.drivers.test.objects import Entry
from pyvirtd.drivers.test.world import World
from pyvirtd.errors import InternalError, OperationInvalid
from pyvirtd.protocol.calls import supports
from pyvirtd.protocol.constants.network import NetworkEventLifecycleType as Event
from pyvirtd.protocol.remote.events import NetworkEventLifecycle
from pyvirtd.protocol.remote.network import NetworkCalls as Calls
from pyvirtd.protocol.remote.network import NetworkDhcpLease
from pyvirtd.protocol.types import NetworkPortRef, NetworkRef

_VALIDATE: Final = 1
_LIST: Final = 0x3F
_INACTIVE_XML: Final = 1


class NetworkCalls(Calls):
    """See the module."""

    runtime: World

    def _network(self, net: NetworkRef) -> Entry[NetworkDef]:
        return self.runtime.networks.by_uuid(net.uuid)

    def _tell_network(self, entry: Entry[NetworkDef], event: int) -> None:
        self.runtime.emit(NetworkEventLifecycle(_ref(entry), event, 0))

    @supports(_LIST)
    def connect_list_all_networks(self, flags: int) -> list[NetworkRef]:
        return [_ref(entry) for entry in self.runtime.networks.select(flags)]

    def network_lookup_by_name(self, name: str) -> NetworkRef:
        return _ref(self.runtime.networks.by_name(name))

    def network_lookup_by_uuid(self, uuid: bytes) -> NetworkRef:
        return _ref(self.runtime.networks.by_uuid(uuid))

    @supports(_VALIDATE)
    def network_define_xml_flags(self, xml: str, flags: int) -> NetworkRef:
        definition = network_of(xml, check_schema=bool(flags & _VALIDATE))
        entry = self.runtime.networks.take_in(definition)
        entry.definition, entry.persistent = definition, True
        self._tell_network(entry, Event.DEFINED)
        return _ref(entry)

    @supports(_VALIDATE)
    def network_create_xml_flags(self, xml: str, flags: int) -> NetworkRef:
        definition = network_of(xml, check_schema=bool(flags & _VALIDATE))
        entry = self.runtime.networks.take_in(definition)
        entry.must_be_inactive()
        entry.definition, entry.active = definition, True
        self._tell_network(entry, Event.STARTED)
        return _ref(entry)

    def network_create(self, net: NetworkRef) -> None:
        entry = self._network(net)
        entry.must_be_inactive()
        entry.active = True
        self._tell_network(entry, Event.STARTED)

    def network_destroy(self, net: NetworkRef) -> None:
        entry = self._network(net)
        # As in libvirt's test driver, one that is off may be turned off again.
        entry.active = False
        if not entry.persistent:
            self.runtime.networks.remove(entry)
        self._tell_network(entry, Event.STOPPED)

    def network_undefine(self, net: NetworkRef) -> None:
        entry = self._network(net)
        entry.must_be_inactive()
        self.runtime.networks.remove(entry)
        self._tell_network(entry, Event.UNDEFINED)

    @supports(_INACTIVE_XML)
    def network_get_xml_desc(self, net: NetworkRef, flags: int) -> str:
        return format_network(self._network(net).definition)

    def network_get_bridge_name(self, net: NetworkRef) -> str:
        entry = self._network(net)
        bridge = entry.definition.bridge
        if bridge is None or bridge.name is None:
            raise InternalError(f"{entry} has no bridge with a name")
        return bridge.name

    def network_is_active(self, net: NetworkRef) -> int:
        return int(self._network(net).active)

    def network_is_persistent(self, net: NetworkRef) -> int:
        return int(self._network(net).persistent)

    def network_get_autostart(self, net: NetworkRef) -> int:
        return int(self._network(net).autostart)

    def network_set_autostart(self, net: NetworkRef, autostart: int) -> None:
        entry = self._network(net)
        if not entry.persistent:
            raise OperationInvalid(f"{entry} is transient: only a defined one starts by itself")
        entry.autostart = bool(autostart)

    def network_get_dhcp_leases(self, net: NetworkRef, mac: str | None, flags: int) -> list[NetworkDhcpLease]:
        self._network(net).must_be_active()
        return []

    def network_list_all_ports(self, network: NetworkRef, flags: int) -> list[NetworkPortRef]:
        self._network(network)
        return []


def network_of(xml: str, *, check_schema: bool = False) -> NetworkDef:
    """What a document means. Raises XMLError and what else parsing and checking raise."""
    definition = parse_network(xml, validate=check_schema)
    given = definition.mac
    complete_network(definition)
    # No bridge is ever made, so it needs no address of its own.
    definition.mac = given
    check_network(definition)
    return definition


def _ref(entry: Entry[NetworkDef]) -> NetworkRef:
    return NetworkRef(entry.name, entry.uuid)
