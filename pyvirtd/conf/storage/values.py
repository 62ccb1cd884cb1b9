"""How values are written that only storage has."""

from __future__ import annotations

from typing import Annotated, Final

from pyvirtd.conf.xml.types import Codec


def _mode(text: str) -> int:
    digits = text.strip()
    if not digits.isascii() or not digits.isdigit() or len(digits) > 8:
        raise ValueError
    value = int(digits, 8)
    if value > 0o7777:
        raise ValueError
    return value


Mode: Final = Codec(_mode, lambda value: f"0{value:o}", right="an octal mode like 0644", pattern="[0-7]{1,8}")
"""File permission bits."""


def _owner(text: str) -> int:
    digits = text.strip()
    if len(digits) > 11 or not digits.removeprefix("-").isdigit() or not digits.isascii():
        raise ValueError
    value = int(digits)
    if not -1 <= value < 2**32:
        raise ValueError
    return -1 if value == 2**32 - 1 else value


Owner = Annotated[
    int, Codec(_owner, str, right="a user's or group's number, or -1 for the daemon's own", pattern="-?[0-9]+")
]


def chosen(owner: int, flags: int) -> bool:
    """For `keep`: -1, which leaves the choice to the daemon, is what a document without owner means."""
    return owner != -1


def clean_path(path: str) -> str:
    """Without repeated and trailing slashes; two at the start (which POSIX leaves to systems) stay."""
    kept = "//" if path.startswith("//") and not path.startswith("///") else "/" if path.startswith("/") else ""
    return kept + "/".join(part for part in path.split("/") if part)
