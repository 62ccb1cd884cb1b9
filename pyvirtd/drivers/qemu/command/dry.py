"""The command line of a guest that isn't started: what domxml-to-native prints."""

from __future__ import annotations

import base64
import os
import shlex
from typing import TYPE_CHECKING

from pyvirtd.conf.domain.graphics import Spice, Vnc
from pyvirtd.conf.domain.interface import Interface
from pyvirtd.drivers.qemu.command.context import EncryptedSecret, LaunchContext, QemuCommand
from pyvirtd.drivers.qemu.command.live import settle_live
from pyvirtd.drivers.qemu.postparse.addresses import assign_addresses
from pyvirtd.drivers.qemu.postparse.controllers import settle_pci_options
from pyvirtd.drivers.qemu.postparse.machine import devices_of
from pyvirtd.host.numa import cell_ids

if TYPE_CHECKING:
    from pyvirtd.conf.domain.domain import DomainDef
    from pyvirtd.drivers.qemu.capabilities import QemuCapabilities

SHORT_NAME = 20
FIRST_FD = 24


def short_name(domain_id: int, name: str) -> str:
    """A guest's directory name: id and name, cut to where a socket path still fits."""
    return f"{domain_id}-{name[:SHORT_NAME]}"


def no_encryption(value: bytes) -> EncryptedSecret:
    """A dry run must not show secrets: zeroes of the length that the encrypted value would have."""
    padded = len(value) + 16 - len(value) % 16
    return EncryptedSecret(base64.b64encode(bytes(padded)).decode(), base64.b64encode(bytes(16)).decode())


def no_secret_value(uuid: str | None, usage: str | None, kind: str) -> bytes:
    return b""


def dry_context(definition: DomainDef, state: str) -> LaunchContext:
    """The context of a guest that isn't started, with paths under the state directory `state` (.../lib/libvirt)."""
    short = short_name(-1, definition.name)
    qemu = os.path.join(state, "qemu")
    return LaunchContext(
        domain_id=-1,
        run_dir=f"{qemu}/domain-{short}",
        channel_dir=f"{qemu}/channel/target/domain-{short}",
        ram_dir=f"{qemu}/ram/{short}",
        hugepages={2048: f"{state}/hugepages/libvirt/qemu/{short}"},
        default_hugepage=2048,
        nvram_dir=f"{qemu}/nvram",
        secret=no_secret_value,
        encrypt=no_encryption,
        host_nodes=frozenset(cell_ids()),
        dry=True,
    )


def native_text(command: QemuCommand) -> str:
    """A command line as domxml-to-native prints it: environment first, one line, quoted for a shell."""
    words = [f"{name}={shlex.quote(value)}" for name, value in command.env.items()]
    return " ".join([*words, *(shlex.quote(word) for word in command.argv)]) + "\n"


def prepare_dry(definition: DomainDef, caps: QemuCapabilities, context: LaunchContext) -> None:
    """Replaces what only a start can have: networks become plain taps, automatic ports the first ones.

    Host network set-ups mean nothing on another host, so every card becomes type ethernet and keeps its model, MAC
    and script; addresses are given out anew.
    """
    devices = devices_of(definition)
    for position, old in enumerate(devices.interfaces):
        new = Interface(type="ethernet", mac=old.mac, model=old.model, script=old.script)
        devices.interfaces[position] = new
    settle_live(definition, caps, context)
    assign_addresses(definition, caps)
    settle_pci_options(definition, caps)
    taps: dict[str, list[int]] = {}
    for number, _ in enumerate(devices.interfaces):
        taps[f"net{number}"] = [FIRST_FD + number]
    context.tap_fds = taps
    settle_ports(definition)


def settle_ports(definition: DomainDef) -> None:
    """The first ports of the customary ranges, as a start on an idle host would choose them."""
    vnc, spice, websocket = 5900, 5901, 5700
    for graphics in devices_of(definition).graphics:
        if isinstance(graphics, Vnc):
            if graphics.port in (None, -1) or graphics.autoport:
                graphics.port = vnc
            if graphics.websocket == -1:
                graphics.websocket = websocket
        elif isinstance(graphics, Spice):
            plain, secure = spice_ports(graphics)
            if plain and (graphics.port == -1 or (graphics.autoport and not graphics.port)):
                graphics.port = spice
            if secure and (graphics.tls_port == -1 or (graphics.autoport and not graphics.tls_port)):
                graphics.tls_port = spice + 1


def spice_ports(spice: Spice) -> tuple[bool, bool]:
    """Which of SPICE's two ports its channels need: the plain one, the encrypted one."""
    modes = {channel.mode for channel in spice.channels} | {spice.default_mode or "any"}
    return bool(modes & {"any", "insecure"}), "secure" in modes
