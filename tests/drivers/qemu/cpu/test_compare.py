"""Comparing and combining CPUs, as the real libvirtd answered on the host of the corpus."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from pyvirtd.drivers.qemu.cpu.compare import INCOMPATIBLE, SUPERSET, baseline, compare
from pyvirtd.drivers.qemu.cpu.cpu_map import Features, x86
from pyvirtd.errors import CPUIncompatible, InternalError, InvalidArg, VirtError, XMLError

SHARED = Path(os.environ.get("PYVIRTD_SHARED") or Path(__file__).parents[5] / "shared")
CPUS = SHARED / "corpus/cpu"
HOST = SHARED / "corpus/host/oracle/host.json"
needs_corpus = pytest.mark.skipif(not CPUS.exists(), reason="the corpus is not here")


def host_answers() -> dict[str, Any]:
    answers: dict[str, Any] = json.loads(HOST.read_text())["variants"]["raw"]
    return answers


def described(cpu: etree._Element) -> tuple[Features, str | None]:
    features = set(x86().models[cpu.findtext("model") or ""].features)
    for element in cpu.findall("feature"):
        name = element.get("name") or ""
        (features.discard if element.get("policy") == "disable" else features.add)(name)
    return frozenset(features), cpu.findtext("vendor")


def questions(text: str) -> dict[str, Callable[[], int | str]]:
    cpu_map, answers = x86(), host_answers()

    def document(step: str) -> etree._Element:
        return etree.fromstring("\n".join(answers[step]["xml"]))

    def host(step: str, path: str) -> tuple[Features, str | None]:
        found = document(step).find(path)
        assert found is not None
        return described(found)

    mode = "cpu/mode[@name='host-model']"
    root = etree.fromstring(text.encode())
    cpus = [etree.tostring(e, encoding=str, with_tail=False) for e in root.iter("cpu")] if root.tag != "cpu" else [text]
    models = {m.text for m in document("domcapabilities None None qemu").findall("cpu/mode[@name='custom']/model")}
    return {
        "baseline": lambda: baseline(cpu_map, cpus),
        "baseline-expand": lambda: baseline(cpu_map, cpus, expand=True),
        "baseline-migratable": lambda: baseline(cpu_map, cpus, migratable=True),
        "hypervisor-baseline": lambda: baseline(cpu_map, cpus, usable=models.__contains__, forbid_fallback=True),
        "compare": lambda: compare(cpu_map, *host("capabilities", "host/cpu"), text),
        "hypervisor-compare-qemu": lambda: compare(cpu_map, *host("domcapabilities None None qemu", mode), text),
        "hypervisor-compare-kvm": lambda: compare(cpu_map, *host("domcapabilities None None kvm", mode), text),
    }


def names() -> list[str]:
    return sorted(p.stem for p in CPUS.glob("oracle/x86*.json")) or ["none"]


@needs_corpus
@pytest.mark.parametrize("name", names())
def test_as_the_real_one(name: str) -> None:
    steps = json.loads((CPUS / f"oracle/{name}.json").read_text())["variants"]["raw"]
    asked = questions((CPUS / f"in/{name}.xml").read_text())
    for step, answer in steps.items():
        answer = steps[answer["same_as"]] if "same_as" in answer else answer
        if answer["ok"]:
            want = answer["value"] if "value" in answer else "\n".join(answer["xml"]) + "\n"
            assert asked[step]() == want, step
        else:
            with pytest.raises(VirtError) as e:
                asked[step]()
            assert (e.value.code, e.value.domain) == (answer["error"]["code"], answer["error"]["domain"]), step


def test_the_refusal_says_why() -> None:
    xml = "<cpu><model>486</model><feature name='avx'/><feature name='aes'/></cpu>"
    have = x86().models["486"].features
    assert compare(x86(), have, "Intel", xml) == INCOMPATIBLE
    assert compare(x86(), have | {"aes", "avx", "fma"}, "Intel", xml) == SUPERSET
    with pytest.raises(CPUIncompatible, match="lacks features of the CPU: aes, avx"):
        compare(x86(), have, "Intel", xml, fail_incompatible=True)


@pytest.mark.parametrize(
    ("xml", "error"),
    [
        ("<cpu", VirtError),
        ("<domain/>", XMLError),
        ("<cpu><model>nonsense</model></cpu>", InternalError),
        ("<cpu><model>486</model><feature/></cpu>", XMLError),
        ("<cpu><model>486</model><feature name='aes' policy='maybe'/></cpu>", XMLError),
        ("<cpu><model>486</model><feature name='aes'/><feature name='aes'/></cpu>", XMLError),
        ("<cpu mode='odd'><model>486</model></cpu>", XMLError),
        ("<cpu><arch>odd</arch><model>486</model></cpu>", XMLError),
        ("<!DOCTYPE cpu [<!ENTITY x 'y'>]><cpu><model>&x;</model></cpu>", VirtError),
    ],
)
def test_bad_documents(xml: str, error: type[VirtError]) -> None:
    with pytest.raises(error):
        compare(x86(), frozenset(), None, xml)


def test_nothing_to_combine() -> None:
    with pytest.raises(InvalidArg):
        baseline(x86(), [])
