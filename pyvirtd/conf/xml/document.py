"""Bytes to an lxml tree, with everything that an XML document could do to a daemon switched off.

No DOCTYPE (and so no entities of its own), no network, no files, bounded size, depth and names: libxml2's own
limits (256 levels, 10 MB a text) hold, and what is longer than MAX_BYTES isn't looked at.
"""

from __future__ import annotations

import re
from typing import Final

from lxml import etree

from pyvirtd.errors import ErrorDomain, XMLDetail, XMLError

MAX_BYTES: Final = 16 << 20
_ENCODING = re.compile(rb"""\A\s*<\?xml[^>]*?\sencoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
# Supersets of ASCII: an encoding in which `<!DOCTYPE` has other bytes could smuggle one past the check below.
_ENCODINGS = re.compile(rb"(utf-?8|(us-)?ascii|iso-8859-\d+|latin-?1|windows-125\d)", re.IGNORECASE)
_PROLOG = re.compile(rb"(\s+|<\?.*?\?>|<!--.*?-->)", re.DOTALL)
_SHOWN = 80


def _parser() -> etree.XMLParser:
    # Blank text goes, as in libvirt: what is kept verbatim is indented anew. collect_ids would hash every xml:id;
    # strip_cdata False keeps metadata as it was written.
    return etree.XMLParser(
        remove_blank_text=True, resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False,
        huge_tree=False,
        strip_cdata=False, collect_ids=False,
    )  # fmt: skip


def load(xml: str | bytes, root: str, *, what: str = "document") -> etree._Element:
    """The document's root element, which has to be <root>.

    Errors: XMLDetail (malformed, or with what isn't allowed here), XMLError (another root).
    """
    return load_any(xml, (root,), what=what)


def load_any(xml: str | bytes, roots: tuple[str, ...], *, what: str = "document") -> etree._Element:
    """Like `load`, for several possible roots; no roots: any."""
    if isinstance(xml, str):
        # A str's encoding is settled, whatever its declaration says.
        data = re.sub(r"\A(\s*<\?xml[^>]*?)\sencoding\s*=\s*(\"[^\"]*\"|'[^']*')", r"\1", xml).encode(
            "utf-8", "surrogateescape"
        )
    else:
        data = xml
    _refuse(data, what)
    try:
        element = etree.fromstring(data, _parser())
    except etree.XMLSyntaxError as error:
        raise XMLDetail(_explain(error, data, what), domain=ErrorDomain.DOMAIN, int1=error.lineno or 0) from None
    except ValueError as error:
        raise XMLDetail(f"{what}: {error}", domain=ErrorDomain.DOMAIN) from None
    if element.getroottree().docinfo.internalDTD is not None:
        raise XMLDetail(f"{what}: a DOCTYPE is not accepted", domain=ErrorDomain.DOMAIN)
    if roots and element.tag not in roots:
        wanted = " or ".join(f"<{root}>" for root in roots)
        raise XMLError(
            f"{what}: the root element is <{str(element.tag)[:_SHOWN]}>, it has to be {wanted}", domain=ErrorDomain.XML
        )
    return element


def _refuse(data: bytes, what: str) -> None:
    """Stop what libxml2 should not even see."""
    if len(data) > MAX_BYTES:
        raise XMLDetail(f"{what}: {len(data)} bytes, at most {MAX_BYTES} are read", domain=ErrorDomain.DOMAIN)
    if b"\0" in data:
        raise XMLDetail(f"{what}: has a NUL byte; UTF-8 without NUL is read", domain=ErrorDomain.DOMAIN)
    encoding = _ENCODING.match(data.removeprefix(b"\xef\xbb\xbf"))
    if encoding is not None and _ENCODINGS.fullmatch(encoding[1]) is None:
        raise XMLDetail(
            f"{what}: encoding {encoding[1].decode()} is not read; UTF-8 is", domain=ErrorDomain.DOMAIN
        )
    place = 3 if data.startswith(b"\xef\xbb\xbf") else 0
    while (match := _PROLOG.match(data, place)) is not None:
        place = match.end()
    if data[place : place + 9].upper() == b"<!DOCTYPE":
        raise XMLDetail(f"{what}: a DOCTYPE is not accepted", domain=ErrorDomain.DOMAIN)


def _explain(error: etree.XMLSyntaxError, data: bytes, what: str) -> str:
    line = error.lineno or 0
    lines = data.split(b"\n", line)
    context = lines[line - 1][:_SHOWN].decode("utf-8", "replace") if 0 < line <= len(lines) else ""
    return f"{what}, line {line}: {error.msg or 'not XML'}" + (f": {context}" if context else "")
