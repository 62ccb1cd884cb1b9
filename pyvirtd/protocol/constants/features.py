"""What a driver can be asked about by connect_supports_feature."""

from typing import Final


class DriverFeature:
    """VIR_DRV_FEATURE_*."""

    MIGRATION_V1: Final = 1
    REMOTE: Final = 2
    MIGRATION_V2: Final = 3
    MIGRATION_P2P: Final = 4
    MIGRATION_DIRECT: Final = 5
    MIGRATION_V3: Final = 6
    MIGRATE_CHANGE_PROTECTION: Final = 7
    FD_PASSING: Final = 8
    TYPED_PARAM_STRING: Final = 9
    PROGRAM_KEEPALIVE: Final = 10
    XML_MIGRATABLE: Final = 11
    MIGRATION_OFFLINE: Final = 12
    MIGRATION_PARAMS: Final = 13
    REMOTE_EVENT_CALLBACK: Final = 14
    REMOTE_CLOSE_CALLBACK: Final = 15
    NETWORK_UPDATE_HAS_CORRECT_ORDER: Final = 16
