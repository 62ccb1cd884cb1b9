"""`<crypto>`: virtio crypto devices. Source: formatdomain.html, "Crypto"."""

from __future__ import annotations

from typing import Literal

from pyvirtd.conf.domain.device import Device
from pyvirtd.conf.domain.virtio import VirtioDriver
from pyvirtd.conf.xml import at, child, must
from pyvirtd.conf.xml.types import UInt


class Crypto(Device, tag="crypto"):
    """A crypto accelerator."""

    model: Literal["virtio"] = must("@model")
    type: Literal["qemu"] = must("@type")
    backend: Literal["builtin", "lkcf"] = must("backend/@model")
    queues: UInt | None = at("backend/@queues", omit=0)
    driver: VirtioDriver | None = child(empty=False)
