"""Virtual networks and their ports."""

# mypy: disable-error-code="empty-body"
from __future__ import annotations

from typing import Annotated, NamedTuple

from pyvirtd.protocol.calls import Program, Reply, When, at_most, call, names, need_results, nparams, then
from pyvirtd.protocol.constants.connect import ConnectListAllNetworksFlags
from pyvirtd.protocol.constants.network import NetworkUpdateFlags
from pyvirtd.protocol.params import number_of
from pyvirtd.protocol.remote.limits import (
    NETWORK_DHCP_LEASES_MAX,
    NETWORK_LIST_MAX,
    NETWORK_PORT_LIST_MAX,
    NETWORK_PORT_PARAMETERS_MAX,
    REMOTE,
)
from pyvirtd.protocol.types import I32, I64, U32, Max, NetworkPortRef, NetworkRef, String, TypedParams, Uuid


class NetworkDhcpLease(NamedTuple):
    iface: String
    expirytime: I64
    type: I32
    mac: String | None
    iaid: String | None
    ipaddr: String
    prefix: U32
    hostname: String | None
    clientid: String | None


class NetworkCalls(Program, number=REMOTE):
    """Virtual networks and their ports."""

    @call(
        36,
        acl="connect:search_networks",
        filter="network:getattr",
        ro=True,
        high=True,
        asks=at_most("maxnames"),
        via="connect_list_all_networks",
    )
    def connect_list_defined_networks(self) -> Reply[Annotated[list[String], Max(NETWORK_LIST_MAX)]]:
        """virConnectListDefinedNetworks."""

        return then(self.connect_list_all_networks(ConnectListAllNetworksFlags.INACTIVE), names)

    @call(
        38,
        acl="connect:search_networks",
        filter="network:getattr",
        ro=True,
        high=True,
        asks=at_most("maxnames"),
        via="connect_list_all_networks",
    )
    def connect_list_networks(self) -> Reply[Annotated[list[String], Max(NETWORK_LIST_MAX)]]:
        """virConnectListNetworks."""

        return then(self.connect_list_all_networks(ConnectListAllNetworksFlags.ACTIVE), names)

    @call(39, acl="network:start")
    def network_create(self, net: NetworkRef) -> Reply[None]:
        """virNetworkCreate."""

    @call(40, acl=("network:write", "network:start"), via="network_create_xml_flags")
    def network_create_xml(self, xml: String) -> Reply[NetworkRef]:
        """virNetworkCreateXML."""

        return self.network_create_xml_flags(xml, 0)

    @call(41, acl=("network:write", "network:save"), high=True, via="network_define_xml_flags")
    def network_define_xml(self, xml: String) -> Reply[NetworkRef]:
        """virNetworkDefineXML."""

        return self.network_define_xml_flags(xml, 0)

    @call(42, acl="network:stop", high=True)
    def network_destroy(self, net: NetworkRef) -> Reply[None]:
        """virNetworkDestroy."""

    @call(43, acl="network:read", ro=True, high=True)
    def network_get_xml_desc(self, net: NetworkRef, flags: U32) -> Reply[String]:
        """virNetworkGetXMLDesc."""

    @call(44, acl="network:read", ro=True, high=True)
    def network_get_autostart(self, net: NetworkRef) -> Reply[I32]:
        """virNetworkGetAutostart."""

    @call(45, acl="network:read", ro=True, high=True)
    def network_get_bridge_name(self, net: NetworkRef) -> Reply[String]:
        """virNetworkGetBridgeName."""

    @call(46, acl="network:getattr", ro=True, high=True)
    def network_lookup_by_name(self, name: String) -> Reply[NetworkRef]:
        """virNetworkLookupByName."""

    @call(47, acl="network:getattr", ro=True, high=True)
    def network_lookup_by_uuid(self, uuid: Uuid) -> Reply[NetworkRef]:
        """virNetworkLookupByUUID."""

    @call(48, acl="network:write", high=True)
    def network_set_autostart(self, net: NetworkRef, autostart: I32) -> Reply[None]:
        """virNetworkSetAutostart."""

    @call(49, acl="network:delete", high=True)
    def network_undefine(self, net: NetworkRef) -> Reply[None]:
        """virNetworkUndefine."""

    @call(
        50, acl="connect:search_networks", filter="network:getattr", ro=True, high=True, via="connect_list_all_networks"
    )
    def connect_num_of_defined_networks(self) -> Reply[I32]:
        """virConnectNumOfDefinedNetworks."""

        return then(self.connect_list_all_networks(ConnectListAllNetworksFlags.INACTIVE), number_of)

    @call(
        52, acl="connect:search_networks", filter="network:getattr", ro=True, high=True, via="connect_list_all_networks"
    )
    def connect_num_of_networks(self) -> Reply[I32]:
        """virConnectNumOfNetworks."""

        return then(self.connect_list_all_networks(ConnectListAllNetworksFlags.ACTIVE), number_of)

    @call(152, acl="network:read", ro=True, high=True)
    def network_is_active(self, net: NetworkRef) -> Reply[I32]:
        """virNetworkIsActive."""

    @call(153, acl="network:read", ro=True, high=True)
    def network_is_persistent(self, net: NetworkRef) -> Reply[I32]:
        """virNetworkIsPersistent."""

    @call(283, acl="connect:search_networks", filter="network:getattr", ro=True, high=True, asks=need_results())
    def connect_list_all_networks(self, flags: U32) -> Reply[Annotated[list[NetworkRef], Max(NETWORK_LIST_MAX)]]:
        """virConnectListAllNetworks."""

    @call(
        291,
        acl=(
            "network:write",
            When("network:save", without=NetworkUpdateFlags.CONFIG | NetworkUpdateFlags.LIVE),
            When("network:save", flags=NetworkUpdateFlags.CONFIG),
        ),
        high=True,
    )
    def network_update(
        self, net: NetworkRef, command: U32, section: U32, parent_index: I32, xml: String, flags: U32
    ) -> Reply[None]:
        """virNetworkUpdate."""

    @call(341, acl="network:read", ro=True, asks=need_results())
    def network_get_dhcp_leases(
        self, net: NetworkRef, mac: String | None, flags: U32
    ) -> Reply[Annotated[list[NetworkDhcpLease], Max(NETWORK_DHCP_LEASES_MAX)]]:
        """virNetworkGetDHCPLeases."""

    @call(404, acl="network:search_ports", filter="network_port:getattr", ro=True, high=True, asks=need_results())
    def network_list_all_ports(
        self, network: NetworkRef, flags: U32
    ) -> Reply[Annotated[list[NetworkPortRef], Max(NETWORK_PORT_LIST_MAX)]]:
        """virNetworkListAllPorts."""

    @call(405, acl="network_port:getattr", ro=True, high=True)
    def network_port_lookup_by_uuid(self, network: NetworkRef, uuid: Uuid) -> Reply[NetworkPortRef]:
        """virNetworkPortLookupByUUID."""

    @call(406, acl="network_port:create")
    def network_port_create_xml(self, network: NetworkRef, xml: String, flags: U32) -> Reply[NetworkPortRef]:
        """virNetworkPortCreateXML."""

    @call(407, acl="network_port:read", ro=True, asks=nparams())
    def network_port_get_parameters(
        self, port: NetworkPortRef, flags: U32
    ) -> Reply[Annotated[TypedParams, Max(NETWORK_PORT_PARAMETERS_MAX)]]:
        """virNetworkPortGetParameters."""

    @call(408, acl="network_port:write")
    def network_port_set_parameters(
        self, port: NetworkPortRef, params: Annotated[TypedParams, Max(NETWORK_PORT_PARAMETERS_MAX)], flags: U32
    ) -> Reply[None]:
        """virNetworkPortSetParameters."""

    @call(409, acl="network_port:read", ro=True)
    def network_port_get_xml_desc(self, port: NetworkPortRef, flags: U32) -> Reply[String]:
        """virNetworkPortGetXMLDesc."""

    @call(410, acl="network_port:delete")
    def network_port_delete(self, port: NetworkPortRef, flags: U32) -> Reply[None]:
        """virNetworkPortDelete."""

    @call(432, acl=("network:write", "network:save"), high=True)
    def network_define_xml_flags(self, xml: String, flags: U32) -> Reply[NetworkRef]:
        """virNetworkDefineXMLFlags."""

    @call(437, acl=("network:write", "network:start"), high=True)
    def network_create_xml_flags(self, xml: String, flags: U32) -> Reply[NetworkRef]:
        """virNetworkCreateXMLFlags."""

    @call(
        444,
        acl=(
            "network:write",
            When("network:save", without=NetworkUpdateFlags.CONFIG | NetworkUpdateFlags.LIVE),
            When("network:save", flags=NetworkUpdateFlags.CONFIG),
        ),
    )
    def network_set_metadata(
        self,
        network: NetworkRef,
        type: I32,
        metadata: String | None,
        key: String | None,
        uri: String | None,
        flags: U32,
    ) -> Reply[None]:
        """virNetworkSetMetadata."""

    @call(445, acl="network:read", ro=True)
    def network_get_metadata(self, network: NetworkRef, type: I32, uri: String | None, flags: U32) -> Reply[String]:
        """virNetworkGetMetadata."""
