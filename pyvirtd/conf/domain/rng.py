"""`<rng>`: random numbers for the guest. Source: formatdomain.html, "Random number generator device"."""

from __future__ import annotations

from typing import Literal

from pyvirtd.conf.domain.chardev import Backend
from pyvirtd.conf.domain.device import Device
from pyvirtd.conf.domain.virtio import VirtioDriver, VirtioModel
from pyvirtd.conf.xml import Element, at, child, inline, must, text
from pyvirtd.conf.xml.types import UInt


class RngBackend(Element, tag="backend"):
    """random: `path`; egd: `chardev`; builtin: nothing more."""

    model: Literal["random", "egd", "builtin"] = must("@model")
    path: str | None = text()
    chardev: Backend = inline(Backend)

    def parsed(self, flags: int) -> None:
        """What does not belong to the model is not kept."""
        if self.model != "random":
            self.path = None
        elif self.path is not None:
            self.path = self.path.strip() or None
        if self.model != "egd":
            self.chardev = Backend()


class Rng(Device, tag="rng"):
    """At most `rate_bytes` in each `rate_period` milliseconds."""

    model: VirtioModel = must("@model")
    rate_bytes: UInt | None = at("rate/@bytes", omit=0)
    rate_period: UInt | None = at("rate/@period", omit=0)
    backend: RngBackend = child(RngBackend, required=True)
    driver: VirtioDriver | None = child(empty=False)
