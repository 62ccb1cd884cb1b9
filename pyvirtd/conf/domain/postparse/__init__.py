"""Filling in what a definition leaves out, as far as no hypervisor has to be asked.

A driver calls these between parsing and validation, and does its own between them::

    prepare(domain)            uuid, memory, vCPUs, I/O threads, NUMA, tuning
    arrange_devices(domain)    disks and controllers in libvirt's order, controllers with an index
    ... the driver: default machine, devices that every guest of it has, models
    complete_devices(domain)   buses, ports, addresses and defaults of each device
    add_implied(domain)        a video card for a screen, consoles beside serial ports, controllers for addresses
    ... the driver: its models for what was added, PCI and USB addresses, aliases

`complete_device(domain, device)` does one device, for those that are attached.
"""

from pyvirtd.conf.domain.postparse.definition import prepare
from pyvirtd.conf.domain.postparse.devices import add_implied, arrange_devices, complete_device, complete_devices

__all__ = ["add_implied", "arrange_devices", "complete_device", "complete_devices", "prepare"]
