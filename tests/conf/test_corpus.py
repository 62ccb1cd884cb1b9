"""What the real libvirtd printed comes back byte for byte."""

from __future__ import annotations

import re

import pytest

from pyvirtd.conf.domain.domain import format_domain, parse_domain
from pyvirtd.conf.domain.postparse import prepare
from tests.conf import corpus

pytestmark = pytest.mark.skipif(not corpus.place().is_dir(), reason="the shared corpus is not beside the repository")

# A dump for migration leaves <listen type='none'/> out; libvirt too reads the rest as listening on an address.
LOSSY = "<graphics type='spice' autoport='no'"


@pytest.mark.parametrize(("kind", "least"), [("domain-qemu", 1300), ("domain-lxc", 10), ("domain-test", 40)])
def test_documents_come_back(kind: str, least: int) -> None:
    documents = list(corpus.printed(kind))
    wrong = [
        name
        for name, want, flags in documents
        if corpus.round_trip(want, flags) != want and not (name.endswith(":migratable") and LOSSY in want)
    ]
    assert wrong == []
    assert len(documents) >= least


# Only the driver knows machine types, CPUs and firmware images.
DRIVERS_OWN = re.compile(
    r"(?s)  <cpu[^\n]*/>\n|  <cpu[ >].*?</cpu>\n|    <loader.*?</loader>\n|    <nvram.*?(?:</nvram>|/>)\n"
    r"|    <loader[^>]*/>\n"
    r"|    <type [^\n]*\n|    <type>[^\n]*\n"
)
DIFFERENT = {
    "generic-iothreadids:raw": "<poll> came after 9.0.0",
    "firmware-auto-efi-enrolled-keys:raw": "the driver adds the feature that enrolled keys imply",
}


def test_definitions_are_completed_as_libvirt_does() -> None:
    wrong, count = [], 0
    for name, answers in corpus.answered("domain-qemu"):
        path = corpus.place() / "domain-qemu" / "in" / f"{name.removesuffix(':raw')}.xml"
        if not name.endswith(":raw") or not answers.get("xml", {}).get("ok"):
            continue
        want = parse_domain(corpus.joined(answers["xml"]))
        domain = parse_domain(path.read_bytes())
        domain.uuid = domain.uuid or want.uuid
        domain.genid = domain.genid or want.genid
        prepare(domain)
        shown = [
            DRIVERS_OWN.sub("", corpus.without_devices(format_domain(each, corpus.DUMP))) for each in (domain, want)
        ]
        count += 1
        if shown[0] != shown[1]:
            wrong.append(name)
    assert set(wrong) == set(DIFFERENT)
    assert count > 500
