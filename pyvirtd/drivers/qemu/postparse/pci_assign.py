"""Gives every PCI device of a guest its address, and the guest the PCI controllers that this takes.

Two passes where controllers are missing: the first only counts, to learn which must be added; the second assigns
with the new controllers among the devices. Where none is missing the first pass' places are the ones. A board's
own devices have fixed places; everything else goes where it first fits, in a fixed order of device kinds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple, Protocol

from pyvirtd.conf.domain.address import Address, PciAddress
from pyvirtd.conf.domain.controller import Controller
from pyvirtd.drivers.qemu.postparse.machine import board_of, devices_of
from pyvirtd.drivers.qemu.postparse.pci import CONTROLLER_CONNECT, Connect, PciBus, PciPlace, PciTopology
from pyvirtd.drivers.qemu.postparse.pci_chipset import place_i440fx, place_q35, usb_companion_slot
from pyvirtd.drivers.qemu.postparse.pci_flags import NONE, PCI, PciNeeds
from pyvirtd.errors import ConfigUnsupported, XMLError

if TYPE_CHECKING:
    from pyvirtd.conf.domain.domain import DomainDef
    from pyvirtd.drivers.qemu.capabilities import QemuCapabilities


class Addressed(Protocol):
    """A device with an address element of some kind, or none."""

    address: Address | None


class Item(NamedTuple):
    """A device and what it needs of its bus."""

    device: Addressed
    wants: int


def pci_items(definition: DomainDef) -> Iterator[Item]:
    """Every device that sits or may sit on PCI, in the order in which places are given out."""
    needs = PciNeeds(definition)
    d = devices_of(definition)
    for controller in d.controllers:
        if controller.type == "pci":
            yield Item(controller, needs.controller(controller))
    for fs in d.filesystems:
        yield Item(fs, needs.virtio_model(fs.model))
    for interface in d.interfaces:
        yield Item(interface, needs.interface(interface))
    for sound in d.sounds:
        yield Item(sound, needs.sound(sound))
    for controller in d.controllers:
        if controller.type != "pci":
            yield Item(controller, needs.controller(controller))
    for disk in d.disks:
        yield Item(disk, needs.disk(disk))
    for hostdev in d.hostdevs:
        yield Item(hostdev, needs.hostdev(hostdev))
    for balloon in d.memballoons:
        yield Item(balloon, NONE if balloon.model in ("none", "xen") else needs.virtio_model(balloon.model))
    for rng in d.rngs:
        yield Item(rng, needs.virtio_model(rng.model))
    for watchdog in d.watchdogs:
        yield Item(watchdog, PCI if watchdog.model == "i6300esb" else NONE)
    for video in d.videos:
        yield Item(video, needs.video(video))
    for shmem in d.shmems:
        yield Item(shmem, PCI)
    for device in d.inputs:
        yield Item(device, needs.virtio_model(device.model) if device.bus == "virtio" else NONE)
    for serial in d.serials:
        yield Item(serial, PCI if serial.target_type == "pci-serial" else NONE)
    for panic in d.panics:
        yield Item(panic, PCI & ~Connect.HOTPLUG if panic.model == "pvpanic" else NONE)
    for iommu in d.iommus:
        if iommu.model == "virtio":
            yield Item(iommu, (needs.pcie | Connect.INTEGRATED) & ~Connect.HOTPLUG)
    for vsock in d.vsocks:
        yield Item(vsock, needs.virtio_model(vsock.model))
    for memory in d.memories:
        yield Item(memory, needs.virtio if memory.model in ("virtio-pmem", "virtio-mem") else NONE)
    for crypto in d.cryptos:
        yield Item(crypto, needs.virtio)


def place_of(address: PciAddress) -> PciPlace:
    return PciPlace(address.bus, address.slot, address.function, address.domain)


def has_pci_address(device: Addressed) -> bool:
    """An address of type pci that says where (a bare <address type='pci'/> only says that it is PCI)."""
    address = device.address
    return isinstance(address, PciAddress) and not address.unset


def wants_pci(item: Item) -> bool:
    """Whether that device still needs a PCI address."""
    if not item.wants:
        return False
    address = item.device.address
    return address is None or (isinstance(address, PciAddress) and address.unset)


class PciAssigner:
    """Assigns the PCI addresses of one definition."""

    def __init__(self, definition: DomainDef, caps: QemuCapabilities) -> None:
        self.definition, self.caps = definition, caps
        self.board = board_of(definition)
        self.controllers: list[Controller] = []  # those of type pci
        self.items: list[Item] = []
        self.look()

    def look(self) -> None:
        """Lists the devices, anew when controllers have been added."""
        self.controllers = [c for c in devices_of(self.definition).controllers if c.type == "pci"]
        self.items = list(pci_items(self.definition))

    def topology(self) -> PciTopology:
        """The buses of the definition's controllers, with everything that has an address in its place."""
        controllers = self.controllers
        count = 1 + max([c.index or 0 for c in controllers])
        express = self.board.pcie_root
        models: list[tuple[str, bool]] = [("pcie-root-port" if express else "pci-bridge", True)] * count
        models[0] = ("pcie-root" if express else "pci-root", True)
        for controller in controllers:
            if controller.model:
                hotplug = controller.target is None or controller.target.hotplug is not False
                models[controller.index or 0] = (controller.model, hotplug)
        buses = [PciBus.of(model, hotplug=hotplug) for model, hotplug in models]
        topology = PciTopology(
            buses,
            many_roots=self.board.pseries,
            pcie_to_pci=self.caps.has_device("pcie-pci-bridge"),
        )
        for item in self.items:
            if item.wants and has_pci_address(item.device):
                self.collect(topology, item)
        return topology

    def collect(self, topology: PciTopology, item: Item) -> None:
        """Reserves an address out of the document; the board's own devices are reserved by their chipset."""
        address = item.device.address
        assert isinstance(address, PciAddress)
        place = place_of(address)
        if isinstance(item.device, Controller) and self.built_in(item.device, place):
            return
        topology.grow_to(place, item.wants)
        topology.reserve(place, item.wants, configured=True)

    def built_in(self, controller: Controller, place: PciPlace) -> bool:
        if self.board.i440fx and place.bus == 0 and place.slot == 1:
            if controller.type == "ide" and place.function == 1:
                return True
            return controller.type == "usb" and controller.model == "piix3-uhci" and place.function == 2
        return (
            self.board.q35
            and controller.type == "sata"
            and (place.bus, place.slot, place.function) == (0, 0x1F, 2)
        )

    # --- the two passes -------------------------------------------------------------------------------------

    def assign(self) -> None:
        """Raises XMLError for addresses that clash or don't fit."""
        if not self.controllers:
            self.refuse_pci()
            return
        places = self.without_new_controllers()
        if places is None:
            self.look()
            topology = self.topology()
            self.chipset(topology)
            self.give_out(topology, self.set_address)
        else:
            for device, place in places:
                self.set_address(device, place)
        self.mark_multifunction()

    def refuse_pci(self) -> None:
        """A board without PCI: no device may have or need a PCI address."""
        machine = self.definition.os.machine
        for item in self.items:
            if item.wants and (wants_pci(item) or has_pci_address(item.device)):
                what = type(item.device).__name__.lower()
                raise XMLError(f"{what}: it is a PCI device, but machine type '{machine}' has no PCI bus")

    def without_new_controllers(self) -> list[tuple[Addressed, PciPlace]] | None:
        """The first pass: the places of all devices that have none.

        None: controllers whose index is skipped, or that devices need, have been added, and all is to be done again.
        """
        highest = max([c.index or 0 for c in self.controllers])
        topology = self.topology()
        self.chipset(topology)
        express = self.board.pcie_root
        # Where bridges are in play already, one place stays free for the next bridge.
        spare = highest > 0 and not express and not all(bus.full() for bus in topology.buses)
        if spare:
            topology.take_next(Connect.PCI_BRIDGE)
        places: list[tuple[Addressed, PciPlace]] = []
        self.give_out(topology, lambda device, place: places.append((device, place)))
        if express and highest == 0 and len(topology.buses) > 1:
            # Who leaves addresses to us gets one port for hotplug beyond what is used.
            topology.take_next(Connect.PCIE_DEVICE | Connect.HOTPLUG)
        existing = {c.index for c in self.controllers}
        complete = not spare
        index = 0
        while (index := index + 1) < len(topology.buses):  # which grow while controllers get places of their own
            if index not in existing:
                complete = False
                model = topology.buses[index].model
                self.add_controller(index, model)
                if CONTROLLER_CONNECT[model]:
                    topology.take_next(CONTROLLER_CONNECT[model])
        return places if complete else None

    def add_controller(self, index: int, model: str) -> None:
        from pyvirtd.drivers.qemu.postparse.controllers import append_controller

        append_controller(self.definition, "pci", index, model)

    def chipset(self, topology: PciTopology) -> None:
        if self.board.i440fx:
            place_i440fx(self.definition, topology)
        elif self.board.q35:
            place_q35(self.definition, topology)

    def give_out(self, topology: PciTopology, settle: Callable[[Addressed, PciPlace], None]) -> None:
        """Places for all devices that have none."""
        companions: dict[int, int] = {}
        for item in self.items:
            if not wants_pci(item):
                continue
            device = item.device
            if isinstance(device, Controller) and device.type == "usb" and (device.model or "").startswith("ich9-"):
                settle(device, usb_companion_slot(self.definition, topology, device, companions, item.wants))
                continue
            if item.wants & Connect.PCI_EXPANDER or item.wants & Connect.PCIE_EXPANDER:
                self.expander_supported(item.wants)
            settle(device, topology.take_next(item.wants))

    def expander_supported(self, wants: int) -> None:
        root = "pcie-root" if wants & Connect.PCIE_EXPANDER else "pci-root"
        if self.controllers[0].model != root:
            raise ConfigUnsupported(f"controller: expander buses of this kind need a machine type with a {root}")

    def set_address(self, device: Addressed, place: PciPlace) -> None:
        address = device.address if isinstance(device.address, PciAddress) else PciAddress()
        address.domain, address.bus, address.slot, address.function = (
            place.domain, place.bus, place.slot, place.function,
        )  # fmt: skip
        device.address = address

    def mark_multifunction(self) -> None:
        """multifunction='on' for function 0 of every slot that has others (guests only look further then)."""
        shared: dict[tuple[int, int], set[int]] = {}
        addresses = [item.device.address for item in self.items if isinstance(item.device.address, PciAddress)]
        for address in addresses:
            shared.setdefault((address.bus, address.slot), set()).add(address.function)
        for address in addresses:
            if not address.function and address.multifunction is None and len(shared[address.bus, address.slot]) > 1:
                address.multifunction = True
