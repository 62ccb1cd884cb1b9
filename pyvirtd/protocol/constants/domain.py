"""Domains: what their calls take: libvirt's public enums."""

from typing import Final


class BlkioParameterType:
    """virBlkioParameterType."""

    INT: Final = 1
    UINT: Final = 2
    LLONG: Final = 3
    ULLONG: Final = 4
    DOUBLE: Final = 5
    BOOLEAN: Final = 6


class DomainAgentResponseTimeout:
    """virDomainAgentResponseTimeoutValues."""

    BLOCK: Final = -2
    DEFAULT: Final = -1
    NOWAIT: Final = 0


class DomainAuthorizedSSHKeysSetFlags:
    """virDomainAuthorizedSSHKeysSetFlags."""

    APPEND: Final = 1
    REMOVE: Final = 2


class DomainBlockCommitFlags:
    """virDomainBlockCommitFlags."""

    SHALLOW: Final = 1
    DELETE: Final = 2
    ACTIVE: Final = 4
    RELATIVE: Final = 8
    BANDWIDTH_BYTES: Final = 16


class DomainBlockCopyFlags:
    """virDomainBlockCopyFlags."""

    SHALLOW: Final = 1
    REUSE_EXT: Final = 2
    TRANSIENT_JOB: Final = 4
    SYNCHRONOUS_WRITES: Final = 8
    TARGET_ZEROED: Final = 16


class DomainBlockPullFlags:
    """virDomainBlockPullFlags."""

    BANDWIDTH_BYTES: Final = 64


class DomainBlockRebaseFlags:
    """virDomainBlockRebaseFlags."""

    SHALLOW: Final = 1
    REUSE_EXT: Final = 2
    COPY_RAW: Final = 4
    COPY: Final = 8
    RELATIVE: Final = 16
    COPY_DEV: Final = 32
    BANDWIDTH_BYTES: Final = 64


class DomainBlockResizeFlags:
    """virDomainBlockResizeFlags."""

    BYTES: Final = 1
    CAPACITY: Final = 2
    EXTEND: Final = 4


class DomainChannelFlags:
    """virDomainChannelFlags."""

    FORCE: Final = 1


class DomainConsoleFlags:
    """virDomainConsoleFlags."""

    FORCE: Final = 1
    SAFE: Final = 2


class DomainCreateFlags:
    """virDomainCreateFlags."""

    NONE: Final = 0
    START_PAUSED: Final = 1
    START_AUTODESTROY: Final = 2
    START_BYPASS_CACHE: Final = 4
    START_FORCE_BOOT: Final = 8
    START_VALIDATE: Final = 16
    START_RESET_NVRAM: Final = 32


class DomainDefineFlags:
    """virDomainDefineFlags."""

    VALIDATE: Final = 1


class DomainDestroyFlags:
    """virDomainDestroyFlagsValues."""

    DEFAULT: Final = 0
    GRACEFUL: Final = 1
    REMOVE_LOGS: Final = 2


class DomainDeviceModifyFlags:
    """virDomainDeviceModifyFlags."""

    CURRENT: Final = 0
    LIVE: Final = 1
    CONFIG: Final = 2
    FORCE: Final = 4


class DomainDiskErrorCode:
    """virDomainDiskErrorCode."""

    NONE: Final = 0
    UNSPEC: Final = 1
    NO_SPACE: Final = 2


class DomainFDAssociateFlags:
    """virDomainFDAssociateFlags."""

    RESTORE: Final = 1
    WRITABLE: Final = 2


class DomainGetHostnameFlags:
    """virDomainGetHostnameFlags."""

    LEASE: Final = 1
    AGENT: Final = 2


class DomainGraphicsReloadType:
    """virDomainGraphicsReloadType."""

    ANY: Final = 0
    VNC: Final = 1


class DomainGuestInfoTypes:
    """virDomainGuestInfoTypes."""

    USERS: Final = 1
    OS: Final = 2
    TIMEZONE: Final = 4
    HOSTNAME: Final = 8
    FILESYSTEM: Final = 16
    DISKS: Final = 32
    INTERFACES: Final = 64
    LOAD: Final = 128


class DomainInterfaceAddressesSource:
    """virDomainInterfaceAddressesSource."""

    LEASE: Final = 0
    AGENT: Final = 1
    ARP: Final = 2


class DomainMemoryFlags:
    """virDomainMemoryFlags."""

    VIRTUAL: Final = 1
    PHYSICAL: Final = 2


class DomainMemoryModFlags:
    """virDomainMemoryModFlags."""

    CURRENT: Final = 0
    LIVE: Final = 1
    CONFIG: Final = 2
    MAXIMUM: Final = 4


class DomainMemoryStatTags:
    """virDomainMemoryStatTags."""

    SWAP_IN: Final = 0
    SWAP_OUT: Final = 1
    MAJOR_FAULT: Final = 2
    MINOR_FAULT: Final = 3
    UNUSED: Final = 4
    AVAILABLE: Final = 5
    ACTUAL_BALLOON: Final = 6
    RSS: Final = 7
    USABLE: Final = 8
    LAST_UPDATE: Final = 9
    DISK_CACHES: Final = 10
    HUGETLB_PGALLOC: Final = 11
    HUGETLB_PGFAIL: Final = 12
    NR: Final = 13


class DomainMessageType:
    """virDomainMessageType."""

    DEPRECATION: Final = 1
    TAINTING: Final = 2
    IOERRORS: Final = 4


class DomainMetadataType:
    """virDomainMetadataType."""

    DESCRIPTION: Final = 0
    TITLE: Final = 1
    ELEMENT: Final = 2


class DomainModificationImpact:
    """virDomainModificationImpact."""

    CURRENT: Final = 0
    LIVE: Final = 1
    CONFIG: Final = 2


