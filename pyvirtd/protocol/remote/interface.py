"""Host interfaces."""

# mypy: disable-error-code="empty-body"
from __future__ import annotations

from typing import Annotated

from pyvirtd.protocol.calls import Program, Reply, at_most, call, names, need_results, then
from pyvirtd.protocol.constants.connect import ConnectListAllInterfacesFlags
from pyvirtd.protocol.params import number_of
from pyvirtd.protocol.remote.limits import INTERFACE_LIST_MAX, REMOTE
from pyvirtd.protocol.types import I32, U32, InterfaceRef, Max, String


class InterfaceCalls(Program, number=REMOTE):
    """Host interfaces."""

    @call(
        126,
        acl="connect:search_interfaces",
        filter="interface:getattr",
        ro=True,
        high=True,
        via="connect_list_all_interfaces",
    )
    def connect_num_of_interfaces(self) -> Reply[I32]:
        """virConnectNumOfInterfaces."""

        return then(self.connect_list_all_interfaces(ConnectListAllInterfacesFlags.ACTIVE), number_of)

    @call(
        127,
        acl="connect:search_interfaces",
        filter="interface:getattr",
        ro=True,
        high=True,
        asks=at_most("maxnames"),
        via="connect_list_all_interfaces",
    )
    def connect_list_interfaces(self) -> Reply[Annotated[list[String], Max(INTERFACE_LIST_MAX)]]:
        """virConnectListInterfaces."""

        return then(self.connect_list_all_interfaces(ConnectListAllInterfacesFlags.ACTIVE), names)

    @call(128, acl="interface:getattr", ro=True, high=True)
    def interface_lookup_by_name(self, name: String) -> Reply[InterfaceRef]:
        """virInterfaceLookupByName."""

    @call(129, acl="interface:getattr", ro=True, high=True)
    def interface_lookup_by_mac_string(self, mac: String) -> Reply[InterfaceRef]:
        """virInterfaceLookupByMACString."""

    @call(130, acl="interface:read", ro=True)
    def interface_get_xml_desc(self, iface: InterfaceRef, flags: U32) -> Reply[String]:
        """virInterfaceGetXMLDesc."""

    @call(131, acl=("interface:write", "interface:save"), high=True)
    def interface_define_xml(self, xml: String, flags: U32) -> Reply[InterfaceRef]:
        """virInterfaceDefineXML."""

    @call(132, acl="interface:delete", high=True)
    def interface_undefine(self, iface: InterfaceRef) -> Reply[None]:
        """virInterfaceUndefine."""

    @call(133, acl="interface:start")
    def interface_create(self, iface: InterfaceRef, flags: U32) -> Reply[None]:
        """virInterfaceCreate."""

    @call(134, acl="interface:stop", high=True)
    def interface_destroy(self, iface: InterfaceRef, flags: U32) -> Reply[None]:
        """virInterfaceDestroy."""

    @call(
        137,
        acl="connect:search_interfaces",
        filter="interface:getattr",
        ro=True,
        high=True,
        via="connect_list_all_interfaces",
    )
    def connect_num_of_defined_interfaces(self) -> Reply[I32]:
        """virConnectNumOfDefinedInterfaces."""

        return then(self.connect_list_all_interfaces(ConnectListAllInterfacesFlags.INACTIVE), number_of)

    @call(
        138,
        acl="connect:search_interfaces",
        filter="interface:getattr",
        ro=True,
        high=True,
        asks=at_most("maxnames"),
        via="connect_list_all_interfaces",
    )
    def connect_list_defined_interfaces(self) -> Reply[Annotated[list[String], Max(INTERFACE_LIST_MAX)]]:
        """virConnectListDefinedInterfaces."""

        return then(self.connect_list_all_interfaces(ConnectListAllInterfacesFlags.INACTIVE), names)

    @call(156, acl="interface:read", ro=True, high=True)
    def interface_is_active(self, iface: InterfaceRef) -> Reply[I32]:
        """virInterfaceIsActive."""

    @call(220, acl="connect:interface_transaction")
    def interface_change_begin(self, flags: U32) -> Reply[None]:
        """virInterfaceChangeBegin."""

    @call(221, acl="connect:interface_transaction")
    def interface_change_commit(self, flags: U32) -> Reply[None]:
        """virInterfaceChangeCommit."""

    @call(222, acl="connect:interface_transaction")
    def interface_change_rollback(self, flags: U32) -> Reply[None]:
        """virInterfaceChangeRollback."""

    @call(284, acl="connect:search_interfaces", filter="interface:getattr", ro=True, high=True, asks=need_results())
    def connect_list_all_interfaces(self, flags: U32) -> Reply[Annotated[list[InterfaceRef], Max(INTERFACE_LIST_MAX)]]:
        """virConnectListAllInterfaces."""
