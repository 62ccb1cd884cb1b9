"""Jobs, migration, save images, snapshots, checkpoints and statistics of domains: libvirt's public enums."""

from typing import Final


class DomainAbortJobFlags:
    """virDomainAbortJobFlagsValues."""

    POSTCOPY: Final = 1


class DomainBackupBeginFlags:
    """virDomainBackupBeginFlags."""

    REUSE_EXTERNAL: Final = 1
    PRESERVE_SHUTDOWN_DOMAIN: Final = 2


class DomainBlockJobAbortFlags:
    """virDomainBlockJobAbortFlags."""

    ASYNC: Final = 1
    PIVOT: Final = 2


class DomainBlockJobInfoFlags:
    """virDomainBlockJobInfoFlags."""

    BANDWIDTH_BYTES: Final = 1


class DomainBlockJobSetSpeedFlags:
    """virDomainBlockJobSetSpeedFlags."""

    BANDWIDTH_BYTES: Final = 1


class DomainBlockJobType:
    """virDomainBlockJobType."""

    UNKNOWN: Final = 0
    PULL: Final = 1
    COPY: Final = 2
    COMMIT: Final = 3
    ACTIVE_COMMIT: Final = 4
    BACKUP: Final = 5


class DomainCheckpointCreateFlags:
    """virDomainCheckpointCreateFlags."""

    REDEFINE: Final = 1
    QUIESCE: Final = 2
    REDEFINE_VALIDATE: Final = 4


class DomainCheckpointDeleteFlags:
    """virDomainCheckpointDeleteFlags."""

    CHILDREN: Final = 1
    METADATA_ONLY: Final = 2
    CHILDREN_ONLY: Final = 4


class DomainCheckpointListFlags:
    """virDomainCheckpointListFlags."""

    DESCENDANTS: Final = 1
    ROOTS: Final = 1
    TOPOLOGICAL: Final = 2
    LEAVES: Final = 4
    NO_LEAVES: Final = 8


class DomainCheckpointXMLFlags:
    """virDomainCheckpointXMLFlags."""

    SECURE: Final = 1
    NO_DOMAIN: Final = 2
    SIZE: Final = 4


class DomainCoreDumpFlags:
    """virDomainCoreDumpFlags."""

    CRASH: Final = 1
    LIVE: Final = 2
    BYPASS_CACHE: Final = 4
    RESET: Final = 8
    MEMORY_ONLY: Final = 16


class DomainCoreDumpFormat:
    """virDomainCoreDumpFormat."""

    RAW: Final = 0
    KDUMP_ZLIB: Final = 1
    KDUMP_LZO: Final = 2
    KDUMP_SNAPPY: Final = 3
    WIN_DMP: Final = 4


class DomainDirtyRateCalcFlags:
    """virDomainDirtyRateCalcFlags."""

    PAGE_SAMPLING: Final = 0
    DIRTY_BITMAP: Final = 1
    DIRTY_RING: Final = 2


class DomainDirtyRateStatus:
    """virDomainDirtyRateStatus."""

    UNSTARTED: Final = 0
    MEASURING: Final = 1
    MEASURED: Final = 2


class DomainGetJobStatsFlags:
    """virDomainGetJobStatsFlags."""

    COMPLETED: Final = 1
    KEEP_COMPLETED: Final = 2


class DomainJobOperation:
    """virDomainJobOperation."""

    UNKNOWN: Final = 0
    START: Final = 1
    SAVE: Final = 2
    RESTORE: Final = 3
    MIGRATION_IN: Final = 4
    MIGRATION_OUT: Final = 5
    SNAPSHOT: Final = 6
    SNAPSHOT_REVERT: Final = 7
    DUMP: Final = 8
    BACKUP: Final = 9
    SNAPSHOT_DELETE: Final = 10


class DomainJobType:
    """virDomainJobType."""

    NONE: Final = 0
    BOUNDED: Final = 1
    UNBOUNDED: Final = 2
    COMPLETED: Final = 3
    FAILED: Final = 4
    CANCELLED: Final = 5


class DomainMigrateFlags:
    """virDomainMigrateFlags."""

    LIVE: Final = 1
    PEER2PEER: Final = 2
    TUNNELLED: Final = 4
    PERSIST_DEST: Final = 8
    UNDEFINE_SOURCE: Final = 16
    PAUSED: Final = 32
    NON_SHARED_DISK: Final = 64
    NON_SHARED_INC: Final = 128
    CHANGE_PROTECTION: Final = 256
    UNSAFE: Final = 512
    OFFLINE: Final = 1024
    COMPRESSED: Final = 2048
    ABORT_ON_ERROR: Final = 4096
    AUTO_CONVERGE: Final = 8192
    RDMA_PIN_ALL: Final = 16384
    POSTCOPY: Final = 32768
    TLS: Final = 65536
    PARALLEL: Final = 131072
    NON_SHARED_SYNCHRONOUS_WRITES: Final = 262144
    POSTCOPY_RESUME: Final = 524288
    ZEROCOPY: Final = 1048576


class DomainMigrateMaxSpeedFlags:
    """virDomainMigrateMaxSpeedFlags."""

    POSTCOPY: Final = 1


class DomainSaveImageXMLFlags:
    """virDomainSaveImageXMLFlags."""

    SECURE: Final = 1


class DomainSaveRestoreFlags:
    """virDomainSaveRestoreFlags."""

    BYPASS_CACHE: Final = 1
    RUNNING: Final = 2
    PAUSED: Final = 4
    RESET_NVRAM: Final = 8


class DomainSnapshotCreateFlags:
    """virDomainSnapshotCreateFlags."""

    REDEFINE: Final = 1
    CURRENT: Final = 2
    NO_METADATA: Final = 4
    HALT: Final = 8
    DISK_ONLY: Final = 16
    REUSE_EXT: Final = 32
    QUIESCE: Final = 64
    ATOMIC: Final = 128
    LIVE: Final = 256
    VALIDATE: Final = 512


class DomainSnapshotDeleteFlags:
    """virDomainSnapshotDeleteFlags."""

    CHILDREN: Final = 1
    METADATA_ONLY: Final = 2
    CHILDREN_ONLY: Final = 4


class DomainSnapshotListFlags:
    """virDomainSnapshotListFlags."""

    DESCENDANTS: Final = 1
    ROOTS: Final = 1
    METADATA: Final = 2
    LEAVES: Final = 4
    NO_LEAVES: Final = 8
    NO_METADATA: Final = 16
    INACTIVE: Final = 32
    ACTIVE: Final = 64
    DISK_ONLY: Final = 128
    INTERNAL: Final = 256
    EXTERNAL: Final = 512
    TOPOLOGICAL: Final = 1024


class DomainSnapshotRevertFlags:
    """virDomainSnapshotRevertFlags."""

    RUNNING: Final = 1
    PAUSED: Final = 2
    FORCE: Final = 4
    RESET_NVRAM: Final = 8


class DomainSnapshotXMLFlags:
    """virDomainSnapshotXMLFlags."""

    SECURE: Final = 1


class DomainStatsTypes:
    """virDomainStatsTypes."""

    STATE: Final = 1
    CPU_TOTAL: Final = 2
    BALLOON: Final = 4
    VCPU: Final = 8
    INTERFACE: Final = 16
    BLOCK: Final = 32
    PERF: Final = 64
    IOTHREAD: Final = 128
    MEMORY: Final = 256
    DIRTYRATE: Final = 512
    VM: Final = 1024
