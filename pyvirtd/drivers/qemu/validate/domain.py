"""The definition as a whole: type, boot, vCPUs, launch security."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyvirtd.conf.domain.sysinfo import SmbiosInfo
from pyvirtd.drivers.qemu.postparse.machine import os_of
from pyvirtd.errors import ConfigUnsupported, ErrorDomain, XMLDetail

if TYPE_CHECKING:
    from pyvirtd.conf.domain.domain import DomainDef
    from pyvirtd.drivers.qemu.capabilities import QemuCapabilities
    from pyvirtd.drivers.qemu.validate.host import HostFacts

MAX_BOOT_TIMEOUT = 65535


def check_domain(definition: DomainDef, caps: QemuCapabilities, host: HostFacts) -> None:
    del host
    system = os_of(definition)
    if system.bootmenu_timeout is not None and system.bootmenu_timeout > MAX_BOOT_TIMEOUT:
        raise ConfigUnsupported(f"os: the boot menu's timeout is {system.bootmenu_timeout} ms, at most 65535 will do")
    security = definition.launch_security
    if security is not None:
        if security.type == "sev" and caps.sev is None:
            raise ConfigUnsupported("launchSecurity: neither this host nor its QEMU can run AMD SEV guests")
        if security.type != "sev":
            raise ConfigUnsupported(f"launchSecurity: this QEMU has no '{security.type}'")
    for vcpu in definition.vcpus:
        if vcpu.id == 0 and not vcpu.enabled:
            raise ConfigUnsupported("vcpus: vcpu 0 runs the firmware, it can't be offline")
    check_sysinfo(definition)
    check_boot_order(definition)


def check_sysinfo(definition: DomainDef) -> None:
    """The UUID in the SMBIOS tables is the guest's own."""
    for info in definition.sysinfo:
        if isinstance(info, SmbiosInfo) and info.system is not None:
            uuid = info.system.get("uuid")
            own = (definition.uuid or "").replace("-", "")
            if uuid is not None and own and uuid.replace("-", "").lower() != own:
                raise XMLDetail(
                    f"sysinfo: its uuid {uuid} has to be the domain's own, {definition.uuid}", domain=ErrorDomain.DOMAIN
                )


def check_boot_order(definition: DomainDef) -> None:
    """Every place in the boot order is one device's."""
    seen: set[int] = set()
    for device in definition.devices.all():
        order = getattr(device, "boot_order", None)
        if order is None:
            continue
        if order in seen:
            raise ConfigUnsupported(f"boot order {order} is given to two devices", domain=ErrorDomain.DOMAIN)
        seen.add(order)
