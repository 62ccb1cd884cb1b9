"""Generated functions: source put together line by line, compiled at first use.

Their source is in linecache, so that tracebacks show it, and `text_of` gives it to who wants to read it.
"""

from __future__ import annotations

import linecache
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


class Source:
    """A function in the making: its lines, and the objects that they name."""

    def __init__(self, **names: Any) -> None:
        self.lines: list[str] = []
        self.names: dict[str, Any] = names
        self._depth = 1
        self._count = 0

    def line(self, text: str) -> None:
        """One line at the present depth."""
        self.lines.append(" " * self._depth + text)

    @contextmanager
    def block(self, opening: str) -> Iterator[None]:
        """What is added meanwhile belongs to `opening` (an if, an else, a for)."""
        self.line(opening)
        self._depth += 1
        yield
        self._depth -= 1

    def fresh(self, stem: str) -> str:
        """A variable nobody has used."""
        self._count += 1
        return f"{stem}{self._count}"

    def refer(self, stem: str, value: Any) -> str:
        """The value as an expression: itself where that is possible, otherwise a global of the function."""
        if value is None or type(value) in (bool, int, str):
            return repr(value)
        name = self.fresh(f"{stem}_")
        self.names[name] = value
        return name

    def compile(self, title: str, signature: str) -> Callable[..., Any]:
        """The function, under a file name made of `title`."""
        name = signature.partition("(")[0]
        text = f"def {signature}:\n" + "\n".join(self.lines or [" pass"]) + "\n"
        filename = f"<pyvirtd {title}>"
        linecache.cache[filename] = (len(text), None, text.splitlines(True), filename)
        exec(compile(text, filename, "exec"), self.names)  # made of declarations, nothing from outside
        return self.names[name]  # type: ignore[no-any-return]


def literal(text: str) -> str:
    """Text as it stands in an f-string with double quotes."""
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("{", "{{").replace("}", "}}").replace("\n", "\\n")


def text_of(function: Callable[..., Any]) -> str:
    """The source of a generated function, for reading."""
    return "".join(linecache.getlines(function.__code__.co_filename))
