"""Figures of pyvirtd beside a private copy of the real libvirtd: `make bench`."""
