"""Object names as file names: any name fits, none escapes its directory, two never meet in one file.

Plain names (nearly all) stay as they are. `/`, NUL, `%`, control characters and a leading dot become %XX; a name too
long for a file is cut, and ends in `%~` and a hash of the whole. What a file's object is really called stands inside
the file, so nothing needs to be read back from the file's name.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final

_PLAIN: Final = re.compile(rb"[^.\0-\x1f\x7f/%][^\0-\x1f\x7f/%]*")
_LONGEST: Final = 200
"""Bytes; leaves room for what others append (.xml, .log, .nvram, a temporary's ending) within a file name's 255."""


def file_name(name: str) -> str:
    """The part of a file name that stands for `name`; never empty, never starting with a dot."""
    raw = name.encode("utf-8", "surrogateescape")
    if 0 < len(raw) <= _LONGEST and _PLAIN.fullmatch(raw):
        return name
    safe = b"".join(_quoted(byte, first=not at) for at, byte in enumerate(raw)) or b"%"
    if len(safe) > _LONGEST:
        safe = safe[: _LONGEST - 34].decode("utf-8", "ignore").encode() + b"%~" + _digest(raw)
    return safe.decode("utf-8", "surrogateescape")


def _awkward(byte: int) -> bool:
    return byte < 0x20 or byte == 0x7F or byte in b"/%"


def _quoted(byte: int, *, first: bool) -> bytes:
    return b"%%%02X" % byte if _awkward(byte) or (first and byte == 0x2E) else bytes((byte,))


def _digest(raw: bytes) -> bytes:
    return hashlib.sha256(raw).hexdigest()[:32].encode()
