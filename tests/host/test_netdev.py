"""Taps, bridges and counters, for real in a network namespace of their own."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from pyvirtd.errors import InvalidArg
from pyvirtd.host import netdev

IN_NAMESPACE = """
import asyncio, os
from pyvirtd.errors import OperationFailed
from pyvirtd.host import netdev

tap = netdev.create_tap("vnet%d", queues=2)
assert tap.name == "vnet0" and len(tap.fds) == 2, tap
netdev.set_mac(tap.name, netdev.tap_mac("52:54:00:12:34:56"))
assert netdev.mac("vnet0") == "fe:54:00:12:34:56", netdev.mac("vnet0")
netdev.set_mtu("vnet0", 1400)
assert netdev.mtu("vnet0") == 1400
netdev.set_up("vnet0")
assert netdev.is_up("vnet0")
netdev.set_up("vnet0", False)
assert not netdev.is_up("vnet0")
assert netdev.is_bridge("br0") and not netdev.is_bridge("vnet0")
for bridge in ("br0", "br0", "br1"):
    netdev.join_bridge(bridge, "vnet0")
    assert netdev.bridge_of("vnet0") == bridge
netdev.set_port_isolated("vnet0", True)
netdev.leave_bridge("br1", "vnet0")
assert netdev.bridge_of("vnet0") is None
assert netdev.stats("vnet0").rx_bytes == 0
for call, words in (
    (lambda: netdev.join_bridge("nobr", "vnet0"), "no bridge nobr"),
    (lambda: netdev.create_tap("br0"), "cannot make the tap interface br0"),
    (lambda: netdev.set_mtu("vnet0", 1), "MTU to 1"),
):
    fds = len(os.listdir("/proc/self/fd"))
    try:
        call()
    except OperationFailed as e:
        assert words in str(e), e
    else:
        raise AssertionError(words)
    assert len(os.listdir("/proc/self/fd")) == fds
for fd in tap.fds:
    os.close(fd)
assert not netdev.exists("vnet0")
kept = netdev.create_tap("keep0", persist=True)
os.close(kept.fds[0])
assert netdev.exists("keep0")
netdev.delete_tap("keep0")
assert not netdev.exists("keep0")

async def macvtap():
    try:
        tap = await netdev.create_macvtap("macvtap0", "veth0", "52:54:00:12:34:57", "bridge", queues=2)
    except OperationFailed as e:
        print("no macvtap:", e)
        return
    assert len(tap.fds) == 2 and netdev.mac("macvtap0") == "52:54:00:12:34:57" and netdev.is_up("macvtap0")
    for fd in tap.fds:
        os.close(fd)
    await netdev.delete_link("macvtap0")
    assert not netdev.exists("macvtap0")
    await netdev.delete_link("macvtap0")
    print("macvtap done")

asyncio.run(macvtap())
print("done")
"""
SETUP = " && ".join(
    [
        "mount -t sysfs none /sys",
        "ip link add br0 type bridge",
        "ip link add br1 type bridge",
        "ip link add veth0 type veth peer name veth1",
        "ip link set veth0 up",
    ]
)


@pytest.mark.skipif(os.getuid() != 0 or not os.path.exists("/dev/net/tun"), reason="needs root and /dev/net/tun")
def test_in_a_namespace_of_its_own() -> None:
    script = ["unshare", "-n", "-m", "sh", "-ec", SETUP + ' && exec "$0" -c "$1"', sys.executable, IN_NAMESPACE]
    done = subprocess.run(script, capture_output=True, text=True, timeout=60, check=False)
    if "not permitted" in done.stderr and "unshare" in done.stderr:
        pytest.skip("no namespaces here")
    assert done.stdout.endswith("done\n"), done.stderr
    if "no macvtap" in done.stdout:
        pytest.skip(done.stdout)


@pytest.mark.parametrize("name", ["", "a b", "../x", "x" * 16, "a:b", ".", ".."])
def test_names_that_cannot_be(name: str) -> None:
    with pytest.raises(InvalidArg, match=re.escape(repr(name))):
        netdev.check_name(name)
    assert not netdev.exists(name)


def test_counters_seen_from_the_guest() -> None:
    assert netdev.InterfaceStats(1, 2, 3, 4, 5, 6, 7, 8).swapped() == (5, 6, 7, 8, 1, 2, 3, 4)
    assert netdev.stats("lo").rx_bytes >= 0
    with pytest.raises(InvalidArg, match="no network interface nosuch0"):
        netdev.stats("nosuch0")


def test_too_many_queues() -> None:
    with pytest.raises(InvalidArg, match="1 to 256"):
        netdev.create_tap(queues=0)
