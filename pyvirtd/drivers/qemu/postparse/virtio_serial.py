"""Ports of virtio-serial controllers: the next free one. Independent of the XML model."""

from __future__ import annotations

from pyvirtd.errors import XMLError

DEFAULT_PORTS = 31


class VirtioSerialPorts:
    """The virtio-serial controllers of a guest by index, and which of their ports are taken.

    Port 0 is only for the first console of a controller (virtio specification, multiport).
    """

    def __init__(self) -> None:
        self._limit: dict[int, int] = {}
        self._taken: dict[int, set[int]] = {}

    def add_controller(self, index: int, ports: int | None = None) -> None:
        """`ports` as in the controller's ports attribute; None means QEMU's own number."""
        self._limit[index] = DEFAULT_PORTS if ports is None else ports
        self._taken.setdefault(index, set())

    def reserve(self, controller: int, port: int) -> None:
        """Raises XMLError when there is no such controller or port, or it is taken."""
        if controller not in self._limit:
            raise XMLError(f"virtio-serial controller {controller} is asked for, but there is none with that index")
        if not 0 <= port < self._limit[controller]:
            raise XMLError(
                f"virtio-serial controller {controller} has the ports 0 to {self._limit[controller] - 1}, not {port}"
            )
        if port in self._taken[controller]:
            raise XMLError(f"virtio-serial port {port} of controller {controller} is used twice")
        self._taken[controller].add(port)

    def take_port(self, controller: int, *, allow_zero: bool = False) -> int | None:
        """The first free port of that controller, taken; None when it is full."""
        for port in range(0 if allow_zero else 1, self._limit.get(controller, 0)):
            if port not in self._taken[controller]:
                self._taken[controller].add(port)
                return port
        return None

    def take_next(self, *, allow_zero: bool = False) -> tuple[int, int] | None:
        """(controller, port) of the first free port, taken; None when all controllers are full."""
        for controller in sorted(self._limit):
            port = self.take_port(controller, allow_zero=allow_zero)
            if port is not None:
                return controller, port
        return None

    def next_index(self) -> int:
        """The first index that no controller has."""
        index = 0
        while index in self._limit:
            index += 1
        return index
