"""Host sockets into the guest: a descriptor of /dev/vhost-vsock, with the guest's address set on it.

Source: the kernel's include/uapi/linux/vhost.h, VHOST_VSOCK_SET_GUEST_CID = _IOW(0xAF, 0x60, __u64).
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import struct
from typing import TYPE_CHECKING, Final

from pyvirtd.errors import ConfigUnsupported, OperationFailed

if TYPE_CHECKING:
    from pyvirtd.conf.domain.domain import DomainDef
    from pyvirtd.drivers.qemu.command import LaunchContext

DEVICE: Final = "/dev/vhost-vsock"
SET_CID: Final = 0x4008AF60
FIRST: Final = 3
"""Addresses below belong to the hypervisor and the host."""
_TRIES: Final = 1 << 12


def open_vsocks(live: DomainDef, context: LaunchContext, closing: contextlib.ExitStack) -> None:
    """Open one for each device; an automatic address is the first that no other guest has, noted in `live`."""
    found: dict[str, int] = {}
    for vsock in live.devices.vsocks:
        try:
            fd = os.open(DEVICE, os.O_RDWR | os.O_CLOEXEC)
        except OSError as error:
            raise ConfigUnsupported(f"vsock: cannot open {DEVICE}: {error.strerror}") from error
        closing.callback(os.close, fd)
        automatic = bool(vsock.auto)
        for cid in range(FIRST, FIRST + _TRIES) if automatic else (vsock.cid or FIRST,):
            try:
                fcntl.ioctl(fd, SET_CID, struct.pack("=Q", cid))
            except OSError as error:
                if automatic and error.errno == errno.EADDRINUSE:
                    continue
                raise OperationFailed(f"vsock: the guest cannot have the address {cid}: {error.strerror}") from error
            vsock.cid = cid
            break
        else:
            raise OperationFailed("vsock: every address that was tried belongs to another guest")
        found[vsock.alias or ""] = fd
    context.vsock_fds = found
