"""What went wrong in this field before, a case each, named by the numbers of libvirt's notices or CVEs."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import stat
from pathlib import Path
from typing import Any

import pytest

from pyvirtd.conf.domain.domain import parse_domain
from pyvirtd.core.client import current
from pyvirtd.core.lifecycle import State
from pyvirtd.drivers.qemu.machine import Machine
from pyvirtd.errors import OperationDenied, OperationTimeout, RPCError, VirtError, XMLDetail, XMLError
from pyvirtd.host.procfile import process_start_time
from pyvirtd.protocol.bind import bind, is_read
from pyvirtd.protocol.calls import When
from pyvirtd.protocol.codec import args_encoder
from pyvirtd.protocol.constants.domain import DomainXMLFlags
from pyvirtd.protocol.frame import CALL, OK, encode_message
from pyvirtd.protocol.remote.hypervisor import HypervisorCalls
from pyvirtd.store.names import file_name
from tests.drivers.qemu.conftest import Bench, bench
from tests.harness.daemon import Pyvirtd
from tests.harness.guests import guest_xml
from tests.harness.programs import require_program, run
from tests.harness.wire import DOMAIN, AllCalls, World
from tests.server.conftest import world

__all__ = ["bench", "world"]  # fixtures
VNC = "<graphics type='vnc' port='5999' passwd='geheim1'/>"


def calls() -> dict[str, Any]:
    """All of the hypervisor program, by name."""
    return {call.name: call for call in HypervisorCalls.calls.values()}


# Access checked too late: 2013-13, 2014-2, CVE-2021-3667, CVE-2025-12748


async def test_2013_13_permission_is_asked_before_the_payload_is_read(world: World) -> None:
    peer = await world.peer(readonly=True)
    serial = await peer.send_body(AllCalls.calls["domain_shutdown_flags"], b"\xff" * 64)
    with pytest.raises(OperationDenied):
        await peer.reply("domain_shutdown_flags", serial)


# Secrets shown: 2014-7, 2015-1, 2020-2


async def test_2014_7_passwords_are_printed_only_under_the_secure_flag(bench: Bench) -> None:
    dom = await bench.driver.domain_define_xml_flags(bench.xml(devices=VNC), 0)
    for flags in (0, DomainXMLFlags.INACTIVE, DomainXMLFlags.UPDATE_CPU):
        assert "geheim1" not in bench.driver.domain_get_xml_desc(dom, flags)
    for flags in (DomainXMLFlags.SECURE, DomainXMLFlags.MIGRATABLE):  # the destination needs them
        assert "geheim1" in bench.driver.domain_get_xml_desc(dom, flags)
        call = bind(bench.driver, readonly=True)[HypervisorCalls.number][calls()["domain_get_xml_desc"].number]
        with pytest.raises(OperationDenied):
            call.decode(args_encoder(call.wire)(dom, flags))


@pytest.mark.parametrize("name", ["domain_get_xml_desc", "domain_snapshot_get_xml_desc",
                                  "domain_checkpoint_get_xml_desc", "domain_save_image_get_xml_desc"])
def test_2015_1_the_secure_flag_has_a_permission_of_its_own(name: str) -> None:
    acl = calls()[name].acl
    secure = [each for each in acl if isinstance(each, When) and each.flags & DomainXMLFlags.SECURE]
    assert any(not is_read(each.permission) for each in secure) or any(
        not is_read(each) for each in acl if isinstance(each, str)
    )


async def test_2020_2_passwords_are_in_no_log_and_no_command_line(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(0)
    dom = await bench.driver.domain_define_xml_flags(bench.xml(devices=VNC), 0)
    dom = await bench.driver.domain_create_with_files(dom, 0, [])
    machine = bench.driver.domains.resolve(dom).machine
    assert machine is not None
    assert b"geheim1" not in Path(f"/proc/{machine.pid}/cmdline").read_bytes()
    assert b"geheim1" not in Path(f"/proc/{machine.pid}/environ").read_bytes()
    assert "geheim1" not in machine.log.path.read_text() + caplog.text
    for file in bench.root.rglob("*.xml"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file


# Image format guessed: 2010-1, -2, -3, 2011-3, 2014-6


@pytest.mark.e2e
def test_2010_1_an_image_without_a_format_is_raw(pyvirtd: Pyvirtd, tmp_path: Path) -> None:
    image = pyvirtd.root / "disk.img"
    qcow2 = "create", "-q", "-f", "qcow2", "-b", "/etc/passwd", "-F", "raw"
    run(require_program("qemu-img"), *qcow2, str(image)).check()
    disk = f"<disk type='file'><source file='{image}'/><target dev='vda' bus='virtio'/></disk>"
    (tmp_path / "guest.xml").write_text(guest_xml("guest", devices=disk))
    pyvirtd.virsh("create", str(tmp_path / "guest.xml"), "--paused").check()
    assert "type='raw'" in pyvirtd.virsh("dumpxml", "guest").check()
    command = Path(f"/proc/{pyvirtd.guests()['guest']}/cmdline").read_text()
    assert '"driver":"raw"' in command
    assert "qcow2" not in command
    assert "/etc/passwd" not in pyvirtd.virsh("dumpxml", "guest").check() + command


# Paths that escape: 2013-18, 2015-4, 2015-3, CVE-2025-13193


@pytest.mark.parametrize("name", ["../x", "/etc/x", "a/b", ""])
async def test_2015_4_a_name_is_no_path(bench: Bench, name: str) -> None:
    with pytest.raises(VirtError):
        await bench.driver.domain_define_xml_flags(bench.xml(name), 0)


@pytest.mark.parametrize("name", ["..", ".", ".hidden", "-x", "x" * 300, "a\x01b", "é" * 200])
def test_2015_4_file_names_stay_in_their_directory(name: str) -> None:
    made = file_name(name)
    assert "/" not in made
    assert made not in ("", ".", "..")
    assert len(os.fsencode(made)) < 250


# Guest answers trusted: 2013-5, 2013-6, 2018-2, 2018-4, 2019-2, 2019-9, CVE-2020-25637


@pytest.mark.parametrize("play", ["garbage", "flood"])
async def test_2019_9_nonsense_from_qemu_ends_the_guest_and_nothing_else(bench: Bench, play: str) -> None:
    other = await bench.driver.domain_define_xml_flags(bench.xml("b", 2), 0)
    bench.play = play
    dom = await bench.driver.domain_define_xml_flags(bench.xml(), 0)
    with contextlib.suppress(VirtError):
        dom = await bench.driver.domain_create_with_files(dom, 0, [])
    domain = bench.driver.domains.by_name("a")
    async with asyncio.timeout(30):
        while domain.active:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    assert domain.state is State.SHUTOFF
    bench.play = ""
    assert (await bench.driver.domain_create_with_files(other, 0, [])).id > 0


# One client takes the daemon down: 2012-2, -3, 2013-1, -4, -9, -16, 2014-1, CVE-2024-2494, CVE-2024-1441


@pytest.mark.parametrize("body", [b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\0\4ab", b"", b"\0" * 4096])
async def test_cve_2024_2494_a_count_is_believed_only_as_far_as_the_bytes_go(world: World, body: bytes) -> None:
    peer = await world.peer()
    serial = await peer.send_body(AllCalls.calls["domain_lookup_by_name"], body)
    with pytest.raises(RPCError):
        await peer.reply("domain_lookup_by_name", serial)
    assert await (await world.peer()).call("domain_lookup_by_name", "one") == DOMAIN


async def test_2013_4_unknown_procedures_and_programs_are_answered(world: World) -> None:
    peer = await world.peer()
    for program, number in ((0x20008086, 9999), (0x20008086, -1 & 0x7FFFFFFF), (0x12345678, 1)):
        await peer.send(encode_message(program, 1, number, CALL, 7, OK))
        assert (await peer.find(lambda message: message.serial == 7)).status != OK
        peer.inbox.clear()
    assert await peer.call("domain_lookup_by_name", "one") == DOMAIN


async def test_2013_1_a_client_that_leaves_in_the_middle_harms_nobody(world: World) -> None:
    other = await world.peer()
    for length in (1, 4, 27, 40):
        peer = await world.peer()
        whole = encode_message(0x20008086, 1, 23, CALL, 1, OK, b"\0\0\0\3one\0")
        await peer.send(whole[:length])
        peer.close()
    assert await other.call("domain_lookup_by_name", "one") == DOMAIN


# Races and left locks: 2014-5, -8, -10, CVE-2021-3975, CVE-2022-0897, CVE-2023-3750, CVE-2024-2496


async def test_cve_2023_3750_a_call_that_is_cancelled_or_fails_holds_nothing(bench: Bench) -> None:
    dom = await bench.driver.domain_define_xml_flags(bench.xml(), 0)
    dom = await bench.driver.domain_create_with_files(dom, 0, [])
    domain = bench.driver.domains.resolve(dom)
    task = asyncio.ensure_future(bench.driver.domain_suspend(dom))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert domain.job.holder is None
    with pytest.raises(VirtError):
        await bench.driver.domain_rename(dom, "b", 0)
    assert domain.job.holder is None
    async with domain.job.hold("somebody"):
        with pytest.raises(OperationTimeout, match="somebody"):
            async with domain.job.hold("another", timeout=0.01):
                pass
    assert domain.job.holder is None


# A process id that was reused: 2013-12


async def test_2013_12_a_client_is_its_process_and_when_that_began(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def lookup(self: object, name: str) -> object:
        seen.append(current().identity)
        return DOMAIN

    lookup.__supports__ = 0  # type: ignore[attr-defined]
    monkeypatch.setattr(type(world.driver), "domain_lookup_by_name", lookup)
    await (await world.peer()).call("domain_lookup_by_name", "x")
    assert (seen[0].pid, seen[0].start_time) == (os.getpid(), process_start_time(os.getpid()))
    assert (seen[0].uid, seen[0].gid) == (os.getuid(), os.getgid())


# Authentication silently off: 2016-1, 2017-2


async def test_2016_1_an_empty_vnc_password_lets_nobody_in(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[str, dict[str, Any]]] = []
    original = Machine.run

    async def listening(self: Machine, command: str, arguments: Any = None, /, **more: Any) -> Any:
        told.append((command, more))
        return await original(self, command, arguments, **more)

    monkeypatch.setattr(Machine, "run", listening)
    dom = await bench.driver.domain_define_xml_flags(bench.xml(devices=VNC.replace("geheim1", "")), 0)
    await bench.driver.domain_create_with_files(dom, 0, [])
    assert ("expire_password", {"protocol": "vnc", "time": "now"}) in told


# Management sockets too open: 2019-3, CVE-2019-10132


@pytest.mark.e2e
def test_cve_2019_10132_sockets_are_as_open_as_they_should_be(pyvirtd: Pyvirtd) -> None:
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (pyvirtd.root / "run").glob("*sock*")}
    assert modes["libvirt-admin-sock"] == 0o700
    assert not modes["libvirt-sock"] & 0o007
    assert modes["libvirt-sock-ro"] & 0o777 in (0o777, 0o700)
    for parent in ("lib/qemu", "run/qemu"):
        assert not stat.S_IMODE((pyvirtd.root / parent).stat().st_mode) & 0o022
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(pyvirtd.root / "run/libvirt-sock-ro"))


# XML that reads files or eats memory: 2014-3, CVE-2025-12748


BOMB = "<!DOCTYPE d [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;'>]>"


@pytest.mark.parametrize(
    "xml",
    [
        "<!DOCTYPE d [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><domain type='qemu'><name>&x;</name></domain>",
        BOMB + "<domain type='qemu'><name>&b;</name></domain>",
        "<!DOCTYPE domain SYSTEM 'http://127.0.0.1:1/x'><domain type='qemu'><name>x</name></domain>",
        "<domain type='qemu'><name>x</name>" + "<a>" * 5000 + "</a>" * 5000 + "</domain>",
        "<domain type='qemu'><name>" + "x" * (20 << 20) + "</name></domain>",
    ],
    ids=["a file", "a bomb", "the network", "depth", "size"],
)
def test_2014_3_documents_reach_for_nothing(xml: str) -> None:
    with pytest.raises((XMLError, XMLDetail)):
        parse_domain(xml)
