"""Attaching, detaching and updating devices: a guest that is none takes and gives back whatever there is."""

from __future__ import annotations

from typing import Final

from pyvirtd.conf.domain.devices import parse_device
from pyvirtd.conf.domain.domain import DomainDef
from pyvirtd.conf.domain.interface import Interface
from pyvirtd.conf.domain.postparse import complete_device
from pyvirtd.conf.domain.postparse.devices import new_mac
from pyvirtd.conf.xml import Element
from pyvirtd.core.calls.change import change_both, impact
from pyvirtd.core.devices import config
from pyvirtd.core.devices.match import by_alias
from pyvirtd.core.domain import Domain
from pyvirtd.core.modifies import modifies
from pyvirtd.drivers.test.noun import Noun
from pyvirtd.drivers.test.pipeline import name_interfaces
from pyvirtd.protocol.calls import supports
from pyvirtd.protocol.constants.domain import DomainDeviceModifyFlags as Flags

_BOTH: Final = Flags.LIVE | Flags.CONFIG


class DeviceCalls(Noun):
    """See the module."""

    @supports(_BOTH)
    @modifies
    async def domain_attach_device_flags(self, dom: Domain, xml: str, flags: int) -> None:
        given, _ = _read(xml)

        def change(definition: DomainDef) -> None:
            config.attach(definition, _complete(definition, given))
            name_interfaces(definition)

        live, in_config = impact(dom, flags)
        await change_both(self.runtime, dom, change, live=live, config=in_config)

    @supports(_BOTH)
    @modifies
    async def domain_detach_device_flags(self, dom: Domain, xml: str, flags: int) -> None:
        given, made_up = _read(xml)

        def change(definition: DomainDef) -> None:
            config.detach(definition, _complete(definition, given), made_up_mac=made_up)

        live, in_config = impact(dom, flags)
        await change_both(self.runtime, dom, change, live=live, config=in_config)

    @supports(_BOTH)
    @modifies
    async def domain_detach_device_alias(self, dom: Domain, alias: str, flags: int) -> None:
        live, in_config = impact(dom, flags)
        await change_both(
            self.runtime, dom, lambda d: config.take_out(d, by_alias(d, alias)), live=live, config=in_config
        )

    @supports(_BOTH | Flags.FORCE)
    @modifies
    async def domain_update_device_flags(self, dom: Domain, xml: str, flags: int) -> None:
        given, made_up = _read(xml)

        def change(definition: DomainDef) -> None:
            config.update(definition, _complete(definition, given), made_up_mac=made_up)
            name_interfaces(definition)

        live, in_config = impact(dom, flags & ~Flags.FORCE)
        await change_both(self.runtime, dom, change, live=live, config=in_config)


def _read(xml: str) -> tuple[Element, bool]:
    """The device, and whether its MAC address was made up here: the same one for guest and definition."""
    device = parse_device(xml)
    made_up = isinstance(device, Interface) and device.mac is None
    if isinstance(device, Interface) and device.mac is None:
        device.mac = new_mac()
    return device, made_up


def _complete(definition: DomainDef, given: Element) -> Element:
    """A copy for that definition, with what the document leaves out."""
    device = given.copy()
    complete_device(definition, device)
    return device
