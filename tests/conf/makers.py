"""How each kind of document goes through its steps: read, completed, checked, printed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pyvirtd.conf.backup import complete_backup, format_backup, parse_backup
from pyvirtd.conf.checkpoint import check_checkpoint, complete_bitmaps, format_checkpoint, parse_checkpoint
from pyvirtd.conf.domain.domain import DomainDef
from pyvirtd.conf.interface import check_interface, format_interface, parse_interface
from pyvirtd.conf.network import check_functions, check_network, complete_network, format_network, parse_network
from pyvirtd.conf.network.network import Bridge
from pyvirtd.conf.network.port import format_network_port, parse_network_port
from pyvirtd.conf.nodedev import (
    check_node_device,
    complete_node_device,
    format_node_device,
    parse_node_device,
)  # fmt: skip
from pyvirtd.conf.nwfilter import (
    check_filter,
    complete_filter,
    format_filter,
    format_filter_binding,
    parse_filter,
    parse_filter_binding,
)  # fmt: skip
from pyvirtd.conf.secret import complete_secret, format_secret, parse_secret
from pyvirtd.conf.snapshot import check_redefined, format_snapshot, parse_snapshot
from pyvirtd.conf.storage import (
    check_backend,
    check_pool,
    check_volume,
    complete_pool,
    complete_volume,
    format_pool,
    format_volume,
    parse_pool,
    parse_volume,
    place_volume,
)  # fmt: skip
from pyvirtd.conf.xml import Dump


def network_read(text: str) -> str:
    """As libvirt's own tests do: without what the driver chooses."""
    made = parse_network(text)
    given = made.mac
    complete_network(made)
    made.mac = given
    return format_network(made, Dump.INACTIVE)


def network(text: str) -> str:
    made = parse_network(text)
    complete_network(made)
    check_network(made)
    check_functions(made, lambda _: False)  # there were none where the oracle was asked
    if made.owns_bridge:
        made.bridge = made.bridge or Bridge()
        made.bridge.name = made.bridge.name or "virbr0"
    return format_network(made, Dump.INACTIVE)


# Debian's libvirt-daemon-system, with no package of a storage driver beside it.
SERVED = ("dir", "fs", "netfs", "logical", "disk", "iscsi", "scsi", "mpath")


EMPTY_QCOW2 = 196608  # bytes that QEMU 7.2 writes for an image without contents


def pool_read(text: str) -> str:
    made = parse_pool(text)
    complete_pool(made)
    check_pool(made)
    return format_pool(made, Dump.INACTIVE)


def pool(text: str) -> str:
    made = parse_pool(text)
    complete_pool(made)
    check_pool(made)
    check_backend(made, SERVED)
    return format_pool(made, Dump.INACTIVE)


def volume(text: str) -> str:
    made = parse_volume(text)
    complete_volume(made)
    check_volume(made)
    place_volume(made, "/var/tmp/pyvirtd-oracle-volumes", EMPTY_QCOW2)
    return format_volume(made)


def nwfilter(text: str) -> str:
    made = parse_filter(text)
    complete_filter(made)
    check_filter(made)
    return format_filter(made)


def secret(text: str) -> str:
    made = parse_secret(text)
    complete_secret(made)
    return format_secret(made)


def interface(text: str) -> str:
    made = parse_interface(text)
    check_interface(made)
    return format_interface(made)


def as_driven(domain: DomainDef | None) -> None:
    """What the driver's post-parse does to the guests in the corpus' snapshots."""
    if domain is not None and domain.os.machine == "pc":
        domain.os.machine = "pc-i440fx-7.2"


def snapshot(text: str) -> str:
    made = parse_snapshot(text)
    check_redefined(made)
    as_driven(made.domain)
    return format_snapshot(made, Dump.SECURE)


def checkpoint(text: str) -> str:
    made = parse_checkpoint(text)
    check_checkpoint(made, redefined=True)
    complete_bitmaps(made)
    as_driven(made.domain)
    return format_checkpoint(made, Dump.INACTIVE | Dump.SECURE)


def backup(text: str) -> str:
    made = parse_backup(text)
    names = [disk.name for disk in made.disks]
    complete_backup(made, [*names, "vdextradisk"], "SUFFIX")
    return format_backup(made)


def node_device(text: str) -> str:
    made = parse_node_device(text)
    complete_node_device(made)
    check_node_device(made)
    return format_node_device(made)


MAKERS: dict[str, Callable[[str], str]] = {
    "network": network, "pool": pool, "volume": volume, "nwfilter": nwfilter, "secret": secret, "interface": interface,
    "snapshot": snapshot, "checkpoint": checkpoint,
}  # fmt: skip
# kind: the step with the document, the step that decides
STEPS: dict[str, tuple[str, str]] = {
    "volume": ("xml", "create"),
    "snapshot": ("xml", "redefine"),
    "checkpoint": ("xml", "redefine"),
}
# kind: reading under the VALIDATE flag, before the rest; the step that has it
VALIDATED: dict[str, tuple[Callable[..., Any], str]] = {
    "network": (parse_network, "validate"),
    "pool": (parse_pool, "validate"),
    "nwfilter": (parse_filter, "validate"),
    "secret": (parse_secret, "validate"),
    "interface": (parse_interface, "validate"),
    "snapshot": (parse_snapshot, "redefine-validate"),
}
EXPECTED: dict[str, tuple[Callable[[str], str], str]] = {
    "network": (network_read, "network/expect"),
    "pool": (pool_read, "pool/expect/xml"),
    "nwfilter": (nwfilter, "nwfilter/expect"),
    "backup": (backup, "backup/expect"),
    "nodedev": (node_device, "nodedev/expect"),
}
ROUND: dict[str, tuple[Callable[[str], Any], Callable[[Any], str]]] = {
    "network": (parse_network, format_network),
    "network-port": (parse_network_port, format_network_port),
    "pool": (parse_pool, format_pool),
    "volume": (parse_volume, format_volume),
    "nwfilter": (parse_filter, format_filter),
    "nwfilter-binding": (parse_filter_binding, format_filter_binding),
    "secret": (parse_secret, format_secret),
    "interface": (parse_interface, format_interface),
    "snapshot": (parse_snapshot, format_snapshot),
    "checkpoint": (parse_checkpoint, format_checkpoint),
    "backup": (parse_backup, format_backup),
    "nodedev": (parse_node_device, format_node_device),
}
