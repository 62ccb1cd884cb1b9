"""What the real libvirtd lets read-only clients do, asked call by call."""

from __future__ import annotations

from typing import Any

from pyvirtd.client.connection import PROGRAMS
from pyvirtd.errors import OperationDenied, VirtError
from pyvirtd.protocol.calls import Call
from pyvirtd.protocol.shapes import call_shape
from tests.protocol.test_codec import blank_of

LEFT_OUT = {"connect_open", "connect_close", "auth_sasl_start", "auth_sasl_step", "auth_sasl_init", "auth_polkit"}
"""They would end the conversation, or start another one."""


async def refused(conn: Any, call: Call) -> bool:
    """Whether the daemon says that read-only clients may not."""
    hidden = call.asks.name if call.asks is not None else None
    args = [blank_of(shape) for name, shape in call_shape(call).args if name != hidden]
    try:
        answer = await conn.call(call, *args)
        if call.stream is not None:
            await answer.abort()
    except OperationDenied:
        return True
    except VirtError:
        pass
    return False


CHECKED_LATER = "libvirt 9.0.0 looks at the arguments first"
NEWER = "libvirt 9.0.0 does not know it"
READS = "libvirt lets it pass, though its own access rules want more than reading"
HANDS_IN_XML = "libvirt lets it pass; it hands in XML, which no read-only client may"
STRICTER = {
    "connect_baseline_cpu": HANDS_IN_XML,
    "connect_baseline_hypervisor_cpu": HANDS_IN_XML,
    "connect_compare_cpu": HANDS_IN_XML,
    "connect_domain_monitor_event_deregister": READS,
    "connect_set_identity": READS,
    "domain_announce_interface": NEWER,
    "domain_attach": CHECKED_LATER,
    "domain_del_throttle_group": NEWER,
    "domain_fd_associate": CHECKED_LATER,
    "domain_graphics_reload": NEWER,
    "domain_migrate_get_compression_cache": READS,
    "domain_migrate_get_max_downtime": READS,
    "domain_open_graphics": CHECKED_LATER,
    "domain_rename": CHECKED_LATER,
    "domain_send_process_signal": CHECKED_LATER,
    "domain_set_autostart_once": NEWER,
    "domain_set_launch_security_state": CHECKED_LATER,
    "domain_set_throttle_group": NEWER,
    "network_set_metadata": CHECKED_LATER,
    "node_device_update": NEWER,
}
"""Calls that we close and whose refusal by the real daemon this way of asking does not show, with the reason."""


async def stricter_than_theirs(conn: Any) -> dict[str, str]:
    """The calls that only we close; AssertionError for one that we open and libvirt does not."""
    differ = {}
    for cls in PROGRAMS:
        for name, call in cls.calls.items():
            if name in LEFT_OUT:
                continue
            theirs = await refused(conn, call)
            assert not (call.ro and theirs), f"{name} is open to readers here, libvirt refuses it"
            if not call.ro and not theirs:
                differ[name] = STRICTER.get(name, "no reason known")
    return differ
