"""The devices of the host that there is none of."""

from __future__ import annotations

from typing import Final

from pyvirtd.conf.nodedev import NodeDeviceDef, format_node_device
from pyvirtd.drivers.test.world import World
from pyvirtd.errors import NoNodeDevice
from pyvirtd.protocol.calls import supports
from pyvirtd.protocol.remote.nodedev import NodeDeviceCalls as Calls
from pyvirtd.protocol.types import NodeDeviceRef

_NAMES: Final = (
    "system", "pci", "usb_device", "usb", "net", "scsi_host", "scsi_target", "scsi", "storage", "fc_host", "vports",
    "scsi_generic", "drm", "mdev_types", "mdev", "ccw", "css", "vdpa", "ap_card", "ap_queue", "ap_matrix", "vpd",
)  # fmt: skip
"""Capabilities by the bit of VIR_CONNECT_LIST_NODE_DEVICES_CAP_*."""
_INACTIVE, _ACTIVE, _PERSISTENT, _TRANSIENT = 1 << 30, 1 << 31, 1 << 28, 1 << 29


class NodeDeviceCalls(Calls):
    """See the module."""

    runtime: World

    def _device(self, name: str) -> NodeDeviceDef:
        device = self.runtime.devices.get(name)
        if device is None:
            raise NoNodeDevice(f"there is no node device '{name}'")
        return device

    @supports((1 << len(_NAMES)) - 1 | _INACTIVE | _ACTIVE | _PERSISTENT | _TRANSIENT)
    def connect_list_all_node_devices(self, flags: int) -> list[NodeDeviceRef]:
        wanted = {name for bit, name in enumerate(_NAMES) if flags >> bit & 1}
        if (flags & _INACTIVE and not flags & _ACTIVE) or (flags & _TRANSIENT and not flags & _PERSISTENT):
            return []
        return [
            NodeDeviceRef(device.name)
            for device in self.runtime.devices.values()
            if not wanted or wanted & set(_kinds(device))
        ]

    def node_num_of_devices(self, cap: str | None, flags: int) -> int:
        return len(self.node_list_devices(cap, flags))

    def node_list_devices(self, cap: str | None, flags: int) -> list[str]:
        return [device.name for device in self.runtime.devices.values() if cap is None or cap in _kinds(device)]

    def node_device_lookup_by_name(self, name: str) -> NodeDeviceRef:
        return NodeDeviceRef(self._device(name).name)

    def node_device_get_xml_desc(self, name: str, flags: int) -> str:
        return format_node_device(self._device(name))

    def node_device_get_parent(self, name: str) -> str | None:
        return self._device(name).parent

    def node_device_num_of_caps(self, name: str) -> int:
        return len(_kinds(self._device(name)))

    def node_device_list_caps(self, name: str) -> list[str]:
        return _kinds(self._device(name))

    def node_device_is_active(self, name: str) -> int:
        self._device(name)
        return 1

    def node_device_is_persistent(self, name: str) -> int:
        self._device(name)
        return 1

    def node_device_get_autostart(self, name: str) -> int:
        self._device(name)
        return 0


def _kinds(device: NodeDeviceDef) -> list[str]:
    return [capability.VARIANT for capability in device.capabilities]
