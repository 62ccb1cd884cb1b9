"""`<pstore>`: where a crashing guest leaves its last words. Source: formatdomain.html, "Pstore"."""

from __future__ import annotations

from typing import Literal

from pyvirtd.conf.domain.device import Device
from pyvirtd.conf.xml import at, must
from pyvirtd.conf.xml import size as scaled


class Pstore(Device, tag="pstore"):
    """A persistent store; `size` is in KiB."""

    backend: Literal["acpi-erst"] = must("@backend")
    path: str | None = at("path")
    size: int | None = scaled("size")
