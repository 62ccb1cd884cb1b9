"""USB ports and virtio-serial ports without any XML."""

from __future__ import annotations

import pytest

from pyvirtd.drivers.qemu.postparse.usb import UsbTopology, controller_ports, parse_port
from pyvirtd.drivers.qemu.postparse.virtio_serial import VirtioSerialPorts
from pyvirtd.errors import XMLError


def test_ports_of_hubs_follow_those_of_the_controller() -> None:
    usb = UsbTopology()
    usb.add_controller(0, controller_ports("piix3-uhci", None))
    usb.add_hub(0, (1,))
    assert usb.take_next() == (0, (2,))
    assert usb.take_next() == (0, (1, 1))


def test_a_missing_hub_and_a_missing_bus_are_named() -> None:
    usb = UsbTopology()
    usb.add_controller(0, 2)
    with pytest.raises(XMLError, match="no hub at port 1"):
        usb.reserve(0, (1, 2))
    with pytest.raises(XMLError, match="USB bus 3"):
        usb.reserve(3, (1,))


def test_full() -> None:
    usb = UsbTopology()
    usb.add_controller(0, 2)
    usb.take_next()
    usb.take_next()
    with pytest.raises(XMLError, match="no free USB port"):
        usb.take_next()


@pytest.mark.parametrize("text", ["", "0", "1.", "a", "1.2.3.4.5", "300"])
def test_bad_ports(text: str) -> None:
    with pytest.raises(XMLError):
        parse_port(text)


def test_virtio_serial_port_zero_is_for_consoles() -> None:
    ports = VirtioSerialPorts()
    ports.add_controller(0, 3)
    assert ports.take_next() == (0, 1)
    assert ports.take_next(allow_zero=True) == (0, 0)
    assert ports.take_next() == (0, 2)
    assert ports.take_next() is None
    assert ports.next_index() == 1
