"""Filters: how values are spelled, what is merged, what can't be."""

from __future__ import annotations

import pytest

from pyvirtd.conf.nwfilter import (
    check_filter,
    complete_filter,
    format_filter,
    format_filter_binding,
    included,
    parse_filter,
    parse_filter_binding,
)
from pyvirtd.errors import ConfigUnsupported, InternalError, InvalidArg, VirtError, XMLInvalidSchema


def rule(inside: str) -> str:
    """A rule's match as it is printed."""
    text = f"<filter name='f'><rule action='drop' direction='in'>{inside}</rule></filter>"
    printed = format_filter(parse_filter(text))
    return "".join(line.strip() for line in printed.splitlines()[2:-2])


@pytest.mark.parametrize(
    ("written", "printed"),
    [
        ("<mac protocolid='0x800'/>", "<mac protocolid='ipv4'/>"),
        ("<mac protocolid='0x88A8'/>", "<mac protocolid='0x88a8'/>"),
        ("<arp opcode='1' gratuitous='1'/>", "<arp opcode='Request' gratuitous='true'/>"),
        ("<ip protocol='17' srcipaddr='10.0.0.1' srcipmask='255.255.0.0'/>",
         "<ip srcipaddr='10.0.0.1' srcipmask='16' protocol='udp'/>"),
        ("<all-ipv6 srcipaddr='FD00:0::1' srcipmask='ffff::'/>", "<all-ipv6 srcipaddr='fd00::1' srcipmask='16'/>"),
        ("<tcp flags='ack,syn/syn' state='related,new'/>", "<tcp state='NEW,RELATED' flags='SYN,ACK/SYN'/>"),
        ("<tcp srcportstart='$P[ @0 ]' dstportstart='$P[@2]'/>", "<tcp srcportstart='$P' dstportstart='$P[@2]'/>"),
        ("<all ipset='s'/>", "<all/>"),
        ("<udp ipset='s' ipsetflags='src'/>", "<udp/>"),
        ("<arp gratuitous='perhaps'/>", "<arp gratuitous='false'/>"),
        (f"<all comment='{'x' * 300}'/>", f"<all comment='{'x' * 256}'/>"),
        ("<all ipset='s' ipsetflags='SRC,dst'/>", "<all ipset='s' ipsetflags='src,dst'/>"),
        ("<stp srcmacaddr='1:2:3:4:5:6' age='0x10'/>", "<stp srcmacaddr='01:02:03:04:05:06' age='0x10'/>"),
        ("<udp match='no' srcipaddr='10.0.0.1' srcportstart='5'/><udp dstportstart='6' comment='c'/><tcp/>",
         "<udp match='no' srcipaddr='10.0.0.1' srcportstart='5' dstportstart='6'/><udp comment='c'/>"),
        ("", ""),
    ],
)  # fmt: skip
def test_spelling(written: str, printed: str) -> None:
    assert rule(written) == printed
    assert rule(printed) == printed


@pytest.mark.parametrize(
    "inside",
    [
        "<mac protocolid='0x5ff'/>", "<vlan vlanid='4096'/>", "<ip dscp='64'/>", "<ip srcipaddr='fd00::1'/>",
        "<ip srcmacmask='ff:00:ff:00:00:00'/>", "<tcp srcportstart='65536'/>", "<tcp flags='SYN'/>",
        "<tcp flags='LOUD/SYN'/>", "<all state='OLD'/>",
        "<all ipset='a' ipsetflags='src,src,src,src,src,src,src'/>", "<all srcipmask='33'/>", "<tcp srcportstart='$'/>",
        "<arp opcode='Whisper'/>",
    ],
)  # fmt: skip
def test_values_that_cannot_be(inside: str) -> None:
    with pytest.raises(InternalError):
        rule(inside)
    text = f"<filter name='f'><rule action='drop' direction='in'>{inside}</rule></filter>"
    with pytest.raises(XMLInvalidSchema):
        parse_filter(text, validate=True)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("<filter/>", InternalError),
        ("<filter name='f'><rule direction='in'/></filter>", InternalError),
        ("<filter name='f'><rule action='sing' direction='in'/></filter>", ConfigUnsupported),
        ("<filter name='f' chain='inner'/>", InvalidArg),
        ("<filter name='f' chain='arp x'/>", InvalidArg),
        ("<filter name='f' chain='arp-01234567890123456789012345'/>", InvalidArg),
        ("<filter name='f' chain='arp' priority='1001'/>", InvalidArg),
    ],
)
def test_filters_that_cannot_be(text: str, error: type[VirtError]) -> None:
    with pytest.raises(error):
        check_filter(parse_filter(text))


def test_order_and_what_is_included() -> None:
    made = parse_filter(
        "<filter name='f' chain='arp-mine' priority='-450'><filterref filter='a'/>"
        "<rule action='drop' direction='in' priority='7' statematch='0'/>"
        "<filterref filter='b'><parameter name='Z' value='1'/><parameter name='A' value='2'/></filterref></filter>"
    )
    complete_filter(made)
    check_filter(made)
    assert included(made) == ["a", "b"]
    printed = format_filter(made)
    assert "chain='arp-mine' priority='-450'" in printed
    assert "<rule action='drop' direction='in' priority='7' statematch='false'/>" in printed
    assert printed.index("'A'") < printed.index("'Z'")


def test_a_binding_names_its_owner_and_port() -> None:
    text = (
        "<filterbinding>\n  <owner>\n    <name>g</name>\n    <uuid>d54df46f-1ab5-4a22-8618-4560ef5fac2c</uuid>\n"
        "  </owner>\n  <portdev name='vnet0'/>\n  <mac address='52:54:00:7b:35:93'/>\n"
        "  <filterref filter='clean-traffic'/>\n</filterbinding>\n"
    )
    assert format_filter_binding(parse_filter_binding(text)) == text
    with pytest.raises(InternalError):
        parse_filter_binding(text.replace("portdev", "port"))
