"""The session itself: opening and closing, authentication, features, registration for events."""

# mypy: disable-error-code="empty-body"
from __future__ import annotations

from typing import Annotated, NamedTuple

from pyvirtd.protocol.calls import Program, Reply, call
from pyvirtd.protocol.remote.limits import AUTH_SASL_DATA_MAX, AUTH_TYPE_LIST_MAX, CONNECT_IDENTITY_PARAMS_MAX, REMOTE
from pyvirtd.protocol.types import (
    I32,
    U32,
    U64,
    Chars,
    DomainRef,
    Max,
    NetworkRef,
    NodeDeviceRef,
    SecretRef,
    StoragePoolRef,
    String,
    TypedParams,
)


class AuthSaslStart(NamedTuple):
    """What auth_sasl_start answers."""

    complete: I32
    nil: I32
    data: Annotated[bytes, Chars(AUTH_SASL_DATA_MAX)]


class AuthSaslStep(NamedTuple):
    """What auth_sasl_step answers."""

    complete: I32
    nil: I32
    data: Annotated[bytes, Chars(AUTH_SASL_DATA_MAX)]


class SessionCalls(Program, number=REMOTE):
    """The session itself: opening and closing, authentication, features, registration for events."""

    @call(1, acl="connect:getattr", ro=True, high=True)
    def connect_open(self, name: String | None, flags: U32) -> Reply[None]:
        """virConnectOpen."""

    @call(2, acl="none", ro=True, high=True)
    def connect_close(self) -> Reply[None]:
        """virConnectClose."""

    @call(60, acl="connect:getattr", ro=True, high=True)
    def connect_supports_feature(self, feature: I32) -> Reply[I32]: ...

    @call(66, acl="none", ro=True, high=True, noauth=True)
    def auth_list(self) -> Reply[Annotated[list[I32], Max(AUTH_TYPE_LIST_MAX)]]: ...

    @call(67, acl="none", ro=True, high=True, noauth=True)
    def auth_sasl_init(self) -> Reply[String]: ...

    @call(68, acl="none", ro=True, high=True, noauth=True)
    def auth_sasl_start(
        self, mech: String, nil: I32, data: Annotated[bytes, Chars(AUTH_SASL_DATA_MAX)]
    ) -> Reply[AuthSaslStart]: ...

    @call(69, acl="none", ro=True, high=True, noauth=True)
    def auth_sasl_step(self, nil: I32, data: Annotated[bytes, Chars(AUTH_SASL_DATA_MAX)]) -> Reply[AuthSaslStep]: ...

    @call(70, acl="none", ro=True, high=True, noauth=True)
    def auth_polkit(self) -> Reply[I32]: ...

    @call(105, acl="connect:search_domains", filter="domain:getattr", ro=True, high=True)
    def connect_domain_event_register(self) -> Reply[I32]:
        """virConnectDomainEventRegister."""

    @call(106, acl="connect:read", ro=True, high=True)
    def connect_domain_event_deregister(self) -> Reply[I32]:
        """virConnectDomainEventDeregister."""

    @call(149, acl="none", ro=True, high=True)
    def connect_is_secure(self) -> Reply[I32]:
        """virConnectIsSecure."""

    @call(157, acl="connect:getattr", ro=True, high=True)
    def connect_get_lib_version(self) -> Reply[U64]:
        """virConnectGetLibVersion."""

    @call(167, acl="connect:search_domains", filter="domain:getattr", ro=True, high=True)
    def connect_domain_event_register_any(self, event_id: I32) -> Reply[None]:
        """virConnectDomainEventRegisterAny."""

    @call(168, acl="connect:read", ro=True, high=True)
    def connect_domain_event_deregister_any(self, event_id: I32) -> Reply[None]:
        """virConnectDomainEventDeregisterAny."""

    @call(313, acl="connect:search_networks", filter="network:getattr", ro=True, high=True)
    def connect_network_event_register_any(self, event_id: I32, net: NetworkRef | None) -> Reply[I32]:
        """virConnectNetworkEventRegisterAny."""

    @call(314, acl="connect:read", ro=True, high=True)
    def connect_network_event_deregister_any(self, callback_id: I32) -> Reply[None]:
        """virConnectNetworkEventDeregisterAny."""

    @call(316, acl="connect:search_domains", filter="domain:getattr", ro=True, high=True)
    def connect_domain_event_callback_register_any(self, event_id: I32, dom: DomainRef | None) -> Reply[I32]: ...

    @call(317, acl="connect:read", ro=True, high=True)
    def connect_domain_event_callback_deregister_any(self, callback_id: I32) -> Reply[None]: ...

    @call(360, acl="connect:getattr", ro=True, high=True)
    def connect_register_close_callback(self) -> Reply[None]:
        """virConnectRegisterCloseCallback."""

    @call(361, acl="connect:getattr", ro=True, high=True)
    def connect_unregister_close_callback(self) -> Reply[None]:
        """virConnectUnregisterCloseCallback."""

    @call(368, acl="connect:search_storage_pools", filter="storage_pool:getattr", ro=True, high=True)
    def connect_storage_pool_event_register_any(self, event_id: I32, pool: StoragePoolRef | None) -> Reply[I32]:
        """virConnectStoragePoolEventRegisterAny."""

    @call(369, acl="connect:read", ro=True, high=True)
    def connect_storage_pool_event_deregister_any(self, callback_id: I32) -> Reply[None]:
        """virConnectStoragePoolEventDeregisterAny."""

    @call(374, acl="connect:search_node_devices", filter="node_device:getattr", ro=True, high=True)
    def connect_node_device_event_register_any(self, event_id: I32, dev: NodeDeviceRef | None) -> Reply[I32]:
        """virConnectNodeDeviceEventRegisterAny."""

    @call(375, acl="connect:read", ro=True, high=True)
    def connect_node_device_event_deregister_any(self, callback_id: I32) -> Reply[None]:
        """virConnectNodeDeviceEventDeregisterAny."""

    @call(380, acl="connect:search_secrets", filter="secret:getattr", ro=True, high=True)
    def connect_secret_event_register_any(self, event_id: I32, secret: SecretRef | None) -> Reply[I32]:
        """virConnectSecretEventRegisterAny."""

    @call(381, acl="connect:read", ro=True, high=True)
    def connect_secret_event_deregister_any(self, callback_id: I32) -> Reply[None]:
        """virConnectSecretEventDeregisterAny."""

    @call(419, acl="connect:write")
    def connect_set_identity(
        self, params: Annotated[TypedParams, Max(CONNECT_IDENTITY_PARAMS_MAX)], flags: U32
    ) -> Reply[None]:
        """virConnectSetIdentity."""
