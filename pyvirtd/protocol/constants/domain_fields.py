"""Field names of domains' typed parameters: libvirt's string macros."""

from typing import Final


class DomainAnnounceInterfaceField:
    """VIR_DOMAIN_ANNOUNCE_INTERFACE_*."""

    INITIAL: Final = "initial"
    MAX: Final = "max"
    ROUNDS: Final = "rounds"
    STEP: Final = "step"


class DomainBandwidthField:
    """VIR_DOMAIN_BANDWIDTH_*."""

    IN_AVERAGE: Final = "inbound.average"
    IN_BURST: Final = "inbound.burst"
    IN_FLOOR: Final = "inbound.floor"
    IN_PEAK: Final = "inbound.peak"
    OUT_AVERAGE: Final = "outbound.average"
    OUT_BURST: Final = "outbound.burst"
    OUT_PEAK: Final = "outbound.peak"


class DomainBlkioField:
    """VIR_DOMAIN_BLKIO_*."""

    DEVICE_READ_BPS: Final = "device_read_bytes_sec"
    DEVICE_READ_IOPS: Final = "device_read_iops_sec"
    DEVICE_WEIGHT: Final = "device_weight"
    DEVICE_WRITE_BPS: Final = "device_write_bytes_sec"
    DEVICE_WRITE_IOPS: Final = "device_write_iops_sec"
    WEIGHT: Final = "weight"


class DomainBlockCopyField:
    """VIR_DOMAIN_BLOCK_COPY_*."""

    BANDWIDTH: Final = "bandwidth"
    BUF_SIZE: Final = "buf-size"
    GRANULARITY: Final = "granularity"


class DomainBlockIotuneField:
    """VIR_DOMAIN_BLOCK_IOTUNE_*."""

    GROUP_NAME: Final = "group_name"
    READ_BYTES_SEC: Final = "read_bytes_sec"
    READ_BYTES_SEC_MAX: Final = "read_bytes_sec_max"
    READ_BYTES_SEC_MAX_LENGTH: Final = "read_bytes_sec_max_length"
    READ_IOPS_SEC: Final = "read_iops_sec"
    READ_IOPS_SEC_MAX: Final = "read_iops_sec_max"
    READ_IOPS_SEC_MAX_LENGTH: Final = "read_iops_sec_max_length"
    SIZE_IOPS_SEC: Final = "size_iops_sec"
    TOTAL_BYTES_SEC: Final = "total_bytes_sec"
    TOTAL_BYTES_SEC_MAX: Final = "total_bytes_sec_max"
    TOTAL_BYTES_SEC_MAX_LENGTH: Final = "total_bytes_sec_max_length"
    TOTAL_IOPS_SEC: Final = "total_iops_sec"
    TOTAL_IOPS_SEC_MAX: Final = "total_iops_sec_max"
    TOTAL_IOPS_SEC_MAX_LENGTH: Final = "total_iops_sec_max_length"
    WRITE_BYTES_SEC: Final = "write_bytes_sec"
    WRITE_BYTES_SEC_MAX: Final = "write_bytes_sec_max"
    WRITE_BYTES_SEC_MAX_LENGTH: Final = "write_bytes_sec_max_length"
    WRITE_IOPS_SEC: Final = "write_iops_sec"
    WRITE_IOPS_SEC_MAX: Final = "write_iops_sec_max"
    WRITE_IOPS_SEC_MAX_LENGTH: Final = "write_iops_sec_max_length"


class DomainBlockStatsField:
    """VIR_DOMAIN_BLOCK_STATS_*."""

    ERRS: Final = "errs"
    FLUSH_REQ: Final = "flush_operations"
    FLUSH_TOTAL_TIMES: Final = "flush_total_times"
    READ_BYTES: Final = "rd_bytes"
    READ_REQ: Final = "rd_operations"
    READ_TOTAL_TIMES: Final = "rd_total_times"
    WRITE_BYTES: Final = "wr_bytes"
    WRITE_REQ: Final = "wr_operations"
    WRITE_TOTAL_TIMES: Final = "wr_total_times"


