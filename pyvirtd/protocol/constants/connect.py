"""Connections, what they list, streams and typed parameters: libvirt's public enums."""

from typing import Final


class CPUCompareResult:
    """virCPUCompareResult."""

    ERROR: Final = -1
    INCOMPATIBLE: Final = 0
    IDENTICAL: Final = 1
    SUPERSET: Final = 2


class ConnectBaselineCPUFlags:
    """virConnectBaselineCPUFlags."""

    EXPAND_FEATURES: Final = 1
    MIGRATABLE: Final = 2
    IGNORE_HOST: Final = 4


class ConnectCloseReason:
    """virConnectCloseReason."""

    ERROR: Final = 0
    EOF: Final = 1
    KEEPALIVE: Final = 2
    CLIENT: Final = 3


class ConnectCompareCPUFlags:
    """virConnectCompareCPUFlags."""

    FAIL_INCOMPATIBLE: Final = 1
    VALIDATE_XML: Final = 2


class ConnectCredentialType:
    """virConnectCredentialType."""

    USERNAME: Final = 1
    AUTHNAME: Final = 2
    LANGUAGE: Final = 3
    CNONCE: Final = 4
    PASSPHRASE: Final = 5
    ECHOPROMPT: Final = 6
    NOECHOPROMPT: Final = 7
    REALM: Final = 8
    EXTERNAL: Final = 9


class ConnectDomainQemuMonitorEventRegisterFlags:
    """virConnectDomainQemuMonitorEventRegisterFlags."""

    REGEX: Final = 1
    NOCASE: Final = 2


class ConnectFlags:
    """virConnectFlags."""

    RO: Final = 1
    NO_ALIASES: Final = 2


class ConnectGetAllDomainStatsFlags:
    """virConnectGetAllDomainStatsFlags."""

    ACTIVE: Final = 1
    INACTIVE: Final = 2
    PERSISTENT: Final = 4
    TRANSIENT: Final = 8
    RUNNING: Final = 16
    PAUSED: Final = 32
    SHUTOFF: Final = 64
    OTHER: Final = 128
    NOWAIT: Final = 536870912
    BACKING: Final = 1073741824
    ENFORCE_STATS: Final = 2147483648


class ConnectGetDomainCapabilitiesFlags:
    """virConnectGetDomainCapabilitiesFlags."""

    DISABLE_DEPRECATED_FEATURES: Final = 1
    EXPAND_CPU_FEATURES: Final = 2
    SUPPORTED_CPU_FEATURES: Final = 4


class ConnectListAllDomainsFlags:
    """virConnectListAllDomainsFlags."""

    ACTIVE: Final = 1
    INACTIVE: Final = 2
    PERSISTENT: Final = 4
    TRANSIENT: Final = 8
    RUNNING: Final = 16
    PAUSED: Final = 32
    SHUTOFF: Final = 64
    OTHER: Final = 128
    MANAGEDSAVE: Final = 256
    NO_MANAGEDSAVE: Final = 512
    AUTOSTART: Final = 1024
    NO_AUTOSTART: Final = 2048
    HAS_SNAPSHOT: Final = 4096
    NO_SNAPSHOT: Final = 8192
    HAS_CHECKPOINT: Final = 16384
    NO_CHECKPOINT: Final = 32768


class ConnectListAllInterfacesFlags:
    """virConnectListAllInterfacesFlags."""

    INACTIVE: Final = 1
    ACTIVE: Final = 2


class ConnectListAllNetworksFlags:
    """virConnectListAllNetworksFlags."""

    INACTIVE: Final = 1
    ACTIVE: Final = 2
    PERSISTENT: Final = 4
    TRANSIENT: Final = 8
    AUTOSTART: Final = 16
    NO_AUTOSTART: Final = 32


class ConnectListAllNodeDeviceFlags:
    """virConnectListAllNodeDeviceFlags."""

    CAP_SYSTEM: Final = 1
    CAP_PCI_DEV: Final = 2
    CAP_USB_DEV: Final = 4
    CAP_USB_INTERFACE: Final = 8
    CAP_NET: Final = 16
    CAP_SCSI_HOST: Final = 32
    CAP_SCSI_TARGET: Final = 64
    CAP_SCSI: Final = 128
    CAP_STORAGE: Final = 256
    CAP_FC_HOST: Final = 512
    CAP_VPORTS: Final = 1024
    CAP_SCSI_GENERIC: Final = 2048
    CAP_DRM: Final = 4096
    CAP_MDEV_TYPES: Final = 8192
    CAP_MDEV: Final = 16384
    CAP_CCW_DEV: Final = 32768
    CAP_CSS_DEV: Final = 65536
    CAP_VDPA: Final = 131072
    CAP_AP_CARD: Final = 262144
    CAP_AP_QUEUE: Final = 524288
    CAP_AP_MATRIX: Final = 1048576
    CAP_VPD: Final = 2097152
    CAP_CCWGROUP_DEV: Final = 4194304
    CAP_CCWGROUP_MEMBER: Final = 8388608
    PERSISTENT: Final = 268435456
    TRANSIENT: Final = 536870912
    INACTIVE: Final = 1073741824
    ACTIVE: Final = 2147483648


class ConnectListAllSecretsFlags:
    """virConnectListAllSecretsFlags."""

    EPHEMERAL: Final = 1
    NO_EPHEMERAL: Final = 2
    PRIVATE: Final = 4
    NO_PRIVATE: Final = 8


class ConnectListAllStoragePoolsFlags:
    """virConnectListAllStoragePoolsFlags."""

    INACTIVE: Final = 1
    ACTIVE: Final = 2
    PERSISTENT: Final = 4
    TRANSIENT: Final = 8
    AUTOSTART: Final = 16
    NO_AUTOSTART: Final = 32
    DIR: Final = 64
    FS: Final = 128
    NETFS: Final = 256
    LOGICAL: Final = 512
    DISK: Final = 1024
    ISCSI: Final = 2048
    SCSI: Final = 4096
    MPATH: Final = 8192
    RBD: Final = 16384
    SHEEPDOG: Final = 32768
    GLUSTER: Final = 65536
    ZFS: Final = 131072
    VSTORAGE: Final = 262144
    ISCSI_DIRECT: Final = 524288


class EventHandleType:
    """virEventHandleType."""

    READABLE: Final = 1
    WRITABLE: Final = 2
    ERROR: Final = 4
    HANGUP: Final = 8


class StreamEventType:
    """virStreamEventType."""

    READABLE: Final = 1
    WRITABLE: Final = 2
    ERROR: Final = 4
    HANGUP: Final = 8


class StreamFlags:
    """virStreamFlags."""

    NONBLOCK: Final = 1


class StreamRecvFlags:
    """virStreamRecvFlagsValues."""

    STOP_AT_HOLE: Final = 1


class TypedParameterFlags:
    """virTypedParameterFlags."""

    STRING_OKAY: Final = 4


class TypedParameterType:
    """virTypedParameterType."""

    INT: Final = 1
    UINT: Final = 2
    LLONG: Final = 3
    ULLONG: Final = 4
    DOUBLE: Final = 5
    BOOLEAN: Final = 6
    STRING: Final = 7
