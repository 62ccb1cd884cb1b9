"""How far attaching and detaching agree with the real libvirtd 9.0.0 (shared corpus: attach/oracle, device/oracle).

    python tests/drivers/qemu/hotplug/attach_oracle.py [--kind attach|device] [--only GLOB] [--causes N]

Each device is attached to a definition, what changes in it is compared, then it is detached again.
"""

from __future__ import annotations

import argparse
import asyncio
import collections
import fnmatch
import importlib.util
import json
import sys
import tempfile
import traceback
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pyvirtd.conf.domain.domain import DomainDef, format_domain, parse_domain
from pyvirtd.conf.domain.interface import Interface
from pyvirtd.conf.xml import Dump
from pyvirtd.core.devices import config
from pyvirtd.drivers.qemu.capabilities import QemuCapabilities
from pyvirtd.drivers.qemu.hotplug.device import read_device
from pyvirtd.drivers.qemu.hotplug.judge import judge_device
from pyvirtd.drivers.qemu.postparse import post_parse
from pyvirtd.drivers.qemu.validate import HostFacts
from pyvirtd.errors import VirtError

SHOWN = Dump.INACTIVE | Dump.SECURE
HOST = HostFacts(swtpm=lambda: False)


def sibling() -> types.ModuleType:
    """The comparison of whole definitions, whose tools this one uses."""
    name = "qemu_oracle"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).parents[1] / "oracle.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


@dataclass
class Tally:
    """Counts by step, and (what we did differently) -> where."""

    good: collections.Counter[str] = field(default_factory=collections.Counter)
    total: collections.Counter[str] = field(default_factory=collections.Counter)
    causes: dict[str, list[str]] = field(default_factory=lambda: collections.defaultdict(list))
    crashes: list[str] = field(default_factory=list)

    def rate(self, step: str) -> float:
        """Per cent of a step that came out as with the real one."""
        return 100.0 * self.good[step] / self.total[step] if self.total[step] else 100.0

    def count(self, step: str, good: bool, cause: str, where: str) -> None:
        self.total[step] += 1
        if good:
            self.good[step] += 1
        else:
            self.causes[f"{step}: {cause}"].append(where)


def attempt(tally: Tally, where: str, work: Callable[[], None]) -> tuple[int, str] | None:
    """The error of a step, (code, message); None when it worked."""
    try:
        work()
    except VirtError as error:
        return error.code, error.message
    except Exception:
        tally.crashes.append(f"{where}\n{traceback.format_exc(limit=-4)}")
        return -1, traceback.format_exc(limit=-1).strip().splitlines()[-1]
    return None


class Bench:
    """Definitions that devices are given to."""

    def __init__(self, caps: QemuCapabilities, oracle: types.ModuleType) -> None:
        self.caps, self.oracle = caps, oracle

    def define(self, xml: str) -> DomainDef:
        definition = parse_domain(xml, Dump.INACTIVE)
        post_parse(definition, self.caps)
        return definition

    def attach(self, definition: DomainDef, xml: str) -> None:
        device = read_device(xml, definition, self.caps)
        judge_device(definition, device, self.caps, HOST)
        config.attach(definition, device)
        post_parse(definition, self.caps)

    def detach(self, definition: DomainDef, xml: str) -> None:
        device = read_device(xml, definition, self.caps)
        config.detach(definition, device, made_up_mac=isinstance(device, Interface) and "<mac" not in xml)
        post_parse(definition, self.caps)

    def update(self, definition: DomainDef, xml: str) -> None:
        device = read_device(xml, definition, self.caps)
        judge_device(definition, device, self.caps, HOST)
        config.update(definition, device, made_up_mac=isinstance(device, Interface) and "<mac" not in xml)
        post_parse(definition, self.caps)

    def lines(self, definition: DomainDef) -> list[str]:
        found: list[str] = self.oracle.plain_lines(format_domain(definition, SHOWN))
        return found


def same(theirs: dict[str, Any], ours: tuple[int, str] | None) -> bool:
    return theirs["ok"] == (ours is None) and (ours is None or ours[0] == theirs["error"]["code"])


def cause(general: Callable[[str], str], theirs: dict[str, Any], ours: tuple[int, str] | None) -> str:
    want = "took it" if theirs["ok"] else f"{theirs['error']['code']} {general(theirs['error']['message'])}"
    have = "took it" if ours is None else f"{ours[0]} {general(ours[1])}"
    return f"{have} -- libvirt: {want}"