class DomainCpuStatsField:
    """VIR_DOMAIN_CPU_STATS_*."""

    CPUTIME: Final = "cpu_time"
    SYSTEMTIME: Final = "system_time"
    USERTIME: Final = "user_time"
    VCPUTIME: Final = "vcpu_time"


class DomainGuestInfoField:
    """VIR_DOMAIN_GUEST_INFO_*."""

    DISK_COUNT: Final = "disk.count"
    DISK_PREFIX: Final = "disk."
    DISK_SUFFIX_ALIAS: Final = ".alias"
    DISK_SUFFIX_DEPENDENCY_COUNT: Final = ".dependency.count"
    DISK_SUFFIX_DEPENDENCY_PREFIX: Final = ".dependency."
    DISK_SUFFIX_DEPENDENCY_SUFFIX_NAME: Final = ".name"
    DISK_SUFFIX_GUEST_ALIAS: Final = ".guest_alias"
    DISK_SUFFIX_GUEST_BUS: Final = ".guest_bus"
    DISK_SUFFIX_NAME: Final = ".name"
    DISK_SUFFIX_PARTITION: Final = ".partition"
    DISK_SUFFIX_SERIAL: Final = ".serial"
    FS_COUNT: Final = "fs.count"
    FS_PREFIX: Final = "fs."
    FS_SUFFIX_DISK_COUNT: Final = ".disk.count"
    FS_SUFFIX_DISK_PREFIX: Final = ".disk."
    FS_SUFFIX_DISK_SUFFIX_ALIAS: Final = ".alias"
    FS_SUFFIX_DISK_SUFFIX_DEVICE: Final = ".device"
    FS_SUFFIX_DISK_SUFFIX_SERIAL: Final = ".serial"
    FS_SUFFIX_FSTYPE: Final = ".fstype"
    FS_SUFFIX_MOUNTPOINT: Final = ".mountpoint"
    FS_SUFFIX_NAME: Final = ".name"
    FS_SUFFIX_TOTAL_BYTES: Final = ".total-bytes"
    FS_SUFFIX_USED_BYTES: Final = ".used-bytes"
    HOSTNAME_HOSTNAME: Final = "hostname"
    IF_COUNT: Final = "if.count"
    IF_PREFIX: Final = "if."
    IF_SUFFIX_ADDR_COUNT: Final = ".addr.count"
    IF_SUFFIX_ADDR_PREFIX: Final = ".addr."
    IF_SUFFIX_ADDR_SUFFIX_ADDR: Final = ".addr"
    IF_SUFFIX_ADDR_SUFFIX_PREFIX: Final = ".prefix"
    IF_SUFFIX_ADDR_SUFFIX_TYPE: Final = ".type"
    IF_SUFFIX_HWADDR: Final = ".hwaddr"
    IF_SUFFIX_NAME: Final = ".name"
    LOAD_15M: Final = "load.15m"
    LOAD_1M: Final = "load.1m"
    LOAD_5M: Final = "load.5m"
    OS_ID: Final = "os.id"
    OS_KERNEL_RELEASE: Final = "os.kernel-release"
    OS_KERNEL_VERSION: Final = "os.kernel-version"
    OS_MACHINE: Final = "os.machine"
    OS_NAME: Final = "os.name"
    OS_PRETTY_NAME: Final = "os.pretty-name"
    OS_VARIANT: Final = "os.variant"
    OS_VARIANT_ID: Final = "os.variant-id"
    OS_VERSION: Final = "os.version"
    OS_VERSION_ID: Final = "os.version-id"
    TIMEZONE_NAME: Final = "timezone.name"
    TIMEZONE_OFFSET: Final = "timezone.offset"
    USER_COUNT: Final = "user.count"
    USER_PREFIX: Final = "user."
    USER_SUFFIX_DOMAIN: Final = ".domain"
    USER_SUFFIX_LOGIN_TIME: Final = ".login-time"
    USER_SUFFIX_NAME: Final = ".name"


