"""`<hub>`: USB hubs."""

from __future__ import annotations

from typing import Literal

from pyvirtd.conf.domain.device import Device
from pyvirtd.conf.xml import must


class Hub(Device, tag="hub"):
    """A hub."""

    type: Literal["usb"] = must("@type")
