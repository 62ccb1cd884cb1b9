"""A device as a client sent it: read and filled in, before it joins a definition."""

from __future__ import annotations

from typing import Any

from pyvirtd.conf.domain.controller import Controller
from pyvirtd.conf.domain.devices import parse_device
from pyvirtd.conf.domain.domain import DomainDef
from pyvirtd.conf.domain.postparse import complete_device
from pyvirtd.conf.domain.shmem import Shmem
from pyvirtd.conf.domain.video import Video
from pyvirtd.conf.xml import Dump, Element
from pyvirtd.core.devices.match import list_name, list_of
from pyvirtd.drivers.qemu.capabilities import QemuCapabilities
from pyvirtd.drivers.qemu.postparse.defaults import settle_device_models
from pyvirtd.drivers.qemu.postparse.paths import drop_generated_paths


def word_of(device: Element) -> str:
    """What the device is called, for messages."""
    return str(device.TAG)


def read_device(xml: str, definition: DomainDef, caps: QemuCapabilities, *, live: bool = False) -> Element:
    """The device of a document, with what it leaves out filled in as that definition suggests.

    `live`: keep what only running guests have. Raises XMLDetail, XMLError, ConfigUnsupported.
    """
    device = parse_device(xml, Dump.STATUS if live else Dump.INACTIVE)
    beside = definition.copy()
    if not (isinstance(device, Controller) and device.index is None):
        list_of(beside, device).append(device)
    complete_device(beside, device)
    by_itself, primary = alone(definition, device), isinstance(device, Video) and device.primary
    settle_device_models(by_itself, caps)
    if isinstance(device, Shmem) and device.model == "ivshmem-doorbell" and device.msi_ioeventfd is None:
        device.msi = device.msi_ioeventfd = True
    if isinstance(device, Video):
        device.primary = primary  # that it is alone here does not make it the first
    drop_generated_paths(by_itself)
    return device


def alone(definition: DomainDef, device: Element) -> DomainDef:
    """The definition with this device as the only one of its kind (controllers: of its type and index)."""
    copy = definition.copy()
    others: list[Any] = []
    if isinstance(device, Controller):
        own = (device.type, device.index)
        others = [c for c in copy.devices.controllers if (c.type, c.index) != own or c.master_startport is None]
        others = [c for c in others if (c.type, c.index) != own or device.master_startport is not None]
    setattr(copy.devices, list_name(device), [*others, device])
    return copy
