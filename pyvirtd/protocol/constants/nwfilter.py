"""Network filters: libvirt's public enums."""

from typing import Final


class NWFilterBindingCreateFlags:
    """virNWFilterBindingCreateFlags."""

    VALIDATE: Final = 1


class NWFilterDefineFlags:
    """virNWFilterDefineFlags."""

    VALIDATE: Final = 1
