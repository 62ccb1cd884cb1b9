"""Title, description and metadata elements of domains."""

from __future__ import annotations

import re
from typing import Final

from lxml import etree

from pyvirtd.conf.domain.domain import DomainDef
from pyvirtd.conf.xml.document import load_any
from pyvirtd.core.calls.change import change_both, impact
from pyvirtd.core.calls.noun import DomainNoun
from pyvirtd.core.domain import Domain
from pyvirtd.core.modifies import modifies, queries
from pyvirtd.errors import InvalidArg, NoDomainMetadata
from pyvirtd.protocol.calls import supports
from pyvirtd.protocol.constants.domain import DomainMetadataType
from pyvirtd.protocol.constants.domain import DomainModificationImpact as Impact
from pyvirtd.protocol.remote.events import DomainEventMetadataChange

_KEY: Final = re.compile(r"[A-Za-z_][\w.-]*")


class MetadataCalls(DomainNoun):
    """domain_set_metadata, domain_get_metadata."""

    @supports(Impact.LIVE | Impact.CONFIG)
    @modifies
    async def domain_set_metadata(
        self, dom: Domain, type: int, metadata: str | None, key: str | None, uri: str | None, flags: int
    ) -> None:
        live, config = impact(dom, flags)
        await change_both(self.runtime, dom, _change(type, metadata, key, uri), live=live, config=config)
        self.runtime.emit(DomainEventMetadataChange(dom.ref, type, uri))

    @supports(Impact.LIVE | Impact.CONFIG)
    @queries
    def domain_get_metadata(self, dom: Domain, type: int, uri: str | None, flags: int) -> str:
        if flags & Impact.LIVE and flags & Impact.CONFIG:
            raise InvalidArg("metadata is read from the running guest or from its definition, not from both")
        live, _ = impact(dom, flags)
        definition = dom.current if live else dom.definition
        if type == DomainMetadataType.TITLE:
            found = definition.title
        elif type == DomainMetadataType.DESCRIPTION:
            found = definition.description
        elif type == DomainMetadataType.ELEMENT:
            found = _element(definition.metadata, uri)
        else:
            raise InvalidArg(f"there is no kind of metadata {type}")
        if found is None:
            what = {0: "description", 1: "title"}.get(type, f"metadata element of namespace '{uri}'")
            raise NoDomainMetadata(f"{dom} has no {what}")
        return found


class _change:
    """The change that a call asks for, checked before anything is touched."""

    def __init__(self, type: int, value: str | None, key: str | None, uri: str | None) -> None:
        self.type, self.value, self.uri = type, value, uri
        if type == DomainMetadataType.TITLE:
            if value is not None and "\n" in value:
                raise InvalidArg("a domain's title is one line")
        elif type == DomainMetadataType.ELEMENT:
            if not uri:
                raise InvalidArg("a metadata element is told by the URI of its namespace, which is missing")
            self.element = None if value is None else _wrapped(value, key, uri)
        elif type != DomainMetadataType.DESCRIPTION:
            raise InvalidArg(f"there is no kind of metadata {type}")

    def __call__(self, definition: DomainDef) -> None:
        if self.type == DomainMetadataType.TITLE:
            definition.title = self.value or None
        elif self.type == DomainMetadataType.DESCRIPTION:
            definition.description = self.value or None
        else:
            definition.metadata = _replaced(definition.metadata, self.uri, self.element)


def _wrapped(value: str, key: str | None, uri: str) -> etree._Element:
    """The client's element in its own namespace, under its prefix."""
    if not key or not _KEY.fullmatch(key):
        raise InvalidArg(f"a metadata element needs a key that can be an XML prefix, not {key!r}")
    given = load_any(value, (), what="metadata")
    element = etree.Element(f"{{{uri}}}{etree.QName(given).localname}", nsmap={key: uri})
    for name, text in given.attrib.items():
        element.set(name, text)
    element.text = given.text
    element.extend(list(given))
    return element


def _roots(metadata: str | None) -> etree._Element:
    return etree.Element("metadata") if not metadata else load_any(metadata, ("metadata",), what="metadata")


def _of_namespace(root: etree._Element, uri: str | None) -> list[etree._Element]:
    return [child for child in root if isinstance(child.tag, str) and etree.QName(child).namespace == uri]


def _element(metadata: str | None, uri: str | None) -> str | None:
    """The text of the element of that namespace, without the namespace, as the client gave it."""
    if not metadata:
        return None
    for child in _of_namespace(_roots(metadata), uri):
        plain = etree.Element(etree.QName(child).localname)
        for name, text in child.attrib.items():
            plain.set(name, text)
        plain.text = child.text
        plain.extend(list(child))
        etree.cleanup_namespaces(plain)
        return etree.tostring(plain, encoding="unicode", with_tail=False)
    return None


def _replaced(metadata: str | None, uri: str | None, element: etree._Element | None) -> str | None:
    root = _roots(metadata)
    for child in _of_namespace(root, uri):
        root.remove(child)
    if element is not None:
        root.append(element)
    if len(root) == 0:
        return None
    etree.indent(root, "  ", level=1)
    return etree.tostring(root, encoding="unicode", with_tail=False)
