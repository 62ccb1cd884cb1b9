"""A world of the test driver in this process, and what its clients would hear."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from pyvirtd.core.client import CURRENT, Client
from pyvirtd.core.uri import ConnectURI
from pyvirtd.drivers.test.driver import TestDriver
from pyvirtd.drivers.test.hypervisor import Hypervisor
from pyvirtd.protocol.remote.events import DomainEventLifecycle
from pyvirtd.protocol.types import DomainRef


class Bench:
    """A client of test:///default."""

    def __init__(self, driver: TestDriver) -> None:
        self.driver = driver
        self.conn: Hypervisor = driver.connect(ConnectURI.parse("test:///default"))
        self.events: list[Any] = []
        self.conn.events.subscribe(self.events.append)

    @property
    def test(self) -> DomainRef:
        """The domain that is there from the start."""
        return self.conn.domain_lookup_by_name("test")

    def lifecycle(self) -> list[tuple[str, int, int]]:
        """The lifecycle events since the last call of this: (name, event, detail)."""
        found = [(e.dom.name, int(e.event), e.detail) for e in self.events if isinstance(e, DomainEventLifecycle)]
        self.events.clear()
        return found

    def define(self, name: str = "a", rest: str = "") -> DomainRef:
        """A domain that is off."""
        ref = self.conn.domain_define_xml_flags(
            f"<domain type='test'><name>{name}</name><memory>65536</memory><os><type>hvm</type></os>{rest}</domain>", 0)
        self.events.clear()
        return ref


@pytest.fixture
def bench() -> Iterator[Bench]:
    """As a client has it."""
    client = Client(1)
    token = CURRENT.set(client)
    yield Bench(TestDriver())
    client.close()
    CURRENT.reset(token)
