"""Host interfaces: libvirt's public enums."""

from typing import Final


class InterfaceDefineFlags:
    """virInterfaceDefineFlags."""

    VALIDATE: Final = 1


class InterfaceXMLFlags:
    """virInterfaceXMLFlags."""

    INACTIVE: Final = 1
