"""The admin interface: libvirt's public enums."""

from typing import Final


class DaemonShutdownFlags:
    """virAdmConnectDaemonShutdownFlags."""

    PRESERVE: Final = 1


class ClientTransport:
    """virClientTransport."""

    UNIX: Final = 0
    TCP: Final = 1
    TLS: Final = 2
