"""The schema from the declarations refuses what they don't know, and nothing that libvirt's own schema accepts."""

from __future__ import annotations

import time

import pytest
from lxml import etree

from pyvirtd.conf.domain.domain import DomainDef, parse_domain
from pyvirtd.conf.schema import Schema
from pyvirtd.errors import VirtError, XMLInvalidSchema
from tests.conf import corpus


@pytest.mark.slow
@pytest.mark.skipif(not corpus.place().is_dir(), reason="the shared corpus is not beside the repository")
def test_what_libvirts_schema_accepts_is_accepted() -> None:
    wrong, accepted, refused = [], 0, 0
    for name, answers in corpus.answered("domain-qemu"):
        stem, _, variant = name.partition(":")
        answer = answers.get("validate", {})
        if variant != "raw" or "ok" not in answer:
            continue
        fits = answer.get("error", {}).get("code") != XMLInvalidSchema.code
        xml = (corpus.place() / "domain-qemu" / "in" / f"{stem}.xml").read_bytes()
        try:
            parse_domain(xml, validate=True)
            accepted += fits
        except XMLInvalidSchema as error:
            refused += not fits
            if fits:
                wrong.append((stem, error.message))
        except VirtError:  # what the schema does not say: parsing does
            accepted += fits
    assert not wrong, wrong
    assert accepted > 800
    assert refused > 10


@pytest.mark.parametrize(
    ("inside", "words"),
    [
        ("<nonsense/>", ["<domain> has no element <nonsense>", "memory"]),
        ("<devices>\n<disk devic='cdrom'/></devices>", ["line 2", "devic", "device"]),
        ("<devices><disk device='cd'/></devices>", ["device='cd'", "cdrom"]),
        ("<vcpu>many</vcpu>", ["vcpu"]),
        ("<clock offset='utc'><timer name='rtc'><catchup slow='1'/></timer></clock>", ["catchup", "slow"]),
        ("<devices><rng model='virtio'><backend model='random'/><address type='pci' unit='1'/></rng></devices>",
         ["address"]),
    ],
)  # fmt: skip
def test_what_is_not_known_is_named(inside: str, words: list[str]) -> None:
    with pytest.raises(XMLInvalidSchema) as caught:
        parse_domain(f"<domain type='qemu'><name>n</name>{inside}</domain>", validate=True)
    for word in words:
        assert word in caught.value.message
    parse_domain("<domain type='qemu'><name>n</name><metadata><a:b xmlns:a='u' x=''>t<c/></a:b></metadata></domain>",
                 validate=True)  # fmt: skip


def test_the_grammar_is_one() -> None:
    assert etree.RelaxNG(etree.fromstring(Schema(DomainDef).text().encode())) is not None


def test_checking_takes_time_by_the_size_of_the_document_and_no_more() -> None:
    """libxml2's RELAX NG doubles its time with every optional attribute, and squares it in the elements."""
    driver = (
        "<driver name='qemu' type='raw' cache='none' error_policy='stop' rerror_policy='stop' io='native' "
        "ioeventfd='on' event_idx='on' iothread='1' detect_zeroes='on' queues='2' queue_size='128' "
        "copy_on_read='on' discard='unmap' iommu='on' ats='on' packed='on' page_per_vq='on'/>"
    )
    disks = f"<disk type='file'>{driver}<target dev='vda'/></disk>" * 2000
    start = time.process_time()
    parse_domain(f"<domain type='qemu'><name>n</name><devices>{disks}</devices></domain>", validate=True)
    assert time.process_time() - start < 3


@pytest.mark.parametrize(
    ("inside", "words"),
    [
        ("<vcpu>1</vcpu><vcpu>2</vcpu>", ["<vcpu>", "another"]),
        ("<devices>disks</devices>", ["<devices>", "disks"]),
        ("<os><boot dev='hd'>x</boot></os>", ["<boot>", "no text"]),
    ],
)
def test_what_there_is_too_much_of_is_named(inside: str, words: list[str]) -> None:
    with pytest.raises(XMLInvalidSchema) as caught:
        parse_domain(f"<domain type='qemu'><name>n</name>{inside}</domain>", validate=True)
    for word in words:
        assert word in caught.value.message
