"""`<watchdog>`. Source: formatdomain.html, "Watchdog devices"."""

from __future__ import annotations

from typing import Literal

from pyvirtd.conf.domain.device import Device
from pyvirtd.conf.xml import at, must
from pyvirtd.errors import ConfigUnsupported

WatchdogAction = Literal["reset", "shutdown", "poweroff", "pause", "dump", "none", "inject-nmi"]


class Watchdog(Device, tag="watchdog"):
    """A watchdog timer and what happens when the guest stops feeding it."""

    model: Literal["i6300esb", "ib700", "diag288", "itco"] = must("@model", bad=ConfigUnsupported)
    action: WatchdogAction = at("@action", "reset", bad=ConfigUnsupported)
