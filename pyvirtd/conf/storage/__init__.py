"""Storage pools and volumes. Source: formatstorage.html."""

from pyvirtd.conf.storage.pool import Pool
from pyvirtd.conf.storage.volume import BackingStore, Volume

__all__ = ["BackingStore", "Pool", "Volume"]
