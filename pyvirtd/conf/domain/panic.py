"""`<panic>`: how a guest tells that it crashed. Source: formatdomain.html, "panic device"."""

from __future__ import annotations

from typing import Literal

from pyvirtd.conf.domain.device import Device
from pyvirtd.conf.xml import at
from pyvirtd.errors import ConfigUnsupported


class Panic(Device, tag="panic"):
    """A crash notifier."""

    model: Literal["default", "isa", "pseries", "hyperv", "s390", "pvpanic"] | None = at(
        "@model", omit="default", bad=ConfigUnsupported
    )
