"""Devices of the host."""

from pyvirtd.conf.nodedev.device import (
    NodeDeviceDef,
    check_created,
    check_node_device,
    complete_node_device,
    format_node_device,
    parse_node_device,
)

__all__ = [
    "NodeDeviceDef",
    "check_created",
    "check_node_device",
    "complete_node_device",
    "format_node_device",
    "parse_node_device",
]
