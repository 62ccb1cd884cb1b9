"""<network> and its parts: `parse_network`, `complete_network` (post-parse), `check_network`, `format_network`."""

from pyvirtd.conf.network.network import NetworkDef, format_network, parse_network
from pyvirtd.conf.network.postparse import complete_network, free_bridge_name
from pyvirtd.conf.network.validate import check_functions, check_network

__all__ = [
    "NetworkDef", "check_functions", "check_network", "complete_network", "format_network", "free_bridge_name",
    "parse_network",
]  # fmt: skip
