"""Node devices."""

# mypy: disable-error-code="empty-body"
from __future__ import annotations

from typing import Annotated

from pyvirtd.protocol.calls import Program, Reply, When, at_most, call, need_results
from pyvirtd.protocol.constants.nodedev import NodeDeviceUpdateFlags
from pyvirtd.protocol.remote.limits import NODE_DEVICE_CAPS_LIST_MAX, NODE_DEVICE_LIST_MAX, REMOTE
from pyvirtd.protocol.types import I32, U32, Max, NodeDeviceRef, String


class NodeDeviceCalls(Program, number=REMOTE):
    """Node devices."""

    @call(111, acl="connect:search_node_devices", filter="node_device:getattr", ro=True, high=True)
    def node_num_of_devices(self, cap: String | None, flags: U32) -> Reply[I32]:
        """virNodeNumOfDevices."""

    @call(
        112,
        acl="connect:search_node_devices",
        filter="node_device:getattr",
        ro=True,
        high=True,
        asks=at_most("maxnames"),
    )
    def node_list_devices(
        self, cap: String | None, flags: U32
    ) -> Reply[Annotated[list[String], Max(NODE_DEVICE_LIST_MAX)]]:
        """virNodeListDevices."""

    @call(113, acl="node_device:getattr", ro=True, high=True)
    def node_device_lookup_by_name(self, name: String) -> Reply[NodeDeviceRef]:
        """virNodeDeviceLookupByName."""

    @call(114, acl="node_device:read", ro=True)
    def node_device_get_xml_desc(self, name: String, flags: U32) -> Reply[String]:
        """virNodeDeviceGetXMLDesc."""

    @call(115, acl="node_device:read", ro=True, high=True)
    def node_device_get_parent(self, name: String) -> Reply[String | None]:
        """virNodeDeviceGetParent."""

    @call(116, acl="node_device:read", ro=True, high=True)
    def node_device_num_of_caps(self, name: String) -> Reply[I32]:
        """virNodeDeviceNumOfCaps."""

    @call(117, acl="node_device:read", ro=True, high=True, asks=at_most("maxnames"))
    def node_device_list_caps(self, name: String) -> Reply[Annotated[list[String], Max(NODE_DEVICE_CAPS_LIST_MAX)]]:
        """virNodeDeviceListCaps."""

    @call(118, acl="node_device:detach", via="node_device_detach_flags")
    def node_device_dettach(self, name: String) -> Reply[None]:
        """virNodeDeviceDettach."""

        return self.node_device_detach_flags(name, None, 0)

    @call(119, acl="node_device:detach")
    def node_device_re_attach(self, name: String) -> Reply[None]:
        """virNodeDeviceReAttach."""

    @call(120, acl="node_device:detach")
    def node_device_reset(self, name: String) -> Reply[None]:
        """virNodeDeviceReset."""

    @call(123, acl=("node_device:write", "node_device:start"))
    def node_device_create_xml(self, xml_desc: String, flags: U32) -> Reply[NodeDeviceRef]:
        """virNodeDeviceCreateXML."""

    @call(124, acl="node_device:stop", high=True)
    def node_device_destroy(self, name: String) -> Reply[None]:
        """virNodeDeviceDestroy."""

    @call(285, acl="connect:search_node_devices", filter="node_device:getattr", ro=True, high=True, asks=need_results())
    def connect_list_all_node_devices(
        self, flags: U32
    ) -> Reply[Annotated[list[NodeDeviceRef], Max(NODE_DEVICE_LIST_MAX)]]:
        """virConnectListAllNodeDevices."""

    @call(297, acl="node_device:getattr", ro=True, high=True)
    def node_device_lookup_scsi_host_by_wwn(self, wwnn: String, wwpn: String, flags: U32) -> Reply[NodeDeviceRef]:
        """virNodeDeviceLookupSCSIHostByWWN."""

    @call(301, acl="node_device:detach")
    def node_device_detach_flags(self, name: String, driver_name: String | None, flags: U32) -> Reply[None]:
        """virNodeDeviceDetachFlags."""

    @call(428, acl="node_device:write")
    def node_device_define_xml(self, xml_desc: String, flags: U32) -> Reply[NodeDeviceRef]:
        """virNodeDeviceDefineXML."""

    @call(429, acl="node_device:delete", high=True)
    def node_device_undefine(self, name: String, flags: U32) -> Reply[None]:
        """virNodeDeviceUndefine."""

    @call(430, acl="node_device:start", high=True)
    def node_device_create(self, name: String, flags: U32) -> Reply[None]:
        """virNodeDeviceCreate."""

    @call(433, acl="node_device:read", high=True)
    def node_device_get_autostart(self, name: String) -> Reply[I32]:
        """virNodeDeviceGetAutostart."""

    @call(434, acl="node_device:write", high=True)
    def node_device_set_autostart(self, name: String, autostart: I32) -> Reply[None]:
        """virNodeDeviceSetAutostart."""

    @call(435, acl="node_device:read", ro=True, high=True)
    def node_device_is_persistent(self, name: String) -> Reply[I32]:
        """virNodeDeviceIsPersistent."""

    @call(436, acl="node_device:read", ro=True, high=True)
    def node_device_is_active(self, name: String) -> Reply[I32]:
        """virNodeDeviceIsActive."""

    @call(
        447,
        acl=(
            "node_device:write",
            When("node_device:save", without=NodeDeviceUpdateFlags.CONFIG | NodeDeviceUpdateFlags.LIVE),
            When("node_device:save", flags=NodeDeviceUpdateFlags.CONFIG),
        ),
        high=True,
    )
    def node_device_update(self, name: String, xml_desc: String, flags: U32) -> Reply[None]:
        """virNodeDeviceUpdate."""
