"""`<seclabel>` on a device's source: a security label of its own, or none."""

from __future__ import annotations

from pyvirtd.conf.xml import Dump, Element, at
from pyvirtd.conf.xml.types import YesNo


class DeviceSeclabel(Element, tag="seclabel"):
    """Overrides the domain's label of one security model for one source."""

    model: str | None = at("@model")
    labelskip: YesNo | None = at("@labelskip", live=True)
    relabel: YesNo | None = at("@relabel")
    label: str | None = at("label")

    def printed(self, flags: int) -> bool:
        """Only if it says something."""
        return self.relabel is not None or self.label is not None or not flags & Dump.INACTIVE
