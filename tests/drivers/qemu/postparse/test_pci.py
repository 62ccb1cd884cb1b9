"""The PCI allocator: what libvirt's guests look like, without any XML."""

from __future__ import annotations

import pytest

from pyvirtd.drivers.qemu.postparse.pci import CONTROLLER_CONNECT, Connect, PciBus, PciPlace, PciTopology
from pyvirtd.errors import XMLError

PCIE = Connect.PCIE_DEVICE | Connect.HOTPLUG
PCI = Connect.PCI_DEVICE | Connect.HOTPLUG


def topology(*models: str, **options: bool) -> PciTopology:
    return PciTopology([PciBus.of(m) for m in models], **options)


def test_a_pci_root_fills_from_slot_one() -> None:
    pci = topology("pci-root")
    assert [pci.take_next(PCI).slot for _ in range(31)] == list(range(1, 32))
    assert pci.buses[0].full()
    assert pci.take_next(PCI) == PciPlace(1, 1)
    assert [bus.model for bus in pci.buses] == ["pci-root", "pci-bridge"]


def test_express_devices_get_a_root_port_each() -> None:
    pci = topology("pcie-root")
    assert [pci.take_next(PCIE) for _ in range(3)] == [PciPlace(1, 0), PciPlace(2, 0), PciPlace(3, 0)]


def test_root_ports_share_slots() -> None:
    pci = topology("pcie-root")
    wants = CONTROLLER_CONNECT["pcie-root-port"]
    places = [pci.take_next(wants) for _ in range(9)]
    assert places[0] == PciPlace(0, 1, 0)
    assert places[7] == PciPlace(0, 1, 7)
    assert places[8] == PciPlace(0, 2, 0)


def test_a_conventional_device_on_q35_gets_a_bridge() -> None:
    pci = topology("pcie-root")
    assert pci.take_next(PCI) == PciPlace(2, 1)
    assert [bus.model for bus in pci.buses[1:]] == ["pcie-root-port", "pcie-to-pci-bridge"]
    assert pci.take_next(CONTROLLER_CONNECT["pcie-to-pci-bridge"]) == PciPlace(1, 0)


def test_double_use_is_refused() -> None:
    pci = topology("pci-root")
    pci.reserve(PciPlace(0, 3), PCI, configured=True)
    with pytest.raises(XMLError, match="used twice"):
        pci.reserve(PciPlace(0, 3), PCI, configured=True)


@pytest.mark.parametrize("place", [PciPlace(1, 1), PciPlace(0, 0), PciPlace(0, 32), PciPlace(0, 1, 8)])
def test_places_that_do_not_exist(place: PciPlace) -> None:
    with pytest.raises(XMLError):
        topology("pci-root").reserve(place, PCI, configured=True)


def test_configured_addresses_may_mix_pci_and_express() -> None:
    pci = topology("pcie-root")
    with pytest.raises(XMLError):
        pci.reserve(PciPlace(0, 3), PCI, configured=False)
    pci.reserve(PciPlace(0, 3), PCI, configured=True)
    assert pci.used(PciPlace(0, 3))
