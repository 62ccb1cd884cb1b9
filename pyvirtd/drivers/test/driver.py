"""The test driver: which URIs it serves, and whose world is whose."""

from __future__ import annotations

from typing import ClassVar

from pyvirtd.core import client
from pyvirtd.core.driver import Driver
from pyvirtd.core.uri import ConnectURI
from pyvirtd.drivers.test.document import default_world, read_world
from pyvirtd.drivers.test.hypervisor import Hypervisor
from pyvirtd.errors import ErrorDomain, InvalidArg, OperationDenied


class TestDriver(Driver):
    """test:///default is one world for all who are connected to it, and anew when the last of them has gone;
    test:///PATH is a world of each connection's own."""

    __test__ = False  # it is no test, whatever pytest makes of the name

    name: ClassVar[str] = "test"
    schemes: ClassVar[tuple[str, ...]] = ("test",)
    error_domain: ClassVar[int] = ErrorDomain.TEST
    joins_secondary: ClassVar[bool] = False
    answers: ClassVar[type] = Hypervisor

    def __init__(self) -> None:
        self._shared: Hypervisor | None = None
        self._users = 0

    def connect(self, uri: ConnectURI) -> Hypervisor:
        """Raises InvalidArg without a path, OperationDenied where a read-only client names a file of the host's."""
        if uri.path in ("", "/"):
            raise InvalidArg("a test URI has a path: test:///default, or that of a document like test:///etc/node.xml")
        if uri.path == "/default":
            return self._default()
        if client.current().readonly:
            raise OperationDenied(f"a read-only client cannot have {uri.path} read; test:///default needs no file")
        return Hypervisor(read_world(f"test://{uri.path}", uri.path))

    def _default(self) -> Hypervisor:
        if self._shared is None:
            self._shared = Hypervisor(default_world("test:///default"))
        self._users += 1
        client.current().on_close(self._left)
        return self._shared

    def _left(self) -> None:
        self._users -= 1
        if self._users == 0:
            self._shared = None
