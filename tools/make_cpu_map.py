#!/usr/bin/env python3
"""Collect the facts about CPU models into pyvirtd/drivers/qemu/cpu/x86.json.

usage: make_cpu_map.py DIRECTORY >x86.json

DIRECTORY holds a hypervisor's CPU descriptions (index.xml, x86_*.xml), such as libvirt's /usr/share/libvirt/cpu_map.
What is taken are facts alone: the names of features and the CPUID or MSR bits that they stand for, the names of
models, their vendors, family/model/stepping numbers and the features that each is made of. The order of models and
features is kept, for both decide how a CPU is described.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

REGISTERS = ("eax", "ebx", "ecx", "edx")


def feature(element: ElementTree.Element) -> str:
    """ "1/0/edx/1": CPUID leaf, subleaf, register, mask; "msr/10a/eax/1": MSR, half, mask. All hexadecimal."""
    (bits,) = [child for child in element if child.tag in ("cpuid", "msr")]
    (register,) = [r for r in REGISTERS if int(bits.get(r, "0"), 0)]
    mask = int(bits.get(register, "0"), 0)
    if bits.tag == "msr":
        return f"msr/{int(bits.get('index', '0'), 0):x}/{register}/{mask:x}"
    leaf, subleaf = int(bits.get("eax_in", "0"), 0), int(bits.get("ecx_in", "0"), 0)
    return f"{leaf:x}/{subleaf:x}/{register}/{mask:x}"


def signatures(element: ElementTree.Element) -> list[list[int]]:
    """[family, model, lowest stepping, highest stepping], each."""
    found = []
    for signature in element.findall("signature"):
        low, _, high = signature.get("stepping", "0-15").partition("-")
        found.append([int(signature.get("family", "0")), int(signature.get("model", "0")), int(low), int(high or low)])
    return found


def model(element: ElementTree.Element, models: dict[str, Any]) -> dict[str, Any]:
    """One model, with what it takes over from the one it is built on."""
    parent = element.find("model")
    base = models[parent.get("name", "")] if parent is not None else {}
    decode, vendor = element.find("decode"), element.find("vendor")
    assert decode is not None
    names = set(base.get("features", "").split())
    removed = set(base.get("removed", "").split())
    for each in element.findall("feature"):
        name = each.get("name", "")
        if each.get("removed") == "yes":
            removed.add(name)
        else:
            names.add(name)
    return {
        "vendor": vendor.get("name") if vendor is not None else base.get("vendor"),
        "host": decode.get("host") == "on",
        "guest": decode.get("guest") == "on",
        "signatures": signatures(element) or base.get("signatures", []),
        "features": " ".join(sorted(names)),
        "removed": " ".join(sorted(removed)),
    }


def collect(directory: Path) -> dict[str, Any]:
    """The whole map."""
    index = ElementTree.parse(directory / "index.xml").getroot()
    vendors, features, models = {}, {}, {}
    local, qemu = [], {}
    for include in index.findall("arch[@name='x86']/include"):
        for element in ElementTree.parse(directory / include.get("filename", "")).getroot():
            name = element.get("name", "")
            if element.tag == "vendor":
                vendors[name] = element.get("string")
            elif element.tag == "feature":
                features[name] = feature(element)
                if element.get("migratable") == "no":
                    local.append(name)
                for alias in element.findall("alias[@source='qemu']"):
                    qemu[alias.get("name")] = name
            elif element.tag == "model":
                models[name] = model(element, models)
    power = [
        include.get("filename", "").removeprefix("ppc64_").removesuffix(".xml")
        for include in index.findall("arch[@name='ppc64']/include")
        if not include.get("filename", "").endswith("vendors.xml")
    ]
    return {
        "vendors": vendors,
        "features": features,
        "not_migratable": local,
        "aliases": qemu,
        "models": models,
        "other_models": {"ppc64": power},
    }


def main() -> None:
    print(json.dumps(collect(Path(sys.argv[1])), indent=1))


if __name__ == "__main__":
    main()
