"""Networks that can't be, and the codes that say so."""

from __future__ import annotations

import pytest

from pyvirtd.conf.network import check_functions, check_network, complete_network, free_bridge_name, parse_network
from pyvirtd.errors import ConfigUnsupported, InternalError, NoName, VirtError, XMLDetail, XMLError

IP = "<ip address='192.168.9.1' netmask='255.255.255.0'>{}</ip>"


def checked(inside: str, attributes: str = "") -> None:
    network = parse_network(f"<network {attributes}><name>n</name>{inside}</network>")
    complete_network(network)
    check_network(network)


def dhcp(inside: str) -> str:
    return IP.format(f"<dhcp>{inside}</dhcp>")


@pytest.mark.parametrize(
    ("inside", "error", "word"),
    [
        ("<forward mode='nat'/>", XMLError, "<ip>"),
        ("<forward mode='open' dev='eth0'/>" + IP, XMLError, "dev"),
        ("<forward mode='route'><interface dev='a'/><interface dev='b'/></forward>" + IP, XMLError, "2"),
        ("<forward mode='tunnel'/>", ConfigUnsupported, "tunnel"),
        ("<forward mode='bridge'><interface dev='a'/></forward><bridge name='b'/>", XMLError, "both"),
        ("<forward mode='vepa'><interface dev='a'/></forward><bridge name='b'/>", XMLError, "bridge"),
        ("<forward mode='bridge'/><bridge name='b' stp='on'/>", XMLError, "stp"),
        ("<forward mode='bridge'/><bridge name='b'/><mtu size='9000'/>", XMLError, "mtu"),
        ("<forward mode='private' dev='a'><interface dev='b'/></forward>", XMLError, "'a'"),
        ("<forward mode='private'><interface dev='b'/><interface dev='b'/></forward>", XMLError, "twice"),
        ("<forward mode='route'><nat ipv6='yes'/></forward>" + IP, XMLError, "<nat>"),
        ("<forward><nat><address start='1.2.3.9' end='1.2.3.4'/></nat></forward>" + IP, InternalError, "backwards"),
        ("<forward><nat><port start='9' end='4'/></nat></forward>" + IP, XMLDetail, "backwards"),
        ("<forward mode='hostdev'><pf dev='a'/></forward><bandwidth><inbound average='1'/></bandwidth>",
         ConfigUnsupported, "bandwidth"),
        ("<forward mode='passthrough'><pf dev='a'/></forward>" + IP, ConfigUnsupported, "<ip>"),
        ("<bandwidth><inbound average='1' floor='1'/></bandwidth>", ConfigUnsupported, "floor"),
        ("<vlan><tag id='4'/></vlan>", ConfigUnsupported, "vlan"),
        ("<portgroup name='a' default='yes'/><portgroup name='b' default='yes'/>", ConfigUnsupported, "default"),
        ("<portgroup name='a'/><portgroup name='a'/>", ConfigUnsupported, "one name"),
        ("<ip address='fd00::1' prefix='64'/>", ConfigUnsupported, "family"),
        ("<ip address='10.0.0.1' netmask='255.0.255.0'/>", ConfigUnsupported, "holes"),
        ("<ip address='10.0.0.1' netmask='255.0.0.0' prefix='8'/>", ConfigUnsupported, "one is enough"),
        ("<ip address='10.0.0.1' prefix='33'/>", ConfigUnsupported, "33"),
        ("<ip family='ipv6' address='fd00::1' netmask='255.0.0.0'/>", ConfigUnsupported, "prefix"),
        ("<ip address='10.0.0'/>", XMLError, "address"),
        (dhcp("<range start='10.0.0.2' end='10.0.0.9'/>"), InternalError, "outside"),
        (dhcp("<range start='192.168.9.9' end='192.168.9.2'/>"), InternalError, "backwards"),
        (dhcp("<range start='192.168.9.2' end='192.168.9.255'/>"), InternalError, "own address"),
        (dhcp("<host mac='52:54:00:00:00:01'/>"), XMLError, "no ip"),
        (dhcp("<host ip='192.168.9.3'/>"), XMLError, "mac or name"),
        (dhcp("<host mac='53:54:00:00:00:01' ip='192.168.9.3'/>"), XMLError, "group"),
        (dhcp("<host mac='52:54:00:00:00:01' ip='192.168.9.3'><lease expiry='9' unit='seconds'/></host>"),
         ConfigUnsupported, "lease"),
        ("<mac address='53:54:00:00:00:01'/>", XMLError, "group"),
        ("<route address='10.1.0.0' prefix='16' gateway='10.0.0.1'/>", ConfigUnsupported, "reach"),
        ("<bandwidth><inbound peak='1'/></bandwidth>", XMLDetail, "average"),
        (dhcp("<host id='0:1' ip='192.168.9.3'/>"), XMLError, "id"),
        (dhcp("<range start='192.168.9.2' end='192.168.9.3'/>") * 2, ConfigUnsupported, "DHCP"),
        ("<route address='10.1.0.0' prefix='16' gateway='fd00::1'/>", XMLError, "family"),
        ("<route address='10.1.2.3' prefix='16' gateway='10.0.0.1'/>", XMLError, "host"),
        ("<dns enable='no'><txt name='a' value='b'/></dns>", XMLError, "enable"),
        ("<dns><forwarder/></dns>", XMLError, "forwarder"),
        ("<dns><txt name='a b' value='c'/></dns>", XMLDetail, "blank"),
        ("<dns><srv protocol='tcp'/></dns>", XMLDetail, "service"),
        ("<dns><srv service='a' protocol='tcp' port='3'/></dns>", XMLDetail, "target"),
        ("<dns><host ip='10.0.0.1'/></dns>", XMLDetail, "hostname"),
        ("<dns><host><hostname>a</hostname></host></dns>", XMLDetail, "ip"),
        ("<title>a\nb</title>", XMLError, "title"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(inside: str, error: type[VirtError], word: str) -> None:
    with pytest.raises(error) as caught:
        checked(inside.replace("{}", ""))
    assert type(caught.value) is error
    assert word in caught.value.message


def test_names() -> None:
    with pytest.raises(NoName):
        parse_network("<network/>")
    network = parse_network("<network><name>a/b</name></network>")
    with pytest.raises(XMLDetail):
        check_network(network)


def test_what_the_host_says_is_asked_of_the_driver() -> None:
    address = "<address type='pci' bus='3' slot='0' function='1'/>"
    network = parse_network(f"<network><name>n</name><forward mode='hostdev'>{address}</forward></network>")
    check_network(network)
    asked: list[str] = []
    check_functions(network, lambda device: not asked.append(device))
    assert asked == ["0000:03:00.1"]
    with pytest.raises(ConfigUnsupported):
        check_functions(network, lambda _: False)


def test_bridges_get_the_first_free_name() -> None:
    assert free_bridge_name({"virbr0", "virbr2"}) == "virbr1"
    assert free_bridge_name({"lan0"}, "lan%d") == "lan1"
