"""Real CPUs' CPUID dumps are described as libvirt describes them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from lxml import etree

from pyvirtd.drivers.qemu.cpu.cpu_map import Registers, Signature, x86
from pyvirtd.drivers.qemu.cpu.decode import Described, decode
from pyvirtd.drivers.qemu.cpu.host import host_cpu

SHARED = Path(os.environ.get("PYVIRTD_SHARED") or Path(__file__).parents[5] / "shared")
DUMPS = SHARED / "corpus/cpu"
NEWER_MAP = {"n270", "flush-l1d", "rdtscp"}
"""What the expected descriptions have from a newer libvirt's map than the one our facts are of."""


def registers(path: Path) -> Registers:
    found: dict[tuple[int | str, int], tuple[int, int, int, int]] = {}
    for e in etree.parse(path).getroot():
        values = {r: int(e.get(r, "0"), 16) for r in ("eax", "ebx", "ecx", "edx")}
        if e.tag == "cpuid":
            key: tuple[int | str, int] = (int(e.get("eax_in", ""), 16), int(e.get("ecx_in", "0"), 16))
        elif e.tag == "msr":
            key = ("msr", int(e.get("index", ""), 16))
        else:
            continue
        found[key] = (values["eax"], values["ebx"], values["ecx"], values["edx"])
    return found


def dumps() -> list[str]:
    names = sorted(p.stem for p in DUMPS.glob("in/x86_64-cpuid-*.xml") if b"<cpudata" in p.read_bytes())
    return names or ["none"]


@pytest.mark.skipif(not DUMPS.exists(), reason="the corpus of CPUID dumps is not here")
@pytest.mark.parametrize("name", dumps())
@pytest.mark.parametrize("kind", ["host", "guest"])
def test_a_real_cpu(name: str, kind: str) -> None:
    expected = DUMPS / f"expect/{name}-{kind}.xml"
    if not expected.exists():
        pytest.skip("nobody wrote down what it should be")
    cpu_map = x86()
    regs = registers(DUMPS / f"in/{name}.xml")
    signature = Signature.of(regs[1, 0][0])
    got = decode(cpu_map, cpu_map.features_of(regs), cpu_map.vendor_of(regs), signature, host=kind == "host")
    assert got is not None
    root = etree.parse(expected).getroot()
    listed = [(f.get("policy") or "require", f.get("name") or "") for f in root.findall("feature")]
    want = Described(
        root.findtext("model") or "",
        root.findtext("vendor"),
        tuple(feature for policy, feature in listed if policy == "require"),
        tuple(feature for policy, feature in listed if policy == "disable"),
    )
    if got != want and NEWER_MAP & {want.model, *(set(want.require + want.disable) - set(got.require + got.disable))}:
        pytest.skip("the expectation is of a newer map")
    assert got == want


@pytest.mark.skipif(not DUMPS.exists(), reason="the corpus of CPUID dumps is not here")
@pytest.mark.parametrize("name", dumps())
def test_signatures(name: str) -> None:
    text = (DUMPS / f"expect/{name}.sig").read_text()
    values = [int(line.split()[1]) for line in text.splitlines()[1:]]
    assert list(Signature.of(int(text.splitlines()[0], 16))) == values
    assert registers(DUMPS / f"in/{name}.xml")[1, 0][0] == int(text.splitlines()[0], 16)


def test_every_model_describes_itself_best() -> None:
    cpu_map = x86()
    for model in cpu_map.models.values():
        if model.for_guest:
            got = decode(cpu_map, model.features, model.vendor, None, preferred=model.name)
            assert got == Described(model.name, model.vendor, (), tuple(cpu_map.sort(model.removed)))


def test_this_host_has_a_description() -> None:
    host = host_cpu()
    if host is None:
        pytest.skip("not an x86 host")
    assert host.described is not None
    assert not host.described.disable
    model = x86().models[host.described.model]
    assert model.features | set(host.described.require) >= host.features


def test_names_to_qemu_and_back() -> None:
    cpu_map = x86()
    for name in ("lahf_lm", "pclmuldq", "tsc_adjust", "avx512f", "ds_cpl", "fxsr_opt"):
        assert cpu_map.from_qemu(cpu_map.to_qemu(name)) == name
    assert cpu_map.to_qemu("cmp_legacy") == "cmp-legacy"
    assert cpu_map.to_qemu("pclmuldq") == "pclmulqdq"


def test_no_model_no_description() -> None:
    assert decode(x86(), frozenset(), "Intel", None, usable=lambda name: False) is None
