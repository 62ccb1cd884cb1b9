"""Secrets: libvirt's public enums."""

from typing import Final


class SecretDefineFlags:
    """virSecretDefineFlags."""

    VALIDATE: Final = 1


class SecretEventID:
    """virSecretEventID."""

    LIFECYCLE: Final = 0
    VALUE_CHANGED: Final = 1


class SecretEventLifecycleType:
    """virSecretEventLifecycleType."""

    DEFINED: Final = 0
    UNDEFINED: Final = 1


class SecretUsageType:
    """virSecretUsageType."""

    NONE: Final = 0
    VOLUME: Final = 1
    CEPH: Final = 2
    ISCSI: Final = 3
    TLS: Final = 4
    VTPM: Final = 5
