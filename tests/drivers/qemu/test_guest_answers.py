"""What a guest's agent answers is the guest's word: whatever has not the shape it should is refused."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from pyvirtd.drivers.qemu.guest import disk_of, entries
from pyvirtd.drivers.qemu.interface import interfaces_told
from pyvirtd.drivers.qemu.launch import password_expiry
from pyvirtd.errors import AgentCommandFailed
from pyvirtd.protocol.remote.limits import DOMAIN_INTERFACE_MAX, DOMAIN_IP_ADDR_MAX

ADDRESS = {"ip-address-type": "ipv4", "ip-address": "10.0.0.1", "prefix": 24}
ALIAS = {"name": "eth0:1", "ip-addresses": [ADDRESS]}


def domain() -> Any:
    return SimpleNamespace(current=SimpleNamespace(devices=SimpleNamespace(disks=[], controllers=[])))


@pytest.mark.parametrize(
    "answer",
    [
        None,
        7,
        {"name": "eth0"},
        ["eth0"],
        [{"hardware-address": "x"}],
        [{"name": 5}],
        [{"name": "eth0", "ip-addresses": 9}],
        [{"name": "eth0", "ip-addresses": [{"ip-address": "10.0.0.1"}]}],
        [{"name": "eth0", "ip-addresses": [ADDRESS | {"prefix": 99}]}],
        [{"name": "eth0", "ip-addresses": [ADDRESS | {"prefix": "24"}]}],
        [{"name": "eth0", "ip-addresses": [ADDRESS] * (DOMAIN_IP_ADDR_MAX + 1)}],
        [{"name": "eth0", "ip-addresses": [ADDRESS] * DOMAIN_IP_ADDR_MAX}, ALIAS],
        [{"name": f"eth{n}"} for n in range(DOMAIN_INTERFACE_MAX + 1)],
    ],
)
def test_interfaces_without_the_right_shape(answer: Any) -> None:
    with pytest.raises(AgentCommandFailed):
        interfaces_told(domain(), answer)


def test_aliases_are_their_interface() -> None:
    told = interfaces_told(domain(), [{"name": "eth0", "ip-addresses": [ADDRESS]}, ALIAS])
    assert [(interface.name, len(interface.addrs)) for interface in told] == [("eth0", 2)]


def test_lists_have_bounds() -> None:
    assert entries(domain(), "x", [{}] * 3, 3) == [{}, {}, {}]
    with pytest.raises(AgentCommandFailed, match="at most 2"):
        entries(domain(), "x", [{}] * 3, 2)


@pytest.mark.parametrize("told", [None, [], {}, {"pci-controller": 5}, {"pci-controller": {"bus": []}, "bus-type": {}}])
def test_disks_that_are_none(told: Any) -> None:
    assert disk_of(domain(), told) is None


def test_when_passwords_end() -> None:
    assert password_expiry("", None) == "now"
    assert password_expiry("x", None) == "never"
    assert password_expiry("x", "1970-01-02T00:00:00") == "86400"
    assert password_expiry("x", "some day") == "now"
