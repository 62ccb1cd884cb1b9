"""`<vsock>`: sockets between host and guest. Source: formatdomain.html, "Vsock"."""

from __future__ import annotations

from pyvirtd.conf.domain.device import AFTER, Device
from pyvirtd.conf.domain.virtio import VirtioDriver, VirtioModel
from pyvirtd.conf.xml import at, child
from pyvirtd.conf.xml.types import UInt, YesNo


class Vsock(Device, tag="vsock"):
    """The guest's context id `cid`, or `auto`: the driver chooses at start."""

    model: VirtioModel | None = at("@model")
    auto: YesNo | None = at("cid/@auto")
    cid: UInt | None = at("cid/@address", omit=0)
    driver: VirtioDriver | None = child(empty=False, tail=AFTER)
