"""`<redirdev>` and `<redirfilter>`: USB devices of a client. Source: formatdomain.html, "Redirected devices"."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pyvirtd.conf.domain.chardev import Backend
from pyvirtd.conf.domain.device import BootDevice
from pyvirtd.conf.xml import Element, at, children, inline, must
from pyvirtd.conf.xml.types import Codec, YesNo, integer

_VERSION = re.compile(r"([0-9]{1,2})\.([0-9]{1,2})", re.ASCII)


def _version(text: str) -> int:
    """ "2.10" -> 0x0210; -1 is any."""
    if text == "-1":
        return -1
    match = _VERSION.fullmatch(text)
    if match is None:
        raise ValueError
    major, minor = match.groups()
    return (int(major[:-1] or "0") << 12) | (int(major[-1]) << 8) | (int(minor[0]) << 4) | int(minor[1:] or "0")


def _show_version(version: int) -> str:
    return f"{(version >> 12 & 15) * 10 + (version >> 8 & 15)}.{version >> 4 & 15}{version & 15}"


def _upper(digits: int) -> Codec:
    """So many hexadecimal digits, in capitals as nowhere else; -1 is any."""
    number = integer(0, 16**digits - 1, base=0)
    read = number.parse
    assert read is not None

    def parse(text: str) -> int | None:
        return None if text.strip() == "-1" else int(read(text))

    def show(value: int) -> str:
        return f"0x{value:0{digits}X}"

    return Codec(parse, show, right=f"0x and {digits} hexadecimal digits, or -1 for any",
                 pattern="-1|(0[xX])?[0-9a-fA-F]+")  # fmt: skip


UsbClass = Annotated[int | None, _upper(2)]
UsbId = Annotated[int | None, _upper(4)]
UsbVersion = Annotated[
    int, Codec(_version, _show_version, right="a USB version like 2.00", pattern=r"-1|[0-9]{1,2}\.[0-9]{1,2}")
]


class RedirDev(BootDevice, tag="redirdev"):
    """A USB device that a client redirects over `backend`."""

    bus: Literal["usb"] = at("@bus", "usb")
    backend: Backend = inline(Backend)

    def hollow(self, flags: int) -> bool:
        """Always with its closing tag."""
        return True


class UsbFilter(Element, tag="usbdev"):
    """One rule; None matches any."""

    class_: UsbClass = at("@class")
    vendor: UsbId = at("@vendor")
    product: UsbId = at("@product")
    version: UsbVersion | None = at("@version", omit=-1)
    allow: YesNo = must("@allow")


class RedirFilter(Element, tag="redirfilter"):
    """Which devices may be redirected: the first rule that matches decides."""

    rules: list[UsbFilter] = children()
