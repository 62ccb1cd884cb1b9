"""`<memballoon>`. Source: formatdomain.html, "Memory balloon device"."""

from __future__ import annotations

from typing import Literal

from pyvirtd.conf.domain.device import AFTER, Device
from pyvirtd.conf.domain.virtio import VirtioDriver
from pyvirtd.conf.xml import at, child, must
from pyvirtd.conf.xml.types import OnOff, UInt


class MemBalloon(Device, tag="memballoon"):
    """The memory balloon. `period` is the seconds between statistics, 0 or None for none."""

    model: Literal["virtio", "virtio-transitional", "virtio-non-transitional", "xen", "none"] = must("@model")
    autodeflate: OnOff | None = at("@autodeflate")
    free_page_reporting: OnOff | None = at("@freePageReporting")
    period: UInt | None = at("stats/@period", omit=0)
    driver: VirtioDriver | None = child(empty=False, tail=AFTER)
