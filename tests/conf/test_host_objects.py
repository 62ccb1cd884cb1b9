"""Host interfaces, node devices and secrets that can't be, and what is filled in."""

from __future__ import annotations

import pytest

from pyvirtd.conf.interface import check_interface, format_interface, parse_interface
from pyvirtd.conf.nodedev import (
    check_created,
    check_node_device,
    complete_node_device,
    format_node_device,
    parse_node_device,
)
from pyvirtd.conf.secret import complete_secret, format_secret, parse_secret
from pyvirtd.errors import ConfigUnsupported, InternalError, VirtError, XMLError

START = "<start mode='none'/>"
ETHERNET = "<interface type='ethernet' name='e'/>"


@pytest.mark.parametrize(
    ("type", "inside", "word"),
    [
        ("ethernet", "", "<start"),
        ("wire", START, "wire"),
        ("bridge", START, "<bridge>"),
        ("bond", START, "<bond>"),
        ("bond", START + "<bond/>", "interfaces"),
        ("bond", START + f"<bond><arpmon interval='1'/>{ETHERNET}</bond>", "target"),
        ("bond", START + "<bond><interface type='vlan' name='v'/></bond>", "member"),
        ("bridge", START + "<bridge><interface type='bridge' name='b'><bridge/></interface></bridge>", "member"),
        ("bridge", START + "<bridge delay='soon'/>", "soon"),
        ("vlan", START + "<vlan tag='4'/>", "<interface>"),
    ],
)
def test_interfaces_that_cannot_be(type: str, inside: str, word: str) -> None:
    with pytest.raises(XMLError) as caught:
        check_interface(parse_interface(f"<interface type='{type}' name='i'>{inside}</interface>"))
    assert word in caught.value.message


def test_an_interface_keeps_what_is_of_its_type() -> None:
    made = parse_interface(f"<interface type='vlan' name='e.4'>{START}<mac address='52:54:00:00:00:01'/><bridge/>"
                           "<vlan tag='4'><interface name='e'/></vlan></interface>")  # fmt: skip
    check_interface(made)
    assert format_interface(made) == (
        "<interface type='vlan' name='e.4'>\n  <start mode='none'/>\n  <vlan tag='4'>\n    <interface name='e'/>\n"
        "  </vlan>\n</interface>\n"
    )


def test_node_devices() -> None:
    with pytest.raises(XMLError):
        check_node_device(parse_node_device("<device><name>a</name></device>"))
    with pytest.raises(XMLError):
        parse_node_device("<device><capability type='teleporter'/></device>")
    mdev = parse_node_device("<device><parent>p</parent><capability type='mdev'><type id='t'/></capability></device>")
    complete_node_device(mdev)
    check_created(mdev)
    assert "<iommuGroup number='0'/>" in format_node_device(mdev)
    assert mdev.name == "new device"
    with pytest.raises(XMLError):
        check_created(parse_node_device("<device><capability type='mdev'><type id='t'/></capability></device>"))
    with pytest.raises(XMLError):
        check_created(parse_node_device("<device><parent>p</parent><capability type='scsi_host'/></device>"))


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("<secret ephemeral='maybe'/>", XMLError),
        ("<secret><uuid>x</uuid></secret>", InternalError),
        ("<secret><usage/></secret>", ConfigUnsupported),
        ("<secret><usage type='volume'/></secret>", InternalError),
        ("<secret><usage type='hat'/></secret>", ConfigUnsupported),
    ],
)
def test_secrets_that_cannot_be(text: str, error: type[VirtError]) -> None:
    with pytest.raises(error):
        parse_secret(text)


def test_a_secret_without_usage() -> None:
    secret = parse_secret("<secret><usage type='none'/></secret>")
    complete_secret(secret)
    assert secret.usage is None
    assert format_secret(secret).startswith("<secret ephemeral='no' private='no'>\n  <uuid>")
