"""Network filters and their bindings."""

# mypy: disable-error-code="empty-body"
from __future__ import annotations

from typing import Annotated

from pyvirtd.protocol.calls import Program, Reply, at_most, call, names, need_results, then
from pyvirtd.protocol.params import number_of
from pyvirtd.protocol.remote.limits import NWFILTER_BINDING_LIST_MAX, NWFILTER_LIST_MAX, REMOTE
from pyvirtd.protocol.types import I32, U32, Max, NWFilterBindingRef, NWFilterRef, String, Uuid


class NWFilterCalls(Program, number=REMOTE):
    """Network filters and their bindings."""

    @call(175, acl="nwfilter:getattr", ro=True, high=True)
    def nwfilter_lookup_by_name(self, name: String) -> Reply[NWFilterRef]:
        """virNWFilterLookupByName."""

    @call(176, acl="nwfilter:getattr", ro=True, high=True)
    def nwfilter_lookup_by_uuid(self, uuid: Uuid) -> Reply[NWFilterRef]:
        """virNWFilterLookupByUUID."""

    @call(177, acl="nwfilter:read", ro=True, high=True)
    def nwfilter_get_xml_desc(self, nwfilter: NWFilterRef, flags: U32) -> Reply[String]:
        """virNWFilterGetXMLDesc."""

    @call(
        178,
        acl="connect:search_nwfilters",
        filter="nwfilter:getattr",
        ro=True,
        high=True,
        via="connect_list_all_nwfilters",
    )
    def connect_num_of_nwfilters(self) -> Reply[I32]:
        """virConnectNumOfNWFilters."""

        return then(self.connect_list_all_nwfilters(0), number_of)

    @call(
        179,
        acl="connect:search_nwfilters",
        filter="nwfilter:getattr",
        ro=True,
        high=True,
        asks=at_most("maxnames"),
        via="connect_list_all_nwfilters",
    )
    def connect_list_nwfilters(self) -> Reply[Annotated[list[String], Max(NWFILTER_LIST_MAX)]]:
        """virConnectListNWFilters."""

        return then(self.connect_list_all_nwfilters(0), names)

    @call(180, acl=("nwfilter:write", "nwfilter:save"), high=True, via="nwfilter_define_xml_flags")
    def nwfilter_define_xml(self, xml: String) -> Reply[NWFilterRef]:
        """virNWFilterDefineXML."""

        return self.nwfilter_define_xml_flags(xml, 0)

    @call(181, acl="nwfilter:delete", high=True)
    def nwfilter_undefine(self, nwfilter: NWFilterRef) -> Reply[None]:
        """virNWFilterUndefine."""

    @call(286, acl="connect:search_nwfilters", filter="nwfilter:getattr", ro=True, high=True, asks=need_results())
    def connect_list_all_nwfilters(self, flags: U32) -> Reply[Annotated[list[NWFilterRef], Max(NWFILTER_LIST_MAX)]]:
        """virConnectListAllNWFilters."""

    @call(397, acl="nwfilter_binding:getattr", ro=True, high=True)
    def nwfilter_binding_lookup_by_port_dev(self, name: String) -> Reply[NWFilterBindingRef]:
        """virNWFilterBindingLookupByPortDev."""

    @call(398, acl="nwfilter_binding:read", ro=True, high=True)
    def nwfilter_binding_get_xml_desc(self, nwfilter: NWFilterBindingRef, flags: U32) -> Reply[String]:
        """virNWFilterBindingGetXMLDesc."""

    @call(399, acl="nwfilter_binding:create", high=True)
    def nwfilter_binding_create_xml(self, xml: String, flags: U32) -> Reply[NWFilterBindingRef]:
        """virNWFilterBindingCreateXML."""

    @call(400, acl="nwfilter_binding:delete", high=True)
    def nwfilter_binding_delete(self, nwfilter: NWFilterBindingRef) -> Reply[None]:
        """virNWFilterBindingDelete."""

    @call(
        401,
        acl="connect:search_nwfilter_bindings",
        filter="nwfilter_binding:getattr",
        ro=True,
        high=True,
        asks=need_results(),
    )
    def connect_list_all_nwfilter_bindings(
        self, flags: U32
    ) -> Reply[Annotated[list[NWFilterBindingRef], Max(NWFILTER_BINDING_LIST_MAX)]]:
        """virConnectListAllNWFilterBindings."""

    @call(431, acl=("nwfilter:write", "nwfilter:save"), high=True)
    def nwfilter_define_xml_flags(self, xml: String, flags: U32) -> Reply[NWFilterRef]:
        """virNWFilterDefineXMLFlags."""
