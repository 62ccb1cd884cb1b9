"""Storage pools and volumes. Source: formatstorage.html."""

from pyvirtd.conf.storage.pool import Pool, format_pool, parse_pool
from pyvirtd.conf.storage.postparse import complete_pool, complete_volume, place_volume
from pyvirtd.conf.storage.validate import check_backend, check_pool, check_volume
from pyvirtd.conf.storage.volume import BackingStore, Volume, format_volume, parse_volume

__all__ = [
    "BackingStore", "Pool", "Volume", "check_backend", "check_pool", "check_volume", "complete_pool", "complete_volume",
    "format_pool", "format_volume", "parse_pool", "parse_volume", "place_volume",
]  # fmt: skip
