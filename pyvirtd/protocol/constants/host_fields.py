"""Field names of typed parameters of hosts, connections and network ports: libvirt's string macros."""

from typing import Final


class ConnectIdentityField:
    """VIR_CONNECT_IDENTITY_*."""

    GROUP_NAME: Final = "group-name"
    PROCESS_ID: Final = "process-id"
    PROCESS_TIME: Final = "process-time"
    SASL_USER_NAME: Final = "sasl-user-name"
    SELINUX_CONTEXT: Final = "selinux-context"
    UNIX_GROUP_ID: Final = "unix-group-id"
    UNIX_USER_ID: Final = "unix-user-id"
    USER_NAME: Final = "user-name"
    X509_DISTINGUISHED_NAME: Final = "x509-distinguished-name"


class NetworkPortField:
    """VIR_NETWORK_PORT_*."""

    BANDWIDTH_IN_AVERAGE: Final = "inbound.average"
    BANDWIDTH_IN_BURST: Final = "inbound.burst"
    BANDWIDTH_IN_FLOOR: Final = "inbound.floor"
    BANDWIDTH_IN_PEAK: Final = "inbound.peak"
    BANDWIDTH_OUT_AVERAGE: Final = "outbound.average"
    BANDWIDTH_OUT_BURST: Final = "outbound.burst"
    BANDWIDTH_OUT_PEAK: Final = "outbound.peak"


class NodeCpuStatsField:
    """VIR_NODE_CPU_STATS_*."""

    GUEST: Final = "guest"
    IDLE: Final = "idle"
    INTR: Final = "intr"
    IOWAIT: Final = "iowait"
    KERNEL: Final = "kernel"
    USER: Final = "user"
    UTILIZATION: Final = "utilization"


class NodeMemorySharedField:
    """VIR_NODE_MEMORY_SHARED_*."""

    FULL_SCANS: Final = "shm_full_scans"
    MERGE_ACROSS_NODES: Final = "shm_merge_across_nodes"
    PAGES_SHARED: Final = "shm_pages_shared"
    PAGES_SHARING: Final = "shm_pages_sharing"
    PAGES_TO_SCAN: Final = "shm_pages_to_scan"
    PAGES_UNSHARED: Final = "shm_pages_unshared"
    PAGES_VOLATILE: Final = "shm_pages_volatile"
    SLEEP_MILLISECS: Final = "shm_sleep_millisecs"


class NodeMemoryStatsField:
    """VIR_NODE_MEMORY_STATS_*."""

    AVAILABLE: Final = "available"
    BUFFERS: Final = "buffers"
    CACHED: Final = "cached"
    FREE: Final = "free"
    TOTAL: Final = "total"


class NodeSevField:
    """VIR_NODE_SEV_*."""

    CBITPOS: Final = "cbitpos"
    CERT_CHAIN: Final = "cert-chain"
    CPU0_ID: Final = "cpu0-id"
    MAX_ES_GUESTS: Final = "max-es-guests"
    MAX_GUESTS: Final = "max-guests"
    PDH: Final = "pdh"
    REDUCED_PHYS_BITS: Final = "reduced-phys-bits"
