"""Which device of a definition a client's document means. What the document leaves out, matches anything.

Source: libvirt's behaviour, device by device; formatdomain.html says what identifies each.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pyvirtd.conf.domain.address import PciAddress
from pyvirtd.conf.domain.chardev import Backend, Channel, Chardev, Console, Parallel, Serial
from pyvirtd.conf.domain.controller import Controller
from pyvirtd.conf.domain.devices import LIST_OF
from pyvirtd.conf.domain.disk import Disk
from pyvirtd.conf.domain.domain import DomainDef
from pyvirtd.conf.domain.filesystem import Filesystem
from pyvirtd.conf.domain.hostdev import Hostdev, ScsiSource, UsbSource
from pyvirtd.conf.domain.input import Input
from pyvirtd.conf.domain.interface import Interface
from pyvirtd.conf.domain.lease import Lease
from pyvirtd.conf.domain.memory_device import MemoryDevice
from pyvirtd.conf.domain.redirdev import RedirDev
from pyvirtd.conf.domain.rng import Rng
from pyvirtd.conf.domain.shmem import Shmem
from pyvirtd.conf.domain.sound import Sound
from pyvirtd.conf.domain.vsock import Vsock
from pyvirtd.conf.domain.watchdog import Watchdog
from pyvirtd.conf.xml import Element
from pyvirtd.errors import DeviceMissing, InvalidArg, OperationFailed, VirtError

Same = Callable[[Any, Any], bool]


def list_name(device: Element) -> str:
    """The field of `Devices` that devices of this kind are in."""
    return LIST_OF[next(cls for cls in type(device).__mro__ if cls in LIST_OF)]


def list_of(definition: DomainDef, device: Element) -> list[Any]:
    """The list of the definition that devices of this kind are in."""
    found: list[Any] = getattr(definition.devices, list_name(device))
    return found


def find(definition: DomainDef, wanted: Element, *, made_up_mac: bool = False) -> Any:
    """The device that is meant. `made_up_mac`: the client named no address for its network card.

    Raises DeviceMissing (InvalidArg for character devices), OperationFailed when several could be meant.
    """
    same = _same(wanted, made_up_mac)
    found = [device for device in list_of(definition, wanted) if same(device, wanted)]
    if not found:
        raise missing(definition, wanted)
    if isinstance(wanted, Interface) and len(found) > 1:
        raise OperationFailed(f"domain '{definition.name}' has {len(found)} interfaces that fit; say which by address")
    return found[0]


def by_alias(definition: DomainDef, alias: str) -> Any:
    """The device of that alias. Raises InvalidArg, DeviceMissing."""
    if not alias:
        raise InvalidArg("the alias is empty")
    for device in definition.devices.all():
        if getattr(device, "alias", None) == alias:
            return device
    raise DeviceMissing(f"domain '{definition.name}' has no device with the alias '{alias}'")


def has(definition: DomainDef, wanted: Element) -> bool:
    """Whether there is such a device already."""
    same = _same(wanted, False)
    return any(same(device, wanted) for device in list_of(definition, wanted))


def missing(definition: DomainDef, wanted: Element) -> VirtError:
    """The error for a device that is not there."""
    text = f"domain '{definition.name}' has no such {wanted.TAG}{_name(wanted)}"
    return InvalidArg(text) if isinstance(wanted, Chardev | Lease) else DeviceMissing(text)


def _name(wanted: Any) -> str:
    for field in ("target", "mac", "name"):
        value = getattr(wanted, field, None)
        if isinstance(value, str) and value:
            return f" '{value}'"
    return ""


def same_address(device: Any, wanted: Any) -> bool:
    """Where the document names no place, any will do."""
    have, want = device.address, wanted.address
    if want is None or (isinstance(want, PciAddress) and want.unset):
        return True
    if isinstance(have, PciAddress) and isinstance(want, PciAddress):
        return (have.domain, have.bus, have.slot, have.function) == (want.domain, want.bus, want.slot, want.function)
    return bool(have == want)


def _same(wanted: Element, made_up_mac: bool) -> Same:
    if isinstance(wanted, Interface) and made_up_mac:
        return _same_card
    for kind, same in _RULES:
        if isinstance(wanted, kind):
            return same
    return _never


def _never(device: Any, wanted: Any) -> bool:
    return False


def _fields(*names: str) -> Same:
    """Equal in these, and at the place that the document names."""

    def same(device: Any, wanted: Any) -> bool:
        return all(getattr(device, name) == getattr(wanted, name) for name in names) and same_address(device, wanted)

    return same


def _same_disk(device: Disk, wanted: Disk) -> bool:
    return device.target == wanted.target


def _same_controller(device: Controller, wanted: Controller) -> bool:
    return device.type == wanted.type and device.index == wanted.index


def _same_card(device: Interface, wanted: Interface) -> bool:
    if wanted.alias and device.alias and wanted.alias != device.alias:
        return False
    return same_address(device, wanted)


def _same_interface(device: Interface, wanted: Interface) -> bool:
    return (device.mac or "").lower() == (wanted.mac or "").lower() and _same_card(device, wanted)


def _same_filesystem(device: Filesystem, wanted: Filesystem) -> bool:
    return device.target == wanted.target


def _same_lease(device: Lease, wanted: Lease) -> bool:
    return device.key == wanted.key and device.lockspace == wanted.lockspace


def same_backend(device: Backend, wanted: Backend) -> bool:
    """Paths of terminals and of sockets that were made up at the start are not what identifies a line."""
    if device.type != wanted.type:
        return False
    if device.type == "pty" and (wanted.source is None or not wanted.source.path):
        return True
    if device.type == "unix" and (wanted.source is None or not wanted.source.path):
        return True
    return device.sources == wanted.sources and device.protocol == wanted.protocol


def _same_chardev(device: Chardev, wanted: Chardev) -> bool:
    if not same_backend(device.backend, wanted.backend):
        return False
    match device, wanted:
        case (Parallel(), Parallel()):
            return device.port == wanted.port
        case (Serial(), Serial()):
            return device.target_type == wanted.target_type and device.port == wanted.port
        case (Console(), Console()):
            return device.target_type == wanted.target_type and device.port == wanted.port
        case (Channel(), Channel()):
            return _same_channel(device, wanted)
        case _:
            return False


def _same_channel(device: Channel, wanted: Channel) -> bool:
    if device.target_type != wanted.target_type:
        return False
    if device.target_type == "guestfwd":
        return device.address_target == wanted.address_target and device.port == wanted.port
    return device.name == wanted.name


def _same_hostdev(device: Hostdev, wanted: Hostdev) -> bool:
    if device.mode != wanted.mode or device.type != wanted.type:
        return False
    have, want = device.source, wanted.source
    if isinstance(have, UsbSource) and isinstance(want, UsbSource):
        by_place = want.bus is None or (have.bus, have.device) == (want.bus, want.device)
        by_kind = want.vendor is None or (have.vendor, have.product) == (want.vendor, want.product)
        return by_place and by_kind
    if isinstance(have, ScsiSource) and isinstance(want, ScsiSource) and want.protocol == "iscsi":
        return have.protocol == "iscsi" and have.name == want.name and have.hosts[:1] == want.hosts[:1]
    return have == want


def _same_memory(device: MemoryDevice, wanted: MemoryDevice) -> bool:
    have, want = device.target, wanted.target
    same_target = (have.size, have.node, have.label) == (want.size, want.node, want.label)
    same_kind = (device.model, device.access, device.source) == (wanted.model, wanted.access, wanted.source)
    return same_target and same_kind and same_address(device, wanted)


def _same_redirdev(device: RedirDev, wanted: RedirDev) -> bool:
    return device.bus == wanted.bus and same_backend(device.backend, wanted.backend) and same_address(device, wanted)


def _same_rng(device: Rng, wanted: Rng) -> bool:
    same_backends = device.backend.model == wanted.backend.model and (
        device.backend.path == wanted.backend.path
        if device.backend.model != "egd"
        else same_backend(device.backend.chardev, wanted.backend.chardev)
    )
    rates = (device.rate_bytes, device.rate_period) == (wanted.rate_bytes, wanted.rate_period)
    return same_backends and rates and device.model == wanted.model and same_address(device, wanted)


_RULES: tuple[tuple[type[Element], Same], ...] = (
    (Disk, _same_disk), (Controller, _same_controller), (Interface, _same_interface), (Filesystem, _same_filesystem),
    (Lease, _same_lease), (Chardev, _same_chardev), (Hostdev, _same_hostdev), (MemoryDevice, _same_memory),
    (RedirDev, _same_redirdev), (Rng, _same_rng), (Sound, _fields("model")),
    (Shmem, _fields("name", "size", "model", "server", "server_path", "msi", "msi_vectors", "msi_ioeventfd")),
    (Input, _fields("type", "bus", "model", "evdev", "dev")), (Vsock, _fields("model", "cid", "auto")),
    (Watchdog, _fields("model", "action")),
)  # fmt: skip