class DomainIothreadField:
    """VIR_DOMAIN_IOTHREAD_*."""

    POLL_GROW: Final = "poll_grow"
    POLL_MAX_NS: Final = "poll_max_ns"
    POLL_SHRINK: Final = "poll_shrink"
    THREAD_POOL_MAX: Final = "thread_pool_max"
    THREAD_POOL_MIN: Final = "thread_pool_min"


class DomainJobField:
    """VIR_DOMAIN_JOB_*."""

    AUTO_CONVERGE_THROTTLE: Final = "auto_converge_throttle"
    COMPRESSION_BYTES: Final = "compression_bytes"
    COMPRESSION_CACHE: Final = "compression_cache"
    COMPRESSION_CACHE_MISSES: Final = "compression_cache_misses"
    COMPRESSION_OVERFLOW: Final = "compression_overflow"
    COMPRESSION_PAGES: Final = "compression_pages"
    DATA_PROCESSED: Final = "data_processed"
    DATA_REMAINING: Final = "data_remaining"
    DATA_TOTAL: Final = "data_total"
    DISK_BPS: Final = "disk_bps"
    DISK_PROCESSED: Final = "disk_processed"
    DISK_REMAINING: Final = "disk_remaining"
    DISK_TEMP_TOTAL: Final = "disk_temp_total"
    DISK_TEMP_USED: Final = "disk_temp_used"
    DISK_TOTAL: Final = "disk_total"
    DOWNTIME: Final = "downtime"
    DOWNTIME_NET: Final = "downtime_net"
    ERRMSG: Final = "errmsg"
    MEMORY_BPS: Final = "memory_bps"
    MEMORY_CONSTANT: Final = "memory_constant"
    MEMORY_DIRTY_RATE: Final = "memory_dirty_rate"
    MEMORY_ITERATION: Final = "memory_iteration"
    MEMORY_NORMAL: Final = "memory_normal"
    MEMORY_NORMAL_BYTES: Final = "memory_normal_bytes"
    MEMORY_PAGE_SIZE: Final = "memory_page_size"
    MEMORY_POSTCOPY_REQS: Final = "memory_postcopy_requests"
    MEMORY_PROCESSED: Final = "memory_processed"
    MEMORY_REMAINING: Final = "memory_remaining"
    MEMORY_TOTAL: Final = "memory_total"
    OPERATION: Final = "operation"
    SETUP_TIME: Final = "setup_time"
    SUCCESS: Final = "success"
    TIME_ELAPSED: Final = "time_elapsed"
    TIME_ELAPSED_NET: Final = "time_elapsed_net"
    TIME_REMAINING: Final = "time_remaining"
    VFIO_DATA_TRANSFERRED: Final = "vfio_data_transferred"


class DomainLaunchSecurityField:
    """VIR_DOMAIN_LAUNCH_SECURITY_*."""

    SEV_API_MAJOR: Final = "sev-api-major"
    SEV_API_MINOR: Final = "sev-api-minor"
    SEV_BUILD_ID: Final = "sev-build-id"
    SEV_MEASUREMENT: Final = "sev-measurement"
    SEV_POLICY: Final = "sev-policy"
    SEV_SECRET: Final = "sev-secret"
    SEV_SECRET_HEADER: Final = "sev-secret-header"
    SEV_SECRET_SET_ADDRESS: Final = "sev-secret-set-address"
    SEV_SNP_POLICY: Final = "sev-snp-policy"


class DomainMemoryField:
    """VIR_DOMAIN_MEMORY_*."""

    HARD_LIMIT: Final = "hard_limit"
    MIN_GUARANTEE: Final = "min_guarantee"
    SOFT_LIMIT: Final = "soft_limit"
    SWAP_HARD_LIMIT: Final = "swap_hard_limit"


class DomainNumaField:
    """VIR_DOMAIN_NUMA_*."""

    MODE: Final = "numa_mode"
    NODESET: Final = "numa_nodeset"


