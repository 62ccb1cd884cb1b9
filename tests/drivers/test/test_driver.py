"""Whose world is whose, and how a world begins."""

from __future__ import annotations

from pathlib import Path

import pytest

from pyvirtd.core.client import CURRENT, Client
from pyvirtd.core.lifecycle import State
from pyvirtd.core.uri import ConnectURI
from pyvirtd.drivers.test.driver import TestDriver
from pyvirtd.drivers.test.hypervisor import Hypervisor
from pyvirtd.errors import HostSystemError, InvalidArg, OperationDenied, OperationFailed, XMLError
from tests.drivers.test.conftest import Bench

NODE = """<node>
  <domain type='test' xmlns:test='http://libvirt.org/schemas/domain/test/1.0'>
    <name>off</name><memory>1024</memory><os><type>hvm</type></os><test:runstate>5</test:runstate>
    <test:hasmanagedsave>1</test:hasmanagedsave>
  </domain>
  <domain file='other.xml'/>
</node>"""
OTHER = "<domain type='test'><name>other</name><memory>1024</memory><os><type>hvm</type></os></domain>"


def opened(driver: TestDriver, uri: str, client: Client) -> Hypervisor:
    token = CURRENT.set(client)
    try:
        return driver.connect(ConnectURI.parse(uri))
    finally:
        CURRENT.reset(token)


async def test_default_is_shared_until_the_last_has_gone() -> None:
    driver, first, second = TestDriver(), Client(1), Client(2)
    one = opened(driver, "test:///default", first)
    await one.domain_destroy_flags(one.domain_lookup_by_name("test"), 0)
    assert opened(driver, "test:///default", second) is one
    first.close()
    third = Client(3)
    assert opened(driver, "test:///default", third) is one
    second.close()
    third.close()
    again = opened(driver, "test:///default", Client(4))
    assert again.domain_get_state(again.domain_lookup_by_name("test"), 0) == (State.RUNNING, 0)


def test_the_domain_that_is_always_there(bench: Bench) -> None:
    assert bench.test.id == 1
    assert bench.test.uuid.hex() == "6695eb01f6a4830479aa97f2502e193f"
    info = bench.conn.domain_get_info(bench.test)
    assert (info.max_mem, info.memory, info.nr_virt_cpu) == (8388608, 2097152, 2)


def test_documents(tmp_path: Path) -> None:
    (tmp_path / "node.xml").write_text(NODE)
    (tmp_path / "other.xml").write_text(OTHER)
    uri = f"test://{tmp_path}/node.xml"
    world = opened(TestDriver(), uri, Client(1))
    assert [ref.name for ref in world.connect_list_all_domains(1)] == ["other"]
    assert [ref.name for ref in world.connect_list_all_domains(256)] == ["off"]
    assert world.connect_get_uri() == uri
    with pytest.raises(OperationDenied):
        opened(TestDriver(), uri, Client(2, readonly=True))


@pytest.mark.parametrize(("text", "error"), [
    ("<domain/>", XMLError),
    ("<node><domain file='gone.xml'/></node>", HostSystemError),
    ("<node><domain file='/dev/zero'/></node>", InvalidArg),
    (f"<node>{OTHER}{OTHER}</node>", OperationFailed),
    ("<node><domain type='qemu'><name>x</name><os><type>hvm</type></os></domain></node>", InvalidArg),
])  # fmt: skip
def test_documents_that_are_wrong(tmp_path: Path, text: str, error: type[Exception]) -> None:
    (tmp_path / "node.xml").write_text(text)
    with pytest.raises(error):
        opened(TestDriver(), f"test://{tmp_path}/node.xml", Client(1))
    with pytest.raises(InvalidArg):
        opened(TestDriver(), "test:///", Client(1))
