"""Secrets."""

# mypy: disable-error-code="empty-body"
from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pyvirtd.protocol.calls import Program, Reply, at_most, call, need_results, then
from pyvirtd.protocol.params import number_of
from pyvirtd.protocol.remote.limits import REMOTE, SECRET_LIST_MAX, SECRET_VALUE_MAX
from pyvirtd.protocol.types import I32, U32, Max, SecretRef, String, Uuid, plain


class SecretCalls(Program, number=REMOTE):
    """Secrets."""

    @call(
        139, acl="connect:search_secrets", filter="secret:getattr", ro=True, high=True, via="connect_list_all_secrets"
    )
    def connect_num_of_secrets(self) -> Reply[I32]:
        """virConnectNumOfSecrets."""

        return then(self.connect_list_all_secrets(0), number_of)

    @call(
        140,
        acl="connect:search_secrets",
        filter="secret:getattr",
        ro=True,
        high=True,
        asks=at_most("maxuuids"),
        via="connect_list_all_secrets",
    )
    def connect_list_secrets(self) -> Reply[Annotated[list[String], Max(SECRET_LIST_MAX)]]:
        """virConnectListSecrets."""

        return then(
            self.connect_list_all_secrets(0), lambda refs: [str(UUID(bytes=plain(ref).uuid)) for ref in plain(refs)]
        )

    @call(141, acl="secret:getattr", ro=True, high=True)
    def secret_lookup_by_uuid(self, uuid: Uuid) -> Reply[SecretRef]:
        """virSecretLookupByUUID."""

    @call(142, acl=("secret:write", "secret:save"), high=True)
    def secret_define_xml(self, xml: String, flags: U32) -> Reply[SecretRef]:
        """virSecretDefineXML."""

    @call(143, acl="secret:read", ro=True, high=True)
    def secret_get_xml_desc(self, secret: SecretRef, flags: U32) -> Reply[String]:
        """virSecretGetXMLDesc."""

    @call(144, acl="secret:write", high=True)
    def secret_set_value(
        self, secret: SecretRef, value: Annotated[bytes, Max(SECRET_VALUE_MAX)], flags: U32
    ) -> Reply[None]:
        """virSecretSetValue."""

    @call(145, acl="secret:read_secure", high=True)
    def secret_get_value(self, secret: SecretRef, flags: U32) -> Reply[Annotated[bytes, Max(SECRET_VALUE_MAX)]]:
        """virSecretGetValue."""

    @call(146, acl="secret:delete", high=True)
    def secret_undefine(self, secret: SecretRef) -> Reply[None]:
        """virSecretUndefine."""

    @call(147, acl="secret:getattr", ro=True, high=True)
    def secret_lookup_by_usage(self, usage_type: I32, usage_id: String) -> Reply[SecretRef]:
        """virSecretLookupByUsage."""

    @call(287, acl="connect:search_secrets", filter="secret:getattr", ro=True, high=True, asks=need_results())
    def connect_list_all_secrets(self, flags: U32) -> Reply[Annotated[list[SecretRef], Max(SECRET_LIST_MAX)]]:
        """virConnectListAllSecrets."""
