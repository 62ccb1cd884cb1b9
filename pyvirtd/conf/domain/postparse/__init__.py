"""Filling in what a definition leaves out, as far as no hypervisor has to be asked.

A driver calls these between parsing and validation, and does its own between them::

    prepare(domain)            uuid, memory, vCPUs, I/O threads, NUMA, tuning
    ... the driver: default machine, devices that every guest of it has, models
    complete_devices(domain)   buses, ports, addresses and defaults of each device
    add_implied(domain)        a video card for a screen, consoles beside serial ports
    ... the driver: controllers, addresses, aliases
"""

from pyvirtd.conf.domain.postparse.definition import prepare

__all__ = ["prepare"]
