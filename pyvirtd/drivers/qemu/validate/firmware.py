"""Firmware: what is chosen for the guest, and what the definition says itself, exclude each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyvirtd.drivers.qemu.postparse.machine import is_x86, os_of
from pyvirtd.errors import ConfigUnsupported, ErrorDomain, XMLDetail

if TYPE_CHECKING:
    from pyvirtd.conf.domain.domain import DomainDef
    from pyvirtd.conf.domain.os import Os


def _refuse(message: str) -> XMLDetail:
    return XMLDetail(message, domain=ErrorDomain.DOMAIN)


def check_firmware(definition: DomainDef) -> None:
    system = os_of(definition)
    if system.firmware is not None:
        check_automatic(system)
    else:
        check_manual(system)
    loader = system.loader
    flash = loader is not None and loader.type == "pflash"
    acpi = definition.features is not None and definition.features.acpi
    if flash and is_x86(definition) and not acpi:
        raise ConfigUnsupported("os: UEFI firmware needs ACPI; add <acpi/> to <features>")


def check_automatic(system: Os) -> None:
    """<os firmware=''>: the firmware is found by its features, not by its path."""
    loader, nvram = system.loader, system.nvram
    if loader is not None:
        for name, value in (("path", loader.path), ("type", loader.type), ("readonly", loader.readonly)):
            if value is not None:
                raise _refuse(f"loader: {name} can't be given together with <os firmware='{system.firmware}'>")
    features = {feature.name: feature.enabled for feature in system.firmware_features}
    if features.get("enrolled-keys") and features.get("secure-boot") is False:
        raise _refuse("os: firmware feature enrolled-keys needs secure-boot, which is switched off")
    if nvram is not None:
        if system.firmware != "efi":
            raise _refuse(f"nvram: firmware of type {system.firmware} keeps no variables")
        if nvram.template is not None:
            raise _refuse(f"nvram: template can't be given together with <os firmware='{system.firmware}'>")
    check_stateless(system)


def check_manual(system: Os) -> None:
    loader = system.loader
    if loader is None:
        return
    if not loader.path:
        raise _refuse("loader: it has no path, and <os firmware=''> doesn't ask for one to be chosen")
    check_stateless(system)


def check_stateless(system: Os) -> None:
    """Firmware that keeps nothing has no variables."""
    loader, nvram = system.loader, system.nvram
    if loader is None or not loader.stateless or nvram is None:
        return
    if nvram.template is not None:
        raise _refuse("nvram: a template makes no sense with a stateless loader")
    raise _refuse("nvram: a stateless loader keeps no variables")
