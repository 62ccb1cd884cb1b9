"""`<sound>`: sound cards. Source: formatdomain.html, "Sound devices"."""

from __future__ import annotations

from typing import Literal

from pyvirtd.conf.domain.device import Device
from pyvirtd.conf.domain.virtio import VirtioDriver
from pyvirtd.conf.xml import Element, at, child, children, must
from pyvirtd.conf.xml.types import Positive, UInt, YesNo


class Codec(Element, tag="codec"):
    """A codec of an Intel HDA card."""

    type: Literal["duplex", "micro", "output"] = must("@type")


class Sound(Device, tag="sound"):
    """A sound card; `audio` is the id of the backend it plays through."""

    model: Literal["sb16", "es1370", "pcspk", "ac97", "ich6", "ich9", "usb", "ich7", "virtio", "hda"] = must("@model")
    multichannel: YesNo | None = at("@multichannel")
    streams: UInt | None = at("@streams")
    codecs: list[Codec] = children()
    audio: Positive | None = at("audio/@id")
    driver: VirtioDriver | None = child(empty=False)
