"""Libvirt's XML documents as typed models: parse, format, check. No I/O.

One class an element, declared from rules; declaration order is print order::

    class DiskSource(Element, tag="source", family=True):    # a family: its variants are subclasses
        startup_policy: Startup | None = at("@startupPolicy")

    class FileSource(DiskSource, variant="file"):
        file: str | None = at("@file")

    class BlockSource(DiskSource, variant="block"):
        dev: str | None = at("@dev")

    class Disk(Element, tag="disk"):
        type: str = kind("@type", of="source", default="file")   # picks the class of `source`
        device: Literal["disk", "cdrom", "floppy", "lun"] = at("@device", "disk")
        cache: Literal["none", "writeback"] | None = at("driver/@cache")
        queues: UInt | None = at("driver/@queues")               # shares <driver> with cache
        source: DiskSource = child(DiskSource, empty=False)
        target: str = must("target/@dev")
        readonly: bool = flag("readonly")
        serial: str | None = at("serial")                        # <serial>text</serial>
        alias: str | None = at("alias/@name", live=True)
        address: Address | None = child(Address)

    disk = parse(Disk, "<disk type='block'><source dev='/dev/sda'/><target dev='vda'/></disk>")
    disk.type                   # "block": read off type(disk.source).VARIANT, stored nowhere else
    isinstance(disk.source, BlockSource)
    Disk(source=FileSource(file="/a"), target="vda", readonly=True)     # keywords only, unknown ones refused
    format(disk, Dump.INACTIVE)
    disk.copy() == disk         # deep; `disk.line` (source line, 0 if made) takes no part in equality

Where the word that picks a variant is the element's own attribute, the family holds the `kind` itself, without `of`::

    class Address(Element, tag="address", family=True):
        type: str = kind("@type", required=True)
    class PciAddress(Address, variant="pci"):
        bus: Hex2 | None = at("@bus")

`inline(Cls)` splices a class's rules into this same element: groups (several places share a set of rules), and
variants that spread over several children (`backend: Chardev = inline(Chardev)` with `kind("@type", of="backend")`;
`optional=True`: None unless the document has something of it). A family without variant for a word refuses it.
Subclassing appends rules; `tail=n` keeps a base's rule (alias, address) behind those of its subclasses, in order of n.

Rules: `at` `must` `text` `flag` `size` (numbers with @unit) `child` `children` `texts` (list of plain values) `inline`
`kind` `raw` (verbatim XML as str) `hidden` (not in the document) `namespace`; their marks (live, status, secure,
migratable, when, omit, keep, bare, bad) stand in `xml.fields`. Optional fields are None when absent, and None is
never printed.

Values: the annotation names the codec (`xml.types`): str, int, float, `Literal[...]`, YesNo, OnOff, UInt, ULong, Hex4,
Uuid, Mac, CpuSet, or your own `Annotated[T, Codec(parse, format, right="what would be")]`. An unknown word is an
XMLError (`bad=ConfigUnsupported` where libvirt says so) naming line, element, value and what would do.

What rules can't say: override `parsed(self, flags)` (after reading: check, complete) or `printed(self, flags)`
(whether to print at all). Rules are compiled at a class's first use, never at import; annotations may be strings.
Unknown attributes and elements are dropped (logged at debug). `parse(cls, xml, flags)` reads a document,
`read(cls, lxml_element, flags)` an element.

A domain goes through three steps that never mix: `domain.domain.parse_domain`, `domain.postparse` (with the driver's
own between), `domain.validate`. `schema` makes RELAX NG of the same declarations for the VALIDATE flags.
"""
