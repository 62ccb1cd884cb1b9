"""PCI addresses of a guest: which controller takes which device, and the next free place.

Independent of the XML model. A `PciTopology` has one `PciBus` for each PCI controller index; a device asks for a
place with its `Connect` flags. A bus that is missing is added as the kind of controller that such a device needs:
that is how pcie-root-ports, pci-bridges and pcie-to-pci-bridges come into being. Rules and their reasons:
libvirt's docs, "PCI addresses in domain XML and guest OS" and "PCI topology and hotplug".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, NamedTuple

from pyvirtd.errors import InternalError, XMLError

__all__ = ["BUS_RULES", "CONTROLLER_CONNECT", "Connect", "PciBus", "PciPlace", "PciTopology"]

LAST_BUS = 255
LAST_SLOT = 31
LAST_FUNCTION = 7


class Connect:
    """What a device needs of the bus it sits on, and what a bus offers: bits of an int (an enum's cost would show)."""

    NONE: Final = 0
    HOTPLUG: Final = 1 << 0
    PCI_DEVICE: Final = 1 << 1
    PCIE_DEVICE: Final = 1 << 2
    PCI_BRIDGE: Final = 1 << 3
    PCIE_ROOT_PORT: Final = 1 << 4
    SWITCH_UPSTREAM: Final = 1 << 5
    SWITCH_DOWNSTREAM: Final = 1 << 6
    DMI_TO_PCI: Final = 1 << 7
    PCI_EXPANDER: Final = 1 << 8
    PCIE_EXPANDER: Final = 1 << 9
    PCIE_TO_PCI: Final = 1 << 10
    INTEGRATED: Final = 1 << 11
    AGGREGATE: Final = 1 << 12

    ENDPOINT: Final = PCI_DEVICE | PCIE_DEVICE
    TYPES: Final = (
        PCI_DEVICE | PCIE_DEVICE | PCI_BRIDGE | PCIE_ROOT_PORT | SWITCH_UPSTREAM | SWITCH_DOWNSTREAM
        | DMI_TO_PCI | PCI_EXPANDER | PCIE_EXPANDER | PCIE_TO_PCI
    )  # fmt: skip


class BusRule(NamedTuple):
    """What a controller model offers to devices, and its first and last slot."""

    offers: int
    first: int
    last: int


_PCI = Connect.PCI_DEVICE | Connect.PCI_BRIDGE
BUS_RULES: dict[str, BusRule] = {
    "pci-root": BusRule(_PCI | Connect.HOTPLUG | Connect.PCI_EXPANDER, 1, LAST_SLOT),
    "pci-bridge": BusRule(_PCI | Connect.HOTPLUG, 1, LAST_SLOT),
    "pci-expander-bus": BusRule(_PCI | Connect.HOTPLUG, 0, LAST_SLOT),
    "pcie-root": BusRule(
        Connect.PCIE_DEVICE | Connect.PCIE_ROOT_PORT | Connect.DMI_TO_PCI | Connect.PCIE_EXPANDER | Connect.INTEGRATED,
        1,
        LAST_SLOT,
    ),
    "dmi-to-pci-bridge": BusRule(_PCI, 0, LAST_SLOT),
    "pcie-to-pci-bridge": BusRule(_PCI | Connect.HOTPLUG, 1, LAST_SLOT),
    "pcie-root-port": BusRule(
        Connect.PCIE_DEVICE | Connect.SWITCH_UPSTREAM | Connect.PCIE_TO_PCI | Connect.HOTPLUG, 0, 0
    ),
    "pcie-switch-upstream-port": BusRule(Connect.SWITCH_DOWNSTREAM, 0, LAST_SLOT),
    "pcie-switch-downstream-port": BusRule(
        Connect.PCIE_DEVICE | Connect.SWITCH_UPSTREAM | Connect.PCIE_TO_PCI | Connect.HOTPLUG, 0, 0
    ),
    "pcie-expander-bus": BusRule(Connect.PCIE_ROOT_PORT | Connect.DMI_TO_PCI, 0, 0),
}

# What each kind of PCI controller needs of the bus it is itself plugged into.
CONTROLLER_CONNECT: dict[str, int] = {
    "pci-root": Connect.NONE,
    "pcie-root": Connect.NONE,
    "pci-bridge": Connect.PCI_BRIDGE,
    "pci-expander-bus": Connect.PCI_EXPANDER,
    "pcie-expander-bus": Connect.PCIE_EXPANDER,
    "dmi-to-pci-bridge": Connect.DMI_TO_PCI,
    "pcie-to-pci-bridge": Connect.PCIE_TO_PCI,
    "pcie-root-port": Connect.PCIE_ROOT_PORT | Connect.AGGREGATE,
    "pcie-switch-upstream-port": Connect.SWITCH_UPSTREAM,
    "pcie-switch-downstream-port": Connect.SWITCH_DOWNSTREAM,
}

_WANTED_NAMES = {
    Connect.PCI_DEVICE: "pci device (pci-root, pci-bridge, dmi-to-pci-bridge or pcie-to-pci-bridge)",
    Connect.PCIE_DEVICE: "pcie device (pcie-root, pcie-root-port or pcie-switch-downstream-port)",
    Connect.PCI_BRIDGE: "pci-bridge (a conventional PCI bus)",
    Connect.PCIE_ROOT_PORT: "pcie-root-port (pcie-root or pcie-expander-bus)",
    Connect.SWITCH_UPSTREAM: "pcie-switch-upstream-port (pcie-root-port or pcie-switch-downstream-port)",
    Connect.SWITCH_DOWNSTREAM: "pcie-switch-downstream-port (pcie-switch-upstream-port)",
    Connect.DMI_TO_PCI: "dmi-to-pci-bridge (pcie-root or pcie-expander-bus)",
    Connect.PCI_EXPANDER: "pci-expander-bus (pci-root)",
    Connect.PCIE_EXPANDER: "pcie-expander-bus (pcie-root)",
    Connect.PCIE_TO_PCI: "pcie-to-pci-bridge (pcie-root-port or pcie-switch-downstream-port)",
}


class PciPlace(NamedTuple):
    """Where on the guest's PCI buses: domain, bus (= controller index), slot, function."""

    bus: int
    slot: int
    function: int = 0
    domain: int = 0

    def __str__(self) -> str:
        return f"{self.domain:04x}:{self.bus:02x}:{self.slot:02x}.{self.function:x}"


@dataclass(slots=True)
class _Slot:
    functions: int = 0  # bit mask of those in use
    aggregate: bool = False


@dataclass(slots=True)
class PciBus:
    """One bus: what it offers, its slots, and the isolation group of its devices (pSeries' IOMMU groups)."""

    model: str
    offers: int
    first: int
    last: int
    group: int = 0
    group_fixed: bool = False
    slots: dict[int, _Slot] = field(default_factory=dict)

    @classmethod
    def of(cls, model: str, *, hotplug: bool = True) -> PciBus:
        rule = BUS_RULES.get(model)
        if rule is None:
            raise InternalError(f"PCI controller model '{model}' is unknown; known: {', '.join(BUS_RULES)}")
        offers = rule.offers if hotplug else rule.offers & ~Connect.HOTPLUG
        return cls(model, offers, rule.first, rule.last)

    def slot(self, number: int) -> _Slot:
        found = self.slots.get(number)
        if found is None:
            found = self.slots[number] = _Slot()
        return found

    def full(self) -> bool:
        """Nothing more fits: no slot of this bus is empty."""
        return all(self.slot(n).functions for n in range(self.first, self.last + 1))

    def free(self, wants: int, function: int | None = None, start: int | None = None) -> tuple[int, int] | None:
        """The first (slot, function) where such a device fits, from slot `start` on; None when there is none.

        A device that may share its slot takes the next function of a slot whose devices share it.
        """
        for number in range(self.first if start is None else start, self.last + 1):
            slot = self.slot(number)
            if not slot.functions:
                return number, function or 0
            if wants & Connect.AGGREGATE and slot.aggregate:
                if function is not None:
                    if not slot.functions & 1 << function:
                        return number, function
                    continue
                for candidate in range(LAST_FUNCTION + 1):
                    if not slot.functions & 1 << candidate:
                        return number, candidate
        return None


@dataclass(slots=True)
class PciTopology:
    """All PCI buses of a guest.

    `many_roots` (pSeries): devices go to further pci-root controllers rather than to bridges.
    `pcie_to_pci`: the machine takes a pcie-to-pci-bridge; otherwise a dmi-to-pci-bridge carries the pci-bridges.
    """

    buses: list[PciBus] = field(default_factory=list)
    many_roots: bool = False
    pcie_to_pci: bool = True
    zpci: bool = False

    def check(self, place: PciPlace, wants: int, *, configured: bool) -> None:
        """Raises XMLError when that place doesn't exist or isn't fit for such a device."""
        if not self.buses:
            raise XMLError(f"PCI address {place}: this guest has no PCI bus; machine types with PCI have one")
        if place.domain:
            raise XMLError(f"PCI address {place}: only PCI domain 0 exists in a guest")
        if place.bus >= len(self.buses):
            raise XMLError(f"PCI address {place}: no bus {place.bus:#04x}; the highest is {len(self.buses) - 1:#04x}")
        bus = self.buses[place.bus]
        if place.slot < bus.first:
            raise XMLError(f"PCI address {place}: slot must be at least {bus.first} on a {bus.model}")
        if place.slot > bus.last:
            raise XMLError(f"PCI address {place}: slot must be at most {bus.last} on a {bus.model}")
        if place.function > LAST_FUNCTION:
            raise XMLError(f"PCI address {place}: function must be at most {LAST_FUNCTION}")
        self.check_connect(place, bus, wants, configured=configured)

    def check_connect(self, place: PciPlace, bus: PciBus, wants: int, *, configured: bool) -> None:
        """Raises XMLError unless a device of that kind may be plugged into that bus.

        An address out of a document is trusted further than one that is made up here: endpoints may then mix
        PCI and PCI Express, and a slot without hotplug is fine.
        """
        offers = bus.offers
        if configured:
            if offers & Connect.ENDPOINT:
                offers |= Connect.ENDPOINT
            if wants & Connect.HOTPLUG:
                offers |= Connect.HOTPLUG
            if wants & Connect.PCIE_TO_PCI and offers & Connect.PCIE_DEVICE:
                offers |= Connect.PCIE_TO_PCI
        if wants & Connect.INTEGRATED and place.bus != 0:
            raise XMLError(f"PCI address {place}: this is an integrated device, it sits on bus 0 only")
        if not wants & offers & Connect.TYPES:
            needs = next((text for flag, text in _WANTED_NAMES.items() if wants & flag), "no PCI at all")
            raise XMLError(
                f"PCI address {place}: controller {place.bus} is a {bus.model}, which does not take this device; "
                f"it is a {needs}"
            )
        if wants & Connect.HOTPLUG and not offers & Connect.HOTPLUG:
            raise XMLError(f"PCI address {place}: controller {place.bus} ({bus.model}) has no hotplug")

    def suits(self, bus: PciBus, index: int, wants: int) -> bool:
        """Whether a device without an address may go to that bus."""
        if not wants & bus.offers & Connect.TYPES:
            return False
        if bus.model == "pcie-root" and wants & Connect.PCIE_DEVICE and not wants & Connect.INTEGRATED:
            return False  # what may be unplugged some day goes behind a port
        if wants & Connect.INTEGRATED and index != 0:
            return False
        return not (wants & Connect.HOTPLUG and not bus.offers & Connect.HOTPLUG)

    def reserve(self, place: PciPlace, wants: int, *, configured: bool, group: int = 0) -> None:
        """Takes that place. Raises XMLError when it is taken already, doesn't exist or doesn't fit."""
        self.check(place, wants, configured=configured)
        bus = self.buses[place.bus]
        if not bus.group_fixed and group and not bus.slots:
            bus.group, bus.group_fixed = group, True
        slot = bus.slot(place.slot)
        if slot.functions & 1 << place.function:
            raise XMLError(f"PCI address {place} is used twice; every device needs one of its own")
        if not slot.functions and wants & Connect.AGGREGATE:
            slot.aggregate = True
        slot.functions |= 1 << place.function

    def grow_to(self, place: PciPlace, wants: int) -> None:
        """Adds controllers until the bus of that address exists; does nothing where none can be added."""
        if place.bus > LAST_BUS or wants & Connect.PCI_EXPANDER or wants & Connect.PCIE_EXPANDER:
            return
        while self.buses and place.bus >= len(self.buses):
            self.grow(wants)

    def used(self, place: PciPlace) -> bool:
        """Whether a device sits there."""
        return bool(
            place.bus < len(self.buses) and self.buses[place.bus].slot(place.slot).functions & 1 << place.function
        )

    def slot_used(self, bus: int, slot: int) -> bool:
        """Whether any function of that slot is taken."""
        return bool(self.buses[bus].slot(slot).functions)

    def next_free(self, wants: int, function: int | None = None, group: int = 0) -> PciPlace:
        """The place that a device without an address gets; adds controllers where needed. Doesn't take it."""
        if not self.buses:
            raise XMLError("this guest has no PCI bus for a device that needs one")
        if not wants & Connect.TYPES:
            raise InternalError("a device without PCI connection flags cannot get a PCI address")
        for index, bus in enumerate(self.buses):
            if bus.group == group and self.suits(bus, index, wants) and (found := bus.free(wants, function)):
                return PciPlace(index, *found)
        if group:  # a bus nobody uses yet may become that group's
            for index, bus in enumerate(self.buses):
                empty = not bus.group_fixed and not any(s.functions for s in bus.slots.values())
                if empty and self.suits(bus, index, wants) and (found := bus.free(wants, function)):
                    return PciPlace(index, *found)
        index = self.grow(wants)
        found = self.buses[index].free(wants, function)
        if found is None:
            raise InternalError(f"no more PCI slots: a new {self.buses[index].model} has none for this device")
        return PciPlace(index, *found)

    def take_next(self, wants: int, function: int | None = None, group: int = 0) -> PciPlace:
        """`next_free`, and takes it."""
        place = self.next_free(wants, function, group)
        self.reserve(place, wants, configured=False, group=group)
        return place

    def grow(self, wants: int) -> int:
        """Adds the controller(s) that such a device needs; answers the index of the bus it will sit on."""
        if wants & Connect.PCI_DEVICE:
            if self.many_roots:
                return self._add("pci-root")
            if not any(bus.offers & Connect.PCI_BRIDGE for bus in self.buses):
                if self.pcie_to_pci:
                    self._add("pcie-root-port")  # the bridge's own place
                    return self._add("pcie-to-pci-bridge")
                self._add("dmi-to-pci-bridge")
            return self._add("pci-bridge")
        if wants & Connect.PCI_BRIDGE and self.buses[0].model == "pcie-root":
            return self._add("pcie-to-pci-bridge" if self.pcie_to_pci else "dmi-to-pci-bridge")
        if wants & (Connect.PCIE_DEVICE | Connect.SWITCH_UPSTREAM | Connect.PCIE_TO_PCI):
            return self._add("pcie-root-port")
        if wants & Connect.SWITCH_DOWNSTREAM:
            return self._add("pcie-switch-upstream-port")
        needs = next((text for flag, text in _WANTED_NAMES.items() if wants & flag), "device")
        raise InternalError(f"no PCI bus is left for a {needs}, and none can be added for it")

    def _add(self, model: str) -> int:
        self.buses.append(PciBus.of(model))
        return len(self.buses) - 1
