"""Read-only clients (notices 2008-1, 2011-1, 2013-15, 2016-2, 2019-1, -4, -5, -6, -7): an allow-list, walked."""

import inspect

import pytest

from pyvirtd.protocol.bind import is_read
from pyvirtd.protocol.calls import Call, When
from pyvirtd.protocol.lxc import LxcCalls
from pyvirtd.protocol.qemu import QemuCalls
from pyvirtd.protocol.remote.hypervisor import HypervisorCalls
from pyvirtd.protocol.remote.interface import InterfaceCalls
from pyvirtd.protocol.remote.network import NetworkCalls
from pyvirtd.protocol.remote.nodedev import NodeDeviceCalls
from pyvirtd.protocol.remote.nwfilter import NWFilterCalls
from pyvirtd.protocol.remote.secret import SecretCalls
from pyvirtd.protocol.remote.session import SessionCalls
from pyvirtd.protocol.remote.storage import StorageCalls

PROGRAMS = [
    SessionCalls, HypervisorCalls, InterfaceCalls, NetworkCalls, NodeDeviceCalls, NWFilterCalls, SecretCalls,
    StorageCalls, QemuCalls, LxcCalls,
]  # fmt: skip
CALLS = {call.name: call for program in PROGRAMS for call in program.calls.values()}
OPEN = [call for call in CALLS.values() if call.ro]

LOOKS_UP = {
    "storage_vol_lookup_by_path", "storage_pool_lookup_by_target_path",
    "domain_block_stats", "domain_block_stats_flags", "domain_get_block_info", "domain_get_block_job_info",
}  # fmt: skip
"""Their path is compared with the paths of known disks, volumes and pools; nothing is opened because of it."""


def parameters(call: Call) -> list[str]:
    return [name for name in inspect.signature(call.function).parameters if name != "self"]


def test_there_is_something_to_walk() -> None:
    assert len(CALLS) > 400
    assert len(OPEN) > 100


@pytest.mark.parametrize("call", OPEN, ids=lambda call: call.name)
def test_what_is_open_only_looks(call: Call) -> None:
    for name in parameters(call):
        assert not any(word in name for word in ("xml", "emulator", "cmd", "command")), f"{call.name} takes {name}"
        assert "path" not in name or call.name in LOOKS_UP
    assert call.files is None
    assert call.stream is None
    plain = [acl for acl in call.acl if not isinstance(acl, When)]
    assert all(is_read(permission) for permission in plain)


@pytest.mark.parametrize(
    "name",
    [
        "domain_save_image_get_xml_desc", "domain_managed_save_define_xml", "connect_get_domain_capabilities",
        "connect_baseline_hypervisor_cpu", "connect_compare_hypervisor_cpu", "domain_get_hostname",
        "domain_rename", "domain_create_xml", "domain_monitor_command", "domain_agent_command", "domain_screenshot",
        "domain_open_console", "storage_vol_download", "secret_get_value", "domain_get_time",
    ],
)  # fmt: skip
def test_calls_that_once_were_open_by_mistake_or_never_may_be(name: str) -> None:
    assert not CALLS[name].ro
