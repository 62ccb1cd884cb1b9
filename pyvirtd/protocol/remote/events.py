"""Events of the remote program. A class is the event's fields without the callback id."""

from __future__ import annotations

from typing import Annotated, NamedTuple

from pyvirtd.protocol.calls import event
from pyvirtd.protocol.remote.limits import (
    DOMAIN_EVENT_GRAPHICS_IDENTITY_MAX,
    DOMAIN_EVENT_TUNABLE_MAX,
    DOMAIN_JOB_STATS_MAX,
)
from pyvirtd.protocol.types import (
    I32,
    I64,
    U32,
    U64,
    DomainRef,
    Max,
    NetworkRef,
    NodeDeviceRef,
    SecretRef,
    StoragePoolRef,
    String,
    TypedParams,
)


class DomainEventGraphicsAddress(NamedTuple):
    family: I32
    node: String
    service: String


class DomainEventGraphicsIdentity(NamedTuple):
    type: String
    name: String


@event("domain", 0, number=107, callback=318)
class DomainEventLifecycle(NamedTuple):
    dom: DomainRef
    event: I32
    detail: I32


@event("domain", 1, number=169, callback=319)
class DomainEventReboot(NamedTuple):
    dom: DomainRef


@event("domain", 2, number=170, callback=320)
class DomainEventRtcChange(NamedTuple):
    dom: DomainRef
    offset: I64


@event("domain", 3, number=171, callback=321)
class DomainEventWatchdog(NamedTuple):
    dom: DomainRef
    action: I32


@event("domain", 4, number=172, callback=322)
class DomainEventIoError(NamedTuple):
    dom: DomainRef
    src_path: String
    dev_alias: String
    action: I32


@event("domain", 5, number=173, callback=323)
class DomainEventGraphics(NamedTuple):
    dom: DomainRef
    phase: I32
    local: DomainEventGraphicsAddress
    remote: DomainEventGraphicsAddress
    auth_scheme: String
    subject: Annotated[list[DomainEventGraphicsIdentity], Max(DOMAIN_EVENT_GRAPHICS_IDENTITY_MAX)]


@event("domain", 6, number=195, callback=324)
class DomainEventIoErrorReason(NamedTuple):
    dom: DomainRef
    src_path: String
    dev_alias: String
    action: I32
    reason: String


@event("domain", 7, number=224, callback=325)
class DomainEventControlError(NamedTuple):
    dom: DomainRef


@event("domain", 8, number=241, callback=326)
class DomainEventBlockJob(NamedTuple):
    dom: DomainRef
    path: String
    type: I32
    status: I32


@event("domain", 9, number=248, callback=327)
class DomainEventDiskChange(NamedTuple):
    dom: DomainRef
    old_src_path: String | None
    new_src_path: String | None
    dev_alias: String
    reason: I32


@event("domain", 10, number=268, callback=328)
class DomainEventTrayChange(NamedTuple):
    dom: DomainRef
    dev_alias: String
    reason: I32


@event("domain", 11, number=269, callback=329, extra="reason")
class DomainEventPmwakeup(NamedTuple):
    dom: DomainRef
    reason: I32 = 0


@event("domain", 12, number=270, callback=330, extra="reason")
class DomainEventPmsuspend(NamedTuple):
    dom: DomainRef
    reason: I32 = 0


@event("domain", 13, number=276, callback=331)
class DomainEventBalloonChange(NamedTuple):
    dom: DomainRef
    actual: U64


@event("domain", 14, number=292, callback=332, extra="reason")
class DomainEventPmsuspendDisk(NamedTuple):
    dom: DomainRef
    reason: I32 = 0


@event("domain", 15, number=311, callback=333)
class DomainEventDeviceRemoved(NamedTuple):
    dom: DomainRef
    dev_alias: String


@event("network", 0, callback=315)
class NetworkEventLifecycle(NamedTuple):
    net: NetworkRef
    event: I32
    detail: I32


@event("domain", 16, callback=339)
class DomainEventBlockJob2(NamedTuple):
    dom: DomainRef
    dst: String
    type: I32
    status: I32


@event("domain", 17, callback=346)
class DomainEventTunable(NamedTuple):
    dom: DomainRef
    params: Annotated[TypedParams, Max(DOMAIN_EVENT_TUNABLE_MAX)]


@event("domain", 18, callback=348)
class DomainEventAgentLifecycle(NamedTuple):
    dom: DomainRef
    state: I32
    reason: I32


@event("domain", 19, callback=354)
class DomainEventDeviceAdded(NamedTuple):
    dom: DomainRef
    dev_alias: String


@event("domain", 20, callback=359)
class DomainEventMigrationIteration(NamedTuple):
    dom: DomainRef
    iteration: I32


@event("connect", None, number=362)
class ConnectEventConnectionClosed(NamedTuple):
    reason: I32


@event("domain", 21, callback=363)
class DomainEventJobCompleted(NamedTuple):
    dom: DomainRef
    params: Annotated[TypedParams, Max(DOMAIN_JOB_STATS_MAX)]


@event("domain", 22, callback=367)
class DomainEventDeviceRemovalFailed(NamedTuple):
    dom: DomainRef
    dev_alias: String


@event("storage_pool", 0, callback=370)
class StoragePoolEventLifecycle(NamedTuple):
    pool: StoragePoolRef
    event: I32
    detail: I32


@event("storage_pool", 1, callback=373)
class StoragePoolEventRefresh(NamedTuple):
    pool: StoragePoolRef


@event("node_device", 0, callback=376)
class NodeDeviceEventLifecycle(NamedTuple):
    dev: NodeDeviceRef
    event: I32
    detail: I32


@event("node_device", 1, callback=377)
class NodeDeviceEventUpdate(NamedTuple):
    dev: NodeDeviceRef


@event("domain", 23, callback=379)
class DomainEventMetadataChange(NamedTuple):
    dom: DomainRef
    type: I32
    nsuri: String | None


@event("secret", 0, callback=382)
class SecretEventLifecycle(NamedTuple):
    secret: SecretRef
    event: I32
    detail: I32


@event("secret", 1, callback=383)
class SecretEventValueChanged(NamedTuple):
    secret: SecretRef


@event("domain", 24, callback=385)
class DomainEventBlockThreshold(NamedTuple):
    dom: DomainRef
    dev: String
    path: String | None
    threshold: U64
    excess: U64


@event("domain", 25, callback=423)
class DomainEventMemoryFailure(NamedTuple):
    dom: DomainRef
    recipient: I32
    action: I32
    flags: U32


@event("domain", 26, callback=438)
class DomainEventMemoryDeviceSizeChange(NamedTuple):
    dom: DomainRef
    alias: String
    size: U64


@event("network", 1, callback=446)
class NetworkEventMetadataChange(NamedTuple):
    net: NetworkRef
    type: I32
    nsuri: String | None


@event("domain", 27, callback=453)
class DomainEventNicMacChange(NamedTuple):
    dom: DomainRef
    alias: String
    old_mac: String
    new_mac: String


@event("domain", 28, callback=454)
class DomainEventVcpuRemoved(NamedTuple):
    dom: DomainRef
    vcpuid: U32


@event("domain", 29, callback=455)
class DomainEventChannelLifecycle(NamedTuple):
    dom: DomainRef
    channel_name: String
    state: I32
    reason: I32