class DomainNumatuneMemMode:
    """virDomainNumatuneMemMode."""

    STRICT: Final = 0
    PREFERRED: Final = 1
    INTERLEAVE: Final = 2
    RESTRICTIVE: Final = 3


class DomainOpenGraphicsFlags:
    """virDomainOpenGraphicsFlags."""

    SKIPAUTH: Final = 1


class DomainProcessSignal:
    """virDomainProcessSignal."""

    NOP: Final = 0
    HUP: Final = 1
    INT: Final = 2
    QUIT: Final = 3
    ILL: Final = 4
    TRAP: Final = 5
    ABRT: Final = 6
    BUS: Final = 7
    FPE: Final = 8
    KILL: Final = 9
    USR1: Final = 10
    SEGV: Final = 11
    USR2: Final = 12
    PIPE: Final = 13
    ALRM: Final = 14
    TERM: Final = 15
    STKFLT: Final = 16
    CHLD: Final = 17
    CONT: Final = 18
    STOP: Final = 19
    TSTP: Final = 20
    TTIN: Final = 21
    TTOU: Final = 22
    URG: Final = 23
    XCPU: Final = 24
    XFSZ: Final = 25
    VTALRM: Final = 26
    PROF: Final = 27
    WINCH: Final = 28
    POLL: Final = 29
    PWR: Final = 30
    SYS: Final = 31
    RT0: Final = 32
    RT1: Final = 33
    RT2: Final = 34
    RT3: Final = 35
    RT4: Final = 36
    RT5: Final = 37
    RT6: Final = 38
    RT7: Final = 39
    RT8: Final = 40
    RT9: Final = 41
    RT10: Final = 42
    RT11: Final = 43
    RT12: Final = 44
    RT13: Final = 45
    RT14: Final = 46
    RT15: Final = 47
    RT16: Final = 48
    RT17: Final = 49
    RT18: Final = 50
    RT19: Final = 51
    RT20: Final = 52
    RT21: Final = 53
    RT22: Final = 54
    RT23: Final = 55
    RT24: Final = 56
    RT25: Final = 57
    RT26: Final = 58
    RT27: Final = 59
    RT28: Final = 60
    RT29: Final = 61
    RT30: Final = 62
    RT31: Final = 63
    RT32: Final = 64


class DomainQemuAgentCommandTimeout:
    """virDomainQemuAgentCommandTimeoutValues."""

    BLOCK: Final = -2
    MIN: Final = -2
    DEFAULT: Final = -1
    NOWAIT: Final = 0
    SHUTDOWN: Final = 60


class DomainQemuMonitorCommandFlags:
    """virDomainQemuMonitorCommandFlags."""

    DEFAULT: Final = 0
    HMP: Final = 1


class DomainRebootFlags:
    """virDomainRebootFlagValues."""

    DEFAULT: Final = 0
    ACPI_POWER_BTN: Final = 1
    GUEST_AGENT: Final = 2
    INITCTL: Final = 4
    SIGNAL: Final = 8
    PARAVIRT: Final = 16


class DomainSetTimeFlags:
    """virDomainSetTimeFlags."""

    SYNC: Final = 1


class DomainSetUserPasswordFlags:
    """virDomainSetUserPasswordFlags."""

    ENCRYPTED: Final = 1


class DomainSetVcpuFlags:
    """virDomainSetVcpuFlags."""

    AFFECT_CURRENT: Final = 0
    AFFECT_LIVE: Final = 1
    AFFECT_CONFIG: Final = 2
    ASYNC_UNPLUG: Final = 4


class DomainShutdownFlags:
    """virDomainShutdownFlagValues."""

    DEFAULT: Final = 0
    ACPI_POWER_BTN: Final = 1
    GUEST_AGENT: Final = 2
    INITCTL: Final = 4
    SIGNAL: Final = 8
    PARAVIRT: Final = 16


class DomainUndefineFlags:
    """virDomainUndefineFlagsValues."""

    MANAGED_SAVE: Final = 1
    SNAPSHOTS_METADATA: Final = 2
    NVRAM: Final = 4
    KEEP_NVRAM: Final = 8
    CHECKPOINTS_METADATA: Final = 16
    TPM: Final = 32
    KEEP_TPM: Final = 64


class DomainVcpuFlags:
    """virDomainVcpuFlags."""

    CURRENT: Final = 0
    LIVE: Final = 1
    CONFIG: Final = 2
    MAXIMUM: Final = 4
    GUEST: Final = 8
    HOTPLUGGABLE: Final = 16
    ASYNC_UNPLUG: Final = 32


class DomainXMLFlags:
    """virDomainXMLFlags."""

    SECURE: Final = 1
    INACTIVE: Final = 2
    UPDATE_CPU: Final = 4
    MIGRATABLE: Final = 8


class IPAddrType:
    """virIPAddrType."""

    IPV4: Final = 0
    IPV6: Final = 1


class KeycodeSet:
    """virKeycodeSet."""

    LINUX: Final = 0
    XT: Final = 1
    ATSET1: Final = 2
    ATSET2: Final = 3
    ATSET3: Final = 4
    OSX: Final = 5
    XT_KBD: Final = 6
    USB: Final = 7
    WIN32: Final = 8
    QNUM: Final = 9


class MemoryParameterType:
    """virMemoryParameterType."""

    INT: Final = 1
    UINT: Final = 2
    LLONG: Final = 3
    ULLONG: Final = 4
    DOUBLE: Final = 5
    BOOLEAN: Final = 6


class SchedParameterType:
    """virSchedParameterType."""

    INT: Final = 1
    UINT: Final = 2
    LLONG: Final = 3
    ULLONG: Final = 4
    DOUBLE: Final = 5
    BOOLEAN: Final = 6
