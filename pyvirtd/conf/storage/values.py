"""How values are written that only storage has."""

from __future__ import annotations

from typing import Final

from pyvirtd.conf.xml.types import Codec


def _mode(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise ValueError
    value = int(text, 8)
    if value > 0o7777:
        raise ValueError
    return value


Mode: Final = Codec(_mode, lambda value: f"0{value:o}", right="an octal mode like 0644", pattern="[0-7]{1,5}")
"""File permission bits."""
