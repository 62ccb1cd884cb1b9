"""Filling in what a definition leaves out, as far as no hypervisor has to be asked.

A driver calls these between parsing and validation, and does its own between them::

    prepare(domain)            uuid, memory, vCPUs, I/O threads, NUMA, tuning, labels, boot
    ... the driver: default machine, devices that every guest of it has
    complete_devices(domain)   buses, order, port numbers, MAC addresses
    ... the driver: models and targets of each device
    add_implied(domain)        consoles and serial ports, a card for a screen, places of drives
    ... the driver: controllers, addresses, aliases
"""

from pyvirtd.conf.domain.postparse.definition import prepare
from pyvirtd.conf.domain.postparse.devices import add_implied, complete_devices

__all__ = ["add_implied", "complete_devices", "prepare"]
