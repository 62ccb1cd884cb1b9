"""`<nvram>` under devices: the NVRAM of a pSeries guest."""

from __future__ import annotations

from pyvirtd.conf.domain.device import Device


class NvramDevice(Device, tag="nvram"):
    """Only an address."""
