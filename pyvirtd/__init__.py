"""pyvirtd: a drop-in replacement for libvirtd in pure Python."""

__version__ = "0.1.0"