class DomainSaveParam:
    """VIR_DOMAIN_SAVE_PARAM_*."""

    DXML: Final = "dxml"
    FILE: Final = "file"
    IMAGE_FORMAT: Final = "image_format"
    IMAGE_FORMAT_BZIP2: Final = "bzip2"
    IMAGE_FORMAT_GZIP: Final = "gzip"
    IMAGE_FORMAT_LZOP: Final = "lzop"
    IMAGE_FORMAT_RAW: Final = "raw"
    IMAGE_FORMAT_SPARSE: Final = "sparse"
    IMAGE_FORMAT_XZ: Final = "xz"
    IMAGE_FORMAT_ZSTD: Final = "zstd"
    PARALLEL_CHANNELS: Final = "parallel.channels"


class DomainSchedulerField:
    """VIR_DOMAIN_SCHEDULER_*."""

    CAP: Final = "cap"
    CPU_SHARES: Final = "cpu_shares"
    EMULATOR_PERIOD: Final = "emulator_period"
    EMULATOR_QUOTA: Final = "emulator_quota"
    GLOBAL_PERIOD: Final = "global_period"
    GLOBAL_QUOTA: Final = "global_quota"
    IOTHREAD_PERIOD: Final = "iothread_period"
    IOTHREAD_QUOTA: Final = "iothread_quota"
    LIMIT: Final = "limit"
    RESERVATION: Final = "reservation"
    SHARES: Final = "shares"
    VCPU_PERIOD: Final = "vcpu_period"
    VCPU_QUOTA: Final = "vcpu_quota"
    WEIGHT: Final = "weight"


class DomainTunableField:
    """VIR_DOMAIN_TUNABLE_*."""

    BLKDEV_DISK: Final = "blkdeviotune.disk"
    BLKDEV_GROUP_NAME: Final = "blkdeviotune.group_name"
    BLKDEV_READ_BYTES_SEC: Final = "blkdeviotune.read_bytes_sec"
    BLKDEV_READ_BYTES_SEC_MAX: Final = "blkdeviotune.read_bytes_sec_max"
    BLKDEV_READ_BYTES_SEC_MAX_LENGTH: Final = "blkdeviotune.read_bytes_sec_max_length"
    BLKDEV_READ_IOPS_SEC: Final = "blkdeviotune.read_iops_sec"
    BLKDEV_READ_IOPS_SEC_MAX: Final = "blkdeviotune.read_iops_sec_max"
    BLKDEV_READ_IOPS_SEC_MAX_LENGTH: Final = "blkdeviotune.read_iops_sec_max_length"
    BLKDEV_SIZE_IOPS_SEC: Final = "blkdeviotune.size_iops_sec"
    BLKDEV_TOTAL_BYTES_SEC: Final = "blkdeviotune.total_bytes_sec"
    BLKDEV_TOTAL_BYTES_SEC_MAX: Final = "blkdeviotune.total_bytes_sec_max"
    BLKDEV_TOTAL_BYTES_SEC_MAX_LENGTH: Final = "blkdeviotune.total_bytes_sec_max_length"
    BLKDEV_TOTAL_IOPS_SEC: Final = "blkdeviotune.total_iops_sec"
    BLKDEV_TOTAL_IOPS_SEC_MAX: Final = "blkdeviotune.total_iops_sec_max"
    BLKDEV_TOTAL_IOPS_SEC_MAX_LENGTH: Final = "blkdeviotune.total_iops_sec_max_length"
    BLKDEV_WRITE_BYTES_SEC: Final = "blkdeviotune.write_bytes_sec"
    BLKDEV_WRITE_BYTES_SEC_MAX: Final = "blkdeviotune.write_bytes_sec_max"
    BLKDEV_WRITE_BYTES_SEC_MAX_LENGTH: Final = "blkdeviotune.write_bytes_sec_max_length"
    BLKDEV_WRITE_IOPS_SEC: Final = "blkdeviotune.write_iops_sec"
    BLKDEV_WRITE_IOPS_SEC_MAX: Final = "blkdeviotune.write_iops_sec_max"
    BLKDEV_WRITE_IOPS_SEC_MAX_LENGTH: Final = "blkdeviotune.write_iops_sec_max_length"
    CPU_CPU_SHARES: Final = "cputune.cpu_shares"
    CPU_EMULATORPIN: Final = "cputune.emulatorpin"
    CPU_EMULATOR_PERIOD: Final = "cputune.emulator_period"
    CPU_EMULATOR_QUOTA: Final = "cputune.emulator_quota"
    CPU_GLOBAL_PERIOD: Final = "cputune.global_period"
    CPU_GLOBAL_QUOTA: Final = "cputune.global_quota"
    CPU_IOTHREADSPIN: Final = "cputune.iothreadpin%u"
    CPU_IOTHREAD_PERIOD: Final = "cputune.iothread_period"
    CPU_IOTHREAD_QUOTA: Final = "cputune.iothread_quota"
    CPU_VCPUPIN: Final = "cputune.vcpupin%u"
    CPU_VCPU_PERIOD: Final = "cputune.vcpu_period"
    CPU_VCPU_QUOTA: Final = "cputune.vcpu_quota"


