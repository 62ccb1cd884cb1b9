"""Channel-attached devices and crypto adapters of s390 hosts."""

from __future__ import annotations

from typing import Annotated

from pyvirtd.conf.nodedev.capability import Capability, MdevType
from pyvirtd.conf.xml import Element, child, children, kind, must
from pyvirtd.conf.xml.types import integer
from pyvirtd.errors import ErrorDomain

CssId = Annotated[int, integer(0, 254, base=0, show="0xx")]
SubchannelSet = Annotated[int, integer(0, 3, base=0, show="0xx")]
DeviceNumber = Annotated[int, integer(0, 0xFFFFFFFF, base=0, show="0x04x")]
Adapter = Annotated[int, integer(0, 255, base=0, show="0x02x")]
Domain = Annotated[int, integer(0, 255, base=0, show="0x04x")]


class ChannelDevice(Element, tag="channel_dev_addr"):
    """The device behind a subchannel."""

    ERRORS = ErrorDomain.NODEDEV
    cssid: CssId = must("cssid")
    ssid: SubchannelSet = must("ssid")
    devno: DeviceNumber = must("devno")


class Dividable(Element, tag="capability", family=True):
    """Whether mediated devices can be made of it."""

    ERRORS = ErrorDomain.NODEDEV
    type: str = kind("@type", required=True)


class MdevTypes(Dividable, variant="mdev_types"):
    """They can, of these types."""

    types: list[MdevType] = children()


class CcwCapability(Capability, variant="ccw"):
    """A device."""

    cssid: CssId = must("cssid")
    ssid: SubchannelSet = must("ssid")
    devno: DeviceNumber = must("devno")


class CssCapability(Capability, variant="css"):
    """A subchannel."""

    cssid: CssId = must("cssid")
    ssid: SubchannelSet = must("ssid")
    devno: DeviceNumber = must("devno")
    channel_device: ChannelDevice | None = child()
    features: list[Dividable] = children(Dividable)


class ApCardCapability(Capability, variant="ap_card"):
    """A crypto adapter."""

    adapter: Adapter = must("ap-adapter")


class ApQueueCapability(Capability, variant="ap_queue"):
    """A queue of a crypto adapter."""

    adapter: Adapter = must("ap-adapter")
    domain: Domain = must("ap-domain")


class ApMatrixCapability(Capability, variant="ap_matrix"):
    """What gives adapters to guests."""

    features: list[Dividable] = children(Dividable)
