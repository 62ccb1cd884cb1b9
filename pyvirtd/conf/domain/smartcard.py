"""`<smartcard>`. Source: formatdomain.html, "Smartcard devices"."""

from __future__ import annotations

from typing import Literal

from pyvirtd.conf.domain.chardev import Backend
from pyvirtd.conf.domain.device import Device
from pyvirtd.conf.xml import at, inline, must, texts


class SmartCard(Device, tag="smartcard"):
    """host: the host's reader; host-certificates: three of the host's `certificates`; passthrough: over `backend`."""

    mode: Literal["host", "host-certificates", "passthrough"] = must("@mode")
    backend: Backend = inline(Backend)
    certificates: list[str] = texts("certificate")
    database: str | None = at("database")
