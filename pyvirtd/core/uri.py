"""Connection URIs: `qemu:///system`, `test:///default`, `lxc:///`."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import SplitResult, parse_qsl, urlsplit

from pyvirtd.errors import InvalidArg


class ConnectURI(NamedTuple):
    """What a client asked to open, taken apart. `text` is what it sent."""

    text: str
    scheme: str
    """The driver's part alone: "qemu" of "qemu+ssh"."""
    transport: str
    """"ssh" of "qemu+ssh"; empty where there is none."""
    host: str
    path: str
    query: dict[str, str]

    @classmethod
    def parse(cls, text: str) -> ConnectURI:
        """Raises InvalidArg when it is none."""
        try:
            parts: SplitResult = urlsplit(text)
            host = parts.hostname or ""
        except ValueError as error:
            raise InvalidArg(f"connection URI '{text}': {error}") from None
        if not parts.scheme:
            raise InvalidArg(f"connection URI '{text}' has no scheme; one like qemu:///system is expected")
        scheme, _, transport = parts.scheme.partition("+")
        return cls(text, scheme, transport, host, parts.path, dict(parse_qsl(parts.query, keep_blank_values=True)))
