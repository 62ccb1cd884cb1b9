"""Node devices: libvirt's public enums."""

from typing import Final


class NodeDeviceCreateXMLFlags:
    """virNodeDeviceCreateXMLFlags."""

    VALIDATE: Final = 1


class NodeDeviceDefineXMLFlags:
    """virNodeDeviceDefineXMLFlags."""

    VALIDATE: Final = 1


class NodeDeviceEventID:
    """virNodeDeviceEventID."""

    LIFECYCLE: Final = 0
    UPDATE: Final = 1


class NodeDeviceEventLifecycleType:
    """virNodeDeviceEventLifecycleType."""

    CREATED: Final = 0
    DELETED: Final = 1
    DEFINED: Final = 2
    UNDEFINED: Final = 3


class NodeDeviceUpdateFlags:
    """virNodeDeviceUpdateFlags."""

    CURRENT: Final = 0
    LIVE: Final = 1
    CONFIG: Final = 2


class NodeDeviceXMLFlags:
    """virNodeDeviceXMLFlags."""

    INACTIVE: Final = 1
