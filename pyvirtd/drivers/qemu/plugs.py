"""The host's side of a guest's network cards: taps and macvtaps, made for its start and gone with it.

A tap vanishes with QEMU's descriptors. A macvtap is an interface of its own that somebody has to remove, so its name
is in the guest's directory (`NOTE`) before it exists: whoever cleans up after a killed daemon finds it there.
"""

from __future__ import annotations

import contextlib
import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pyvirtd.drivers.qemu.command.interface import VIRTIO_MODELS, queues
from pyvirtd.errors import ConfigUnsupported, HostSystemError, InternalError, OperationFailed, VirtError
from pyvirtd.host import netdev
from pyvirtd.host.process import run
from pyvirtd.store.atomic import in_background
from pyvirtd.store.steps import reach

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyvirtd.conf.domain.domain import DomainDef
    from pyvirtd.conf.domain.interface import Interface
    from pyvirtd.drivers.qemu.command import LaunchContext

log = logging.getLogger(__name__)

NOTE: Final = "macvtaps"
"""File in a guest's directory: names of the interfaces to remove when it has ended, one a line."""
VHOST: Final = "/dev/vhost-net"
_GENERATED: Final = ("vnet", "macvtap", "macvlan")
_SCRIPT_TIMEOUT: Final = 30.0
_MACVTAP_MODES: Final = {"passthrough": "passthru"}


async def plug_in(live: DomainDef, context: LaunchContext, run_dir: Path, closing: contextlib.ExitStack) -> None:
    """Make what the cards need and put its descriptors into the context; `closing` closes them here.

    The live definition gets the names of what was made. Raises ConfigUnsupported, OperationFailed, HostSystemError.
    """
    taps: dict[str, tuple[int, ...]] = {}
    vhosts: dict[str, tuple[int, ...]] = {}
    for card in live.devices.interfaces:
        alias = card.alias or ""
        if card.type in ("bridge", "ethernet", "direct"):
            _check(card)
            tap = await (_macvtap(card, run_dir) if card.type == "direct" else _tap(card))
            for fd in tap.fds:
                closing.callback(os.close, fd)
            taps[alias], card.target = tap.fds, tap.name
            if card.script and card.type == "ethernet":
                await _run_script(card.script, tap.name)
            vhosts[alias] = tuple(_vhost(live, card, closing))
        elif card.type == "network":
            raise ConfigUnsupported(
                f"interface '{alias}': this daemon has no virtual networks yet that '{_name(card)}' could be one of: "
                "use type 'bridge', 'user' or 'direct'"
            )
    context.tap_fds, context.vhost_fds = taps, vhosts


async def pull_out(live: DomainDef, run_dir: Path) -> None:
    """Remove what outlives QEMU; what fails is logged."""
    for card in live.devices.interfaces:
        if card.type == "ethernet" and card.downscript and card.target:
            with contextlib.suppress(VirtError):
                await _run_script(card.downscript, card.target)
    await remove_noted(run_dir)


async def remove_noted(run_dir: Path) -> None:
    """Remove the macvtaps that a guest's directory names."""
    try:
        names = (run_dir / NOTE).read_text().split()
    except (OSError, ValueError):
        return
    for name in names:
        try:
            await netdev.delete_link(name)
        except VirtError as error:
            log.warning("%s", error.message)


def _name(card: Interface) -> str:
    return str(card.source.network if card.source is not None else "")


def _check(card: Interface) -> None:
    """Refuse what would silently be left out."""
    what = None
    if card.source is not None and (card.source.ips or card.source.routes):
        what = "addresses of the host's end (<source><ip>)"
    elif card.virtualport is not None:
        what = "a <virtualport>"
    elif card.vlan is not None:
        what = "VLAN tags on a plain bridge or tap"
    if what is not None:
        raise ConfigUnsupported(f"interface '{card.alias}': {what} cannot be set up by this daemon")
    if card.bandwidth is not None or card.filterref is not None:
        log.warning("interface '%s': traffic shaping and filters are not applied", card.alias)


