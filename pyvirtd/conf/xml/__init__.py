"""The engine under all documents. The notation is described in `pyvirtd.conf`."""

from pyvirtd.conf.xml.element import Element
from pyvirtd.conf.xml.fields import (
    Dump,
    at,
    child,
    children,
    flag,
    hidden,
    inline,
    kind,
    must,
    namespace,
    raw,
    size,
    text,
    texts,
)
from pyvirtd.conf.xml.reader import parse, read
from pyvirtd.conf.xml.writer import format

__all__ = [
    "Dump", "Element", "at", "child", "children", "flag", "format", "hidden", "inline", "kind", "must", "namespace",
    "parse",    "raw", "read", "size", "text", "texts",
]  # fmt: skip