def answers(kind: str, only: str) -> Iterator[tuple[str, dict[str, Any]]]:
    folder = sibling().shared_directory() / "corpus" / kind / "oracle"
    for path in sorted(folder.glob("*.json")):
        data = json.loads(path.read_text())
        if path.stem != "META" and fnmatch.fnmatch(path.stem, only):
            yield path.stem, data["variants"]["raw"]


def compare_attach(only: str = "*") -> Tally:
    """Every device of the corpus given to one definition."""
    tools = sibling()
    oracle, comparer = tools.load_tool("oracle"), tools.load_tool("compare-oracle")
    bench, tally = Bench(capabilities(), oracle), Tally()
    base = bench.define((tools.shared_directory() / "lab/attach-base.xml").read_text())
    before = bench.lines(base)
    for name, steps in answers("attach", only):
        for key in steps:
            if key.startswith("attach@"):
                one_device(tally, bench, comparer.general, base, before, f"{name} {key}", steps, key)
    return tally


def one_device(
    tally: Tally, bench: Bench, general: Callable[[str], str], base: DomainDef, before: list[str], where: str,
    steps: dict[str, Any], key: str,
) -> None:
    theirs, step = steps[key], key.partition("@")[2]
    kind, xml, definition = step.partition("/")[0], "\n".join(steps[key]["device"]), base.copy()
    ours = attempt(tally, where, lambda: bench.attach(definition, xml))
    good = same(theirs, ours)
    if not good:
        tally.count("attach", False, f"{kind}: {cause(general, theirs, ours)}", where)
        return
    if ours is not None:
        tally.count("attach", True, "", where)
        return
    want, have = steps[f"change@{step}"]["lines"], bench.oracle.changes(before, bench.lines(definition))
    tally.count("attach", want == have, f"{kind}: XML {sorted(set(want) ^ set(have))[:3]}", where)
    theirs = steps[f"detach@{step}"]
    ours = attempt(tally, where, lambda: bench.detach(definition, xml))
    left = bench.oracle.changes(before, bench.lines(definition)) if ours is None else steps[f"left@{step}"]["lines"]
    good = same(theirs, ours) and left == steps[f"left@{step}"]["lines"]
    tally.count("detach", good, f"{kind}: {cause(general, theirs, ours)} {left[:2]}", where)


def compare_device(only: str = "*") -> Tally:
    """Devices that are attached to, updated in and detached from several definitions."""
    tools = sibling()
    oracle, comparer = tools.load_tool("oracle"), tools.load_tool("compare-oracle")
    bench, tally = Bench(capabilities(), oracle), Tally()
    place = tools.shared_directory() / "corpus/device"
    for name, steps in answers("device", only):
        text = (place / "in" / f"{name}.xml").read_text()
        for key, theirs in steps.items():
            step, _, stem = key.partition("@")
            if step not in ("attach", "update", "detach") or stem.endswith("/xml"):
                continue
            xml = oracle.prepare("domain-qemu", stem, (place / "base" / f"{stem}.xml").read_text())
            definition = bench.define(xml)
            ours = attempt(tally, f"{name} {key}", lambda: getattr(bench, step)(definition, text))  # noqa: B023
            good = same(theirs, ours)
            why = cause(comparer.general, theirs, ours)
            if good and ours is None and f"{key}/xml" in steps:
                want = oracle.plain_lines("\n".join(steps[f"{key}/xml"]["xml"]))
                have = bench.lines(definition)
                good, why = want == have, f"XML {sorted(set(want) ^ set(have))[:3]}"
            tally.count(step, good, why, f"{name} {stem}")
    return tally


def capabilities() -> QemuCapabilities:
    with tempfile.TemporaryDirectory() as directory:
        known = asyncio.run(sibling().load_capabilities(Path(directory)))
    found: QemuCapabilities = known["/usr/bin/qemu-system-x86_64"]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kind", default="attach", choices=("attach", "device"))
    parser.add_argument("--only", default="*")
    parser.add_argument("--causes", type=int, default=40)
    arguments = parser.parse_args()
    tally = (compare_attach if arguments.kind == "attach" else compare_device)(arguments.only)
    for step in sorted(tally.total):
        print(f"{step:8} {tally.good[step]:5} of {tally.total[step]:5}  {tally.rate(step):.1f} %")
    print(f"crashes  {len(tally.crashes)}")
    for what, names in sorted(tally.causes.items(), key=lambda item: -len(item[1]))[: arguments.causes]:
        print(f"{len(names):5}  {what[:330]}   e.g. {'; '.join(names[:2])}")
    for crash in tally.crashes[:3]:
        print(crash)


if __name__ == "__main__":
    main()
