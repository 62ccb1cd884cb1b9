"""Places that a board's own devices have: 440FX with PIIX3, and Q35 with ICH9."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyvirtd.conf.domain.address import PciAddress
from pyvirtd.drivers.qemu.postparse.machine import devices_of, is_q35
from pyvirtd.drivers.qemu.postparse.pci import Connect, PciPlace, PciTopology
from pyvirtd.errors import InternalError, XMLError

if TYPE_CHECKING:
    from pyvirtd.conf.domain.controller import Controller
    from pyvirtd.conf.domain.domain import DomainDef
    from pyvirtd.conf.domain.video import Video

_INTEGRATED = Connect.ENDPOINT
_COMPANION_FUNCTION = {"ich9-ehci1": 7, "ich9-uhci1": 0, "ich9-uhci2": 1, "ich9-uhci3": 2}


def _fixed(device: Controller, place: PciPlace, what: str) -> None:
    """That device is part of the board: it has this address or none."""
    address = device.address
    if isinstance(address, PciAddress) and not address.unset:
        found = PciPlace(address.bus, address.slot, address.function, address.domain)
        if found != place:
            raise InternalError(f"controller: {what} is part of the board and sits at {place}, not at {found}")
        return
    device.address = PciAddress(domain=0, bus=place.bus, slot=place.slot, function=place.function)


def _reserve(topology: PciTopology, number: int, functions: tuple[int, ...]) -> None:
    """Functions of one of the root bus' slots."""
    root = topology.buses[0]
    slot = root.slot(number)
    if root.offers & _INTEGRATED and root.first <= number <= root.last and not slot.functions:  # as it should be
        for function in functions:
            slot.functions |= 1 << function
        return
    for function in functions:
        topology.reserve(PciPlace(0, number, function), _INTEGRATED, configured=True)


def primary_video(definition: DomainDef) -> Video | None:
    """The first video device, unless it is of a kind without PCI."""
    for video in devices_of(definition).videos:
        if video.model in (None, "none", "ramfb"):
            return None
        return video
    return None


def _place_video(definition: DomainDef, topology: PciTopology, slot: int) -> None:
    """The primary video device gets its customary slot when that is free."""
    video = primary_video(definition)
    if video is None:
        return
    address = video.address
    if address is not None and not (isinstance(address, PciAddress) and address.unset):
        return
    place = PciPlace(0, slot)
    if topology.slot_used(0, slot):
        if video.model in ("cirrus", "vga", "vmvga", "xen", "qxl", "virtio", "bochs"):
            return
        raise XMLError(f"video: {place} is in use, but the primary video device needs it")
    topology.reserve(place, Connect.ENDPOINT, configured=True)
    video.address = PciAddress(domain=0, bus=0, slot=slot, function=0)


def place_i440fx(definition: DomainDef, topology: PciTopology) -> None:
    """PIIX3: ISA bridge 1.0, IDE 1.1, USB 1.2; the primary video device at slot 2."""
    for controller in devices_of(definition).controllers:
        if controller.type == "ide" and not controller.index:
            _fixed(controller, PciPlace(0, 1, 1), "the first IDE controller")
        elif controller.type == "usb" and not controller.index and controller.model == "piix3-uhci":
            _fixed(controller, PciPlace(0, 1, 2), "the PIIX3 USB controller")
    _reserve(topology, 1, (0, 1, 2))
    _place_video(definition, topology, 2)


def place_q35(definition: DomainDef, topology: PciTopology) -> None:
    """ICH9: LPC 1f.0, SATA 1f.2, SMBus 1f.3; HDA 1b.0, a DMI-to-PCI bridge 1e.0; primary video at slot 1."""
    for controller in devices_of(definition).controllers:
        if controller.type == "sata" and not controller.index:
            _fixed(controller, PciPlace(0, 0x1F, 2), "the first SATA controller")
    for controller in devices_of(definition).controllers:
        if controller.type == "pci" and controller.model == "dmi-to-pci-bridge":
            _place_if_free(controller, topology, PciPlace(0, 0x1E), Connect.DMI_TO_PCI)
    _reserve(topology, 0x1F, (0, 2, 3))
    _place_video(definition, topology, 1)
    for sound in devices_of(definition).sounds:
        if sound.model == "ich9":
            if sound.address is None and not topology.slot_used(0, 0x1B):
                topology.reserve(PciPlace(0, 0x1B), _INTEGRATED, configured=True)
                sound.address = PciAddress(domain=0, bus=0, slot=0x1B, function=0)
            break


def _place_if_free(controller: Controller, topology: PciTopology, place: PciPlace, wants: int) -> None:
    address = controller.address
    empty = address is None or (isinstance(address, PciAddress) and address.unset)
    if empty and not topology.slot_used(place.bus, place.slot):
        topology.reserve(place, wants, configured=True)
        controller.address = PciAddress(domain=0, bus=place.bus, slot=place.slot, function=place.function)


def usb_companion_slot(
    definition: DomainDef, topology: PciTopology, controller: Controller, slots: dict[int, int], wants: int
) -> PciPlace:
    """EHCI and its companions share one slot: on Q35's own places 1d and 1a when free, else the next free one.

    `slots` remembers (index -> bus * 32 + slot) between the controllers of a group.
    """
    index = controller.index or 0
    function = _COMPANION_FUNCTION[controller.model or "ich9-ehci1"]
    known = slots.get(index)
    if known is None:
        for other in devices_of(definition).controllers:
            address = other.address
            if (
                other is not controller
                and other.type == "usb"
                and (other.index or 0) == index
                and isinstance(address, PciAddress)
                and (address.bus or address.slot)
            ):
                known = address.bus * 32 + address.slot
    if known is None and is_q35(definition):
        for candidate in (0x1D, 0x1A):
            if not topology.slot_used(0, candidate):
                known = candidate
                break
    if known is None:
        place = topology.next_free(wants)
        known = place.bus * 32 + place.slot
    slots[index] = known
    place = PciPlace(known // 32, known % 32, function)
    topology.reserve(place, wants, configured=True)
    return place
