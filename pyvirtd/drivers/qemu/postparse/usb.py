"""USB addresses of a guest: buses, hubs, and the next free port. Independent of the XML model.

A port is a path of numbers from the controller down through hubs ("1.3.2"); a hub has eight ports.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from pyvirtd.errors import XMLError

HUB_PORTS = 8
MAX_DEPTH = 4

CONTROLLER_PORTS: dict[str, int] = {
    "piix3-uhci": 2,
    "piix4-uhci": 2,
    "vt82c686b-uhci": 2,
    "ich9-uhci1": 2,
    "ich9-uhci2": 2,
    "ich9-uhci3": 2,
    "ehci": 6,
    "ich9-ehci1": 6,
    "pci-ohci": 3,
    "nec-xhci": 4,
    "qemu-xhci": 4,
    "qusb1": 4,
    "qusb2": 8,
}


def controller_ports(model: str, configured: int | None) -> int:
    """How many ports the root hub of such a controller has."""
    if configured is not None and configured > 0:
        return configured
    return CONTROLLER_PORTS.get(model, 2)


@dataclass(slots=True)
class Hub:
    """A hub, the root hub of a controller too: which ports are taken, and the hubs on them."""

    size: int
    taken: set[int] = field(default_factory=set)
    hubs: dict[int, Hub] = field(default_factory=dict)

    def free_port(self, depth: int = 1) -> tuple[int, ...] | None:
        """The path of the first free port: on this hub itself, else on the hubs plugged into it, in port order."""
        for port in range(1, self.size + 1):
            if port not in self.taken:
                return (port,)
        if depth < MAX_DEPTH:
            for port in sorted(self.hubs):
                below = self.hubs[port].free_port(depth + 1)
                if below is not None:
                    return (port, *below)
        return None

    def ports(self) -> int:
        return self.size + sum(hub.ports() - 1 for hub in self.hubs.values())


class UsbTopology:
    """All USB buses of a guest, by controller index."""

    def __init__(self) -> None:
        self.buses: dict[int, Hub] = {}

    def add_controller(self, index: int, ports: int) -> None:
        """Raises XMLError when a master controller of that index exists already."""
        if index in self.buses:
            raise XMLError(f"two USB controllers have the index {index}; companions name their <master>")
        self.buses[index] = Hub(ports)

    def _hub_of(self, bus: int, path: tuple[int, ...]) -> Hub:
        shown = ".".join(map(str, path))
        hub = self.buses.get(bus)
        if hub is None:
            raise XMLError(f"USB bus {bus} is asked for, but there is no USB controller with the index {bus}")
        for i, port in enumerate(path[:-1]):
            below = hub.hubs.get(port)
            if below is None:
                before = ".".join(map(str, path[: i + 1]))
                raise XMLError(f"USB bus {bus} port {shown}: there is no hub at port {before}")
            hub = below
        if not path or not 1 <= path[-1] <= hub.size:
            raise XMLError(f"USB bus {bus} port {shown}: its hub has the ports 1 to {hub.size}")
        return hub

    def add_hub(self, bus: int, path: tuple[int, ...]) -> None:
        """A hub is plugged into that port; it takes the port."""
        hub = self._hub_of(bus, path)
        if path[-1] in hub.hubs:
            raise XMLError(f"USB bus {bus} port {'.'.join(map(str, path))} has a hub already")
        hub.hubs[path[-1]] = Hub(HUB_PORTS)
        self.reserve(bus, path)

    def reserve(self, bus: int, path: tuple[int, ...]) -> None:
        """Raises XMLError when there is no such port or it is taken."""
        hub = self._hub_of(bus, path)
        if path[-1] in hub.taken:
            raise XMLError(f"USB bus {bus} port {'.'.join(map(str, path))} is used twice")
        hub.taken.add(path[-1])

    def take_next(self, bus: int | None = None) -> tuple[int, tuple[int, ...]]:
        """(bus, path) of the first free port, of one bus or of all, and takes it."""
        for index in self._candidates(bus):
            path = self.buses[index].free_port()
            if path is not None:
                self.reserve(index, path)
                return index, path
        if bus is not None and bus not in self.buses:
            raise XMLError(f"USB bus {bus} is asked for, but there is no USB controller with the index {bus}")
        raise XMLError("no free USB port is left: add a <hub type='usb'/> or a controller with more ports")

    def _candidates(self, bus: int | None) -> Iterator[int]:
        if bus is None:
            yield from sorted(self.buses)
        elif bus in self.buses:
            yield bus

    def total_ports(self) -> int:
        """Ports that devices other than hubs can use when every hub is plugged in."""
        return sum(hub.ports() for hub in self.buses.values())


def parse_port(text: str) -> tuple[int, ...]:
    """The path of a port attribute ("1.2"). Raises XMLError when it is none."""
    parts = text.split(".")
    if not 1 <= len(parts) <= MAX_DEPTH or not all(p.isdecimal() and 0 < int(p) < 256 for p in parts):
        raise XMLError(f"USB port '{text}' is no port: one to {MAX_DEPTH} numbers, separated by dots")
    return tuple(map(int, parts))
