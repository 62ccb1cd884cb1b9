"""`<shmem>`: memory shared between guests. Source: formatdomain.html, "Shared memory device"."""

from __future__ import annotations

from typing import Literal

from pyvirtd.conf.domain.device import Device
from pyvirtd.conf.xml import at, flag, must
from pyvirtd.conf.xml import size as scaled
from pyvirtd.conf.xml.types import OnOff, UInt


class Shmem(Device, tag="shmem"):
    """A piece of memory by name. `size` is in MiB; with a `server`, guests get it and interrupts from there."""

    name: str = must("@name")
    role: Literal["master", "peer", "default"] | None = at("@role", omit="default")
    model: Literal["ivshmem", "ivshmem-plain", "ivshmem-doorbell"] = at("model/@type", "ivshmem")
    size: int | None = scaled("size", unit="M", floor=True)
    server: bool = flag("server")
    server_path: str | None = at("server/@path")
    msi: bool = flag("msi")
    msi_vectors: UInt | None = at("msi/@vectors", omit=0)
    msi_ioeventfd: OnOff | None = at("msi/@ioeventfd")
