"""What is checked of <os>: loader, nvram, firmware by description."""

from __future__ import annotations

from pyvirtd.conf.domain.domain import DomainDef
from pyvirtd.errors import ErrorDomain, XMLDetail


def check_firmware(domain: DomainDef) -> None:
    """Either the firmware is described (<os firmware=''>) or its files are given."""
    os = domain.os
    loader, nvram = os.loader, os.nvram
    if os.firmware == "bios" and nvram is not None:
        raise _wrong("firmware 'bios' has no nvram")
    features = {feature.name: feature.enabled for feature in os.firmware_features}
    if features and os.firmware is None:
        raise _wrong("<firmware> features need a firmware attribute on <os>")
    if features.get("enrolled-keys") and features.get("secure-boot") is False:
        raise _wrong("the firmware feature enrolled-keys needs secure-boot, which is disabled")
    if loader is not None and os.firmware is None and loader.path is None:
        raise _wrong("<loader> has to have a path, or <os> a firmware attribute")
    if nvram is not None and os.firmware is None and loader is None:
        raise _wrong("<nvram> has to come with a <loader>")
    if loader is not None and loader.stateless and nvram is not None:
        raise _wrong("a stateless loader has no nvram")


def _wrong(what: str) -> XMLDetail:
    return XMLDetail(f"os: {what}", domain=ErrorDomain.DOMAIN)
