"""The <devices> of a domain: every kind in libvirt's print order."""

from __future__ import annotations

from pyvirtd.conf.xml import Element, at


class Devices(Element, tag="devices"):
    """Typed lists, one per kind of device."""

    emulator: str | None = at("emulator")
