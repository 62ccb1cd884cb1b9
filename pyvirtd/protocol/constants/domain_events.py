"""Events of domains and their details: libvirt's public enums."""

from typing import Final


class ConnectDomainEventAgentLifecycleReason:
    """virConnectDomainEventAgentLifecycleReason."""

    UNKNOWN: Final = 0
    DOMAIN_STARTED: Final = 1
    CHANNEL: Final = 2


class ConnectDomainEventAgentLifecycleState:
    """virConnectDomainEventAgentLifecycleState."""

    CONNECTED: Final = 1
    DISCONNECTED: Final = 2


class ConnectDomainEventBlockJobStatus:
    """virConnectDomainEventBlockJobStatus."""

    COMPLETED: Final = 0
    FAILED: Final = 1
    CANCELED: Final = 2
    READY: Final = 3


class ConnectDomainEventChannelLifecycleReason:
    """virConnectDomainEventChannelLifecycleReason."""

    UNKNOWN: Final = 0
    DOMAIN_STARTED: Final = 1
    CHANNEL: Final = 2


class ConnectDomainEventChannelLifecycleState:
    """virConnectDomainEventChannelLifecycleState."""

    CONNECTED: Final = 1
    DISCONNECTED: Final = 2


class ConnectDomainEventDiskChangeReason:
    """virConnectDomainEventDiskChangeReason."""

    CHANGE_MISSING_ON_START: Final = 0
    DROP_MISSING_ON_START: Final = 1


class DomainEventCrashedDetailType:
    """virDomainEventCrashedDetailType."""

    PANICKED: Final = 0
    CRASHLOADED: Final = 1


class DomainEventDefinedDetailType:
    """virDomainEventDefinedDetailType."""

    ADDED: Final = 0
    UPDATED: Final = 1
    RENAMED: Final = 2
    FROM_SNAPSHOT: Final = 3


class DomainEventGraphicsAddressType:
    """virDomainEventGraphicsAddressType."""

    IPV4: Final = 0
    IPV6: Final = 1
    UNIX: Final = 2


class DomainEventGraphicsPhase:
    """virDomainEventGraphicsPhase."""

    CONNECT: Final = 0
    INITIALIZE: Final = 1
    DISCONNECT: Final = 2


class DomainEventID:
    """virDomainEventID."""

    LIFECYCLE: Final = 0
    REBOOT: Final = 1
    RTC_CHANGE: Final = 2
    WATCHDOG: Final = 3
    IO_ERROR: Final = 4
    GRAPHICS: Final = 5
    IO_ERROR_REASON: Final = 6
    CONTROL_ERROR: Final = 7
    BLOCK_JOB: Final = 8
    DISK_CHANGE: Final = 9
    TRAY_CHANGE: Final = 10
    PMWAKEUP: Final = 11
    PMSUSPEND: Final = 12
    BALLOON_CHANGE: Final = 13
    PMSUSPEND_DISK: Final = 14
    DEVICE_REMOVED: Final = 15
    BLOCK_JOB_2: Final = 16
    TUNABLE: Final = 17
    AGENT_LIFECYCLE: Final = 18
    DEVICE_ADDED: Final = 19
    MIGRATION_ITERATION: Final = 20
    JOB_COMPLETED: Final = 21
    DEVICE_REMOVAL_FAILED: Final = 22
    METADATA_CHANGE: Final = 23
    BLOCK_THRESHOLD: Final = 24
    MEMORY_FAILURE: Final = 25
    MEMORY_DEVICE_SIZE_CHANGE: Final = 26
    NIC_MAC_CHANGE: Final = 27
    VCPU_REMOVED: Final = 28
    CHANNEL_LIFECYCLE: Final = 29


class DomainEventIOErrorAction:
    """virDomainEventIOErrorAction."""

    NONE: Final = 0
    PAUSE: Final = 1
    REPORT: Final = 2


class DomainEventPMSuspendedDetailType:
    """virDomainEventPMSuspendedDetailType."""

    MEMORY: Final = 0
    DISK: Final = 1


class DomainEventResumedDetailType:
    """virDomainEventResumedDetailType."""

    UNPAUSED: Final = 0
    MIGRATED: Final = 1
    FROM_SNAPSHOT: Final = 2
    POSTCOPY: Final = 3
    POSTCOPY_FAILED: Final = 4


class DomainEventShutdownDetailType:
    """virDomainEventShutdownDetailType."""

    FINISHED: Final = 0
    GUEST: Final = 1
    HOST: Final = 2


class DomainEventStartedDetailType:
    """virDomainEventStartedDetailType."""

    BOOTED: Final = 0
    MIGRATED: Final = 1
    RESTORED: Final = 2
    FROM_SNAPSHOT: Final = 3
    WAKEUP: Final = 4
    RECREATED: Final = 5


class DomainEventStoppedDetailType:
    """virDomainEventStoppedDetailType."""

    SHUTDOWN: Final = 0
    DESTROYED: Final = 1
    CRASHED: Final = 2
    MIGRATED: Final = 3
    SAVED: Final = 4
    FAILED: Final = 5
    FROM_SNAPSHOT: Final = 6
    RECREATED: Final = 7


class DomainEventSuspendedDetailType:
    """virDomainEventSuspendedDetailType."""

    PAUSED: Final = 0
    MIGRATED: Final = 1
    IOERROR: Final = 2
    WATCHDOG: Final = 3
    RESTORED: Final = 4
    FROM_SNAPSHOT: Final = 5
    API_ERROR: Final = 6
    POSTCOPY: Final = 7
    POSTCOPY_FAILED: Final = 8
    GUEST_SHUTDOWN: Final = 9


class DomainEventTrayChangeReason:
    """virDomainEventTrayChangeReason."""

    OPEN: Final = 0
    CLOSE: Final = 1


class DomainEventType:
    """virDomainEventType."""

    DEFINED: Final = 0
    UNDEFINED: Final = 1
    STARTED: Final = 2
    SUSPENDED: Final = 3
    RESUMED: Final = 4
    STOPPED: Final = 5
    SHUTDOWN: Final = 6
    PMSUSPENDED: Final = 7
    CRASHED: Final = 8


class DomainEventUndefinedDetailType:
    """virDomainEventUndefinedDetailType."""

    REMOVED: Final = 0
    RENAMED: Final = 1


class DomainEventWatchdogAction:
    """virDomainEventWatchdogAction."""

    NONE: Final = 0
    PAUSE: Final = 1
    RESET: Final = 2
    POWEROFF: Final = 3
    SHUTDOWN: Final = 4
    DEBUG: Final = 5
    INJECTNMI: Final = 6


class DomainMemoryFailureActionType:
    """virDomainMemoryFailureActionType."""

    IGNORE: Final = 0
    INJECT: Final = 1
    FATAL: Final = 2
    RESET: Final = 3


class DomainMemoryFailureFlags:
    """virDomainMemoryFailureFlags."""

    ACTION_REQUIRED: Final = 1
    RECURSIVE: Final = 2


class DomainMemoryFailureRecipientType:
    """virDomainMemoryFailureRecipientType."""

    HYPERVISOR: Final = 0
    GUEST: Final = 1
