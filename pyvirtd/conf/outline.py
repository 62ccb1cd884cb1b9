"""Writing an XML document that is only ever written: elements in, libvirt's layout out.

Two spaces a level, single quotes, empty elements closed at once. Documents that are also read have models of
`conf.xml` instead.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

Value = str | int | None


def escape(text: str) -> str:
    """Text or an attribute's value, so that no quoting can end it. Control characters that XML has no way to write
    are left out."""
    for raw, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("'", "&apos;"), ('"', "&quot;")):
        text = text.replace(raw, entity)
    return "".join(c for c in text if c >= " " or c in "\t\n")


class Outline:
    """A document under construction. Attributes that are None are left out."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._depth = 0

    def element(self, tag: str, text: Value = None, **attributes: Value) -> None:
        """<tag .../> or <tag ...>text</tag>."""
        opening = self._opening(tag, attributes)
        self._line(f"<{opening}/>" if text is None else f"<{opening}>{escape(str(text))}</{tag}>")

    @contextlib.contextmanager
    def inside(self, tag: str, **attributes: Value) -> Iterator[None]:
        """What is written meanwhile is the element's content; without any it is closed at once."""
        opening = self._opening(tag, attributes)
        self._line(f"<{opening}>")
        mark = len(self._lines)
        self._depth += 1
        yield
        self._depth -= 1
        if len(self._lines) == mark:
            self._lines.pop()
            self._line(f"<{opening}/>")
        else:
            self._line(f"</{tag}>")

    def blank(self) -> None:
        """An empty line."""
        self._lines.append("")

    def text(self) -> str:
        """The document so far."""
        return "\n".join(self._lines) + "\n"

    def _line(self, line: str) -> None:
        self._lines.append("  " * self._depth + line)

    @staticmethod
    def _opening(tag: str, attributes: dict[str, Value]) -> str:
        return tag + "".join(f" {name}='{escape(str(v))}'" for name, v in attributes.items() if v is not None)
