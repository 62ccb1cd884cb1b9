"""How each kind of document goes through its steps: read, completed, checked, printed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pyvirtd.conf.network import check_functions, check_network, complete_network, format_network, parse_network
from pyvirtd.conf.network.network import Bridge
from pyvirtd.conf.network.port import format_network_port, parse_network_port
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


MAKERS: dict[str, Callable[[str], str]] = {"network": network}
STEPS: dict[str, tuple[str, str]] = {}  # kind: the document's step, the deciding step


EXPECTED: dict[str, tuple[Callable[[str], str], str]] = {"network": (network_read, "network/expect")}
ROUND: dict[str, tuple[Callable[[str], Any], Callable[[Any], str]]] = {
    "network": (parse_network, format_network),
    "network-port": (parse_network_port, format_network_port),
}