class MigrateParam:
    """VIR_MIGRATE_PARAM_*."""

    AUTO_CONVERGE_INCREMENT: Final = "auto_converge.increment"
    AUTO_CONVERGE_INITIAL: Final = "auto_converge.initial"
    BANDWIDTH: Final = "bandwidth"
    BANDWIDTH_AVAIL_SWITCHOVER: Final = "bandwidth.avail.switchover"
    BANDWIDTH_POSTCOPY: Final = "bandwidth.postcopy"
    COMPRESSION: Final = "compression"
    COMPRESSION_MT_DTHREADS: Final = "compression.mt.dthreads"
    COMPRESSION_MT_LEVEL: Final = "compression.mt.level"
    COMPRESSION_MT_THREADS: Final = "compression.mt.threads"
    COMPRESSION_XBZRLE_CACHE: Final = "compression.xbzrle.cache"
    COMPRESSION_ZLIB_LEVEL: Final = "compression.zlib.level"
    COMPRESSION_ZSTD_LEVEL: Final = "compression.zstd.level"
    DEST_NAME: Final = "destination_name"
    DEST_XML: Final = "destination_xml"
    DISKS_PORT: Final = "disks_port"
    DISKS_URI: Final = "disks_uri"
    GRAPHICS_URI: Final = "graphics_uri"
    LISTEN_ADDRESS: Final = "listen_address"
    MIGRATE_DISKS: Final = "migrate_disks"
    MIGRATE_DISKS_DETECT_ZEROES: Final = "migrate_disks_detect_zeroes"
    MIGRATE_DISKS_TARGET_ZERO: Final = "migrate_disks_target_zero"
    PARALLEL_CONNECTIONS: Final = "parallel.connections"
    PERSIST_XML: Final = "persistent_xml"
    TLS_DESTINATION: Final = "tls.destination"
    URI: Final = "migrate_uri"


class PerfParam:
    """VIR_PERF_PARAM_*."""

    ALIGNMENT_FAULTS: Final = "alignment_faults"
    BRANCH_INSTRUCTIONS: Final = "branch_instructions"
    BRANCH_MISSES: Final = "branch_misses"
    BUS_CYCLES: Final = "bus_cycles"
    CACHE_MISSES: Final = "cache_misses"
    CACHE_REFERENCES: Final = "cache_references"
    CMT: Final = "cmt"
    CONTEXT_SWITCHES: Final = "context_switches"
    CPU_CLOCK: Final = "cpu_clock"
    CPU_CYCLES: Final = "cpu_cycles"
    CPU_MIGRATIONS: Final = "cpu_migrations"
    EMULATION_FAULTS: Final = "emulation_faults"
    INSTRUCTIONS: Final = "instructions"
    MBML: Final = "mbml"
    MBMT: Final = "mbmt"
    PAGE_FAULTS: Final = "page_faults"
    PAGE_FAULTS_MAJ: Final = "page_faults_maj"
    PAGE_FAULTS_MIN: Final = "page_faults_min"
    REF_CPU_CYCLES: Final = "ref_cpu_cycles"
    STALLED_CYCLES_BACKEND: Final = "stalled_cycles_backend"
    STALLED_CYCLES_FRONTEND: Final = "stalled_cycles_frontend"
    TASK_CLOCK: Final = "task_clock"