def _wanted(card: Interface) -> str | None:
    """The name that the definition asks for."""
    return card.target if card.target and not card.target.startswith(_GENERATED) else None


async def _tap(card: Interface) -> netdev.Tap:
    bridge = card.source.bridge if card.source is not None and card.type == "bridge" else None
    if card.type == "bridge" and (bridge is None or not netdev.is_bridge(bridge)):
        raise OperationFailed(f"interface '{card.alias}': this host has no bridge '{bridge}'")
    foreign = card.type == "ethernet" and card.target_managed is False
    if foreign and not (card.target and netdev.exists(card.target)):
        raise OperationFailed(
            f"interface '{card.alias}': there is no tap '{card.target}', which managed='no' says to use"
        )
    tap = netdev.create_tap(
        (card.target if foreign else _wanted(card)) or "vnet%d",
        queues=queues(card), vnet_hdr=(card.model or "") in VIRTIO_MODELS,
    )  # fmt: skip
    try:
        if not foreign:
            if card.mac:
                netdev.set_mac(tap.name, netdev.tap_mac(card.mac))
            mtu = card.mtu or (netdev.mtu(bridge) if bridge is not None else None)
            if mtu:
                netdev.set_mtu(tap.name, mtu)
            if bridge is not None:
                netdev.join_bridge(bridge, tap.name)
                if card.isolated:
                    netdev.set_port_isolated(tap.name, True)
            netdev.set_up(tap.name)
    except BaseException:
        for fd in tap.fds:
            os.close(fd)
        raise
    return tap


async def _macvtap(card: Interface, run_dir: Path) -> netdev.Tap:
    source = card.source
    if source is None or not source.dev:
        raise InternalError(f"interface '{card.alias}': type 'direct' needs <source dev=...>")
    name = _wanted(card) or next(n for i in range(1 << 16) if not netdev.exists(n := f"macvtap{i}"))
    if netdev.exists(name):  # before the note: what it names is removed
        raise OperationFailed(f"interface '{card.alias}': there is an interface '{name}' already")
    await in_background(_note, run_dir / NOTE, name)
    mode = source.mode or "vepa"
    tap = await netdev.create_macvtap(
        name, source.dev, card.mac or "", _MACVTAP_MODES.get(mode, mode),
        queues=queues(card), vnet_hdr=(card.model or "") in VIRTIO_MODELS,
    )  # fmt: skip
    reach("macvtap", name)
    if card.mtu:
        netdev.set_mtu(name, card.mtu)
    return tap


def _note(path: Path, name: str) -> None:
    try:
        with open(path, "a", encoding="ascii") as note:
            note.write(name + "\n")
    except OSError as error:
        raise HostSystemError(f"cannot write {path}: {error.strerror}") from error


def _vhost(live: DomainDef, card: Interface, closing: contextlib.ExitStack) -> Iterator[int]:
    """vhost-net, one descriptor a queue: asked for, or where it is of use and there."""
    wish = card.driver.name if card.driver is not None else None
    if (card.model or "") not in VIRTIO_MODELS or wish == "qemu" or (wish is None and live.type != "kvm"):
        return
    for _ in range(queues(card)):
        try:
            fd = os.open(card.backend_vhost or VHOST, os.O_RDWR | os.O_CLOEXEC)
        except OSError as error:
            if wish == "vhost":
                raise ConfigUnsupported(
                    f"interface '{card.alias}': driver vhost needs {VHOST}: {error.strerror}"
                ) from error
            return
        closing.callback(os.close, fd)
        yield fd


async def _run_script(script: str, name: str) -> None:
    """A script of the definition's that sets up (or takes down) a tap. Raises OperationFailed."""
    try:
        done = await run([script, name], timeout=_SCRIPT_TIMEOUT)
    except OSError as error:
        raise OperationFailed(f"cannot run the script {script} for {name}: {error.strerror}") from error
    if done.returncode:
        raise OperationFailed(f"the script {script} for {name} failed, status {done.returncode}: {done.stderr_text}")
