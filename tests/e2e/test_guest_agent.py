"""What a guest's agent tells and does, through virsh; and what its absence looks like."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.e2e.conftest import RichGuest
from tests.harness.guests import guest_xml

pytestmark = pytest.mark.e2e


def test_what_the_agent_tells(rich: RichGuest) -> None:
    rich.agent()
    info = rich.table("guestinfo", "g")
    assert info["hostname"] == rich.ok("domhostname", "g").strip()
    assert info["os.machine"] == "x86_64"
    assert info["disk.0.alias"] == "vda"
    assert (info["if.1.name"], info["if.1.addr.0.addr"]) == ("eth0", "10.0.2.15")
    assert abs(int(rich.table("domtime", "g")["Time"]) - time.time()) < 3600 * 24
    assert ["eth0", "52:54:00:11:22:33", "ipv4", "10.0.2.15/24"] in rich.rows("domifaddr", "g", "--source", "agent")
    assert rich.rows("domfsinfo", "g") == []  # this guest has mounted no disk
    rich.ok("domfsfreeze", "g")
    rich.ok("domfsthaw", "g")
    assert "refused" in rich.virsh("get-user-sshkeys", "g", "nobody-here").fails()


def test_vcpus_as_the_guest_sees_them(rich: RichGuest) -> None:
    rich.agent()
    assert rich.table("guestvcpus", "g") == {"vcpus": "0-1", "online": "0-1", "offlinable": "1"}
    rich.ok("guestvcpus", "g", "--disable", "1")
    assert rich.table("guestvcpus", "g")["online"] == "0"
    assert rich.ok("vcpucount", "g", "--guest").strip() == "1"
    rich.ok("setvcpus", "g", "2", "--guest")
    assert rich.table("guestvcpus", "g")["online"] == "0-1"
    assert "no vCPU 9" in rich.virsh("guestvcpus", "g", "--enable", "9").fails()
    assert "cannot do without" in rich.virsh("guestvcpus", "g", "--disable", "0").fails()


def test_without_a_channel_every_call_says_so(rich: RichGuest, tmp_path: Path) -> None:
    file = tmp_path / "plain.xml"
    file.write_text(guest_xml("plain"))
    rich.ok("create", str(file))
    for call in ("domtime", "guestinfo", "domfsinfo", "guestvcpus", "domfsfreeze", "domfstrim"):
        assert "no channel named org.qemu.guest_agent.0" in rich.virsh(call, "plain").fails(), call
    rich.ok("destroy", "plain")
    assert "not running" in rich.virsh("domtime", "plain").fails() or rich.virsh("dominfo", "plain").fails()


def test_what_there_is_none_of(rich: RichGuest) -> None:
    assert rich.ok("snapshot-list", "g").strip() == ""
    assert rich.ok("checkpoint-list", "g").strip() == ""
    assert rich.rows("domjobinfo", "g") == [["Job", "type:", "None"]]
    assert "no current snapshot" in rich.virsh("snapshot-current", "g").fails()
    assert "no device on the host" in rich.virsh("domifstat", "g", "52:54:00:11:22:33").fails()
    assert rich.table("domiftune", "g", "52:54:00:11:22:33")["inbound.average"] == "0"
