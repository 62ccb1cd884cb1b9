"""How far we agree with the real libvirtd 9.0.0: its answers are in the shared corpus (domain-qemu/oracle).

    python tests/drivers/qemu/oracle.py [--only GLOB] [--diff] [--step xml|argv|refuse] [--worst N]

Runs every input through parse, post-parse, validate, format and build_command in this process and prints the rates
and the commonest disagreements. The comparison itself is the shared lab's own (compare-oracle).
"""

from __future__ import annotations

import argparse
import asyncio
import collections
import difflib
import fnmatch
import importlib.machinery
import importlib.util
import json
import os
import sys
import tempfile
import traceback
import types
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from pyvirtd.conf.domain.domain import DomainDef, format_domain, parse_domain
from pyvirtd.conf.xml import Dump
from pyvirtd.drivers.qemu.capabilities import QemuCapabilities
from pyvirtd.drivers.qemu.capabilities.cache import QemuCapabilitiesCache
from pyvirtd.drivers.qemu.command import build_command, dry_context, prepare_dry
from pyvirtd.drivers.qemu.pipeline import check_name
from pyvirtd.drivers.qemu.postparse import assign_aliases, emulator_of, post_parse
from pyvirtd.drivers.qemu.validate import HostFacts, validate
from pyvirtd.errors import HostSystemError, VirtError

STATE = "/var/lib/libvirt"


def shared_directory() -> Path:
    """Where the corpus is: PYVIRTD_SHARED, or `shared` beside the repository."""
    named = os.environ.get("PYVIRTD_SHARED")
    return Path(named) if named else Path(__file__).resolve().parents[3].parent / "shared"


def load_tool(name: str) -> types.ModuleType:
    """A program of the shared lab as a module; libvirt's Python binding, which it imports, need not be there."""
    if "libvirt" not in sys.modules and importlib.util.find_spec("libvirt") is None:
        sys.modules["libvirt"] = types.ModuleType("libvirt")
    loader = importlib.machinery.SourceFileLoader(name.replace("-", "_"), str(shared_directory() / "lab" / name))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    bytecode, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = bytecode
    return module


async def load_capabilities(directory: Path) -> dict[str, QemuCapabilities]:
    """Of the x86 binaries that are installed here, by path."""
    cache = QemuCapabilitiesCache(directory)
    found = {}
    for binary in ("/usr/bin/qemu-system-x86_64", "/usr/bin/qemu-system-i386"):
        if os.path.exists(binary):
            found[binary] = await cache.get(binary)
    return found


@dataclass
class Answer:
    """What we make of one input: texts, or the error (code, message) of the step that refused it."""

    xml: str | None = None
    argv: list[str] | None = None
    define_error: tuple[int, str] | None = None
    argv_error: tuple[int, str] | None = None
    crash: str | None = None


def capabilities_for(definition: DomainDef, known: dict[str, QemuCapabilities]) -> QemuCapabilities:
    """Of the emulator that a definition asks for; the reference host has the two x86 ones only."""
    binary = emulator_of(definition)
    if binary not in known:
        raise HostSystemError(f"emulator {binary}: no such file")
    return known[binary]


def answer(text: str, known: dict[str, QemuCapabilities]) -> Answer:
    """Runs one prepared input."""
    out = Answer()
    try:
        definition = parse_domain(text, Dump.INACTIVE)
        check_name(definition.name)
        caps = capabilities_for(definition, known)
        post_parse(definition, caps)
        validate(definition, caps, HostFacts(swtpm=lambda: False))
        out.xml = format_domain(definition, Dump.INACTIVE | Dump.SECURE)
    except VirtError as e:
        out.define_error = (e.code, e.message)
        out.argv_error = out.define_error
        return out
    except Exception:
        out.crash = "define: " + traceback.format_exc(limit=-3)
        return out
    try:
        live = definition.copy()
        context = dry_context(live, STATE)
        context.listen_addresses = listen_addresses(text)
        prepare_dry(live, caps, context)
        assign_aliases(live)
        out.argv = build_command(live, caps, context).argv
    except VirtError as e:
        out.argv_error = (e.code, e.message)
    except Exception:
        out.crash = "argv: " + traceback.format_exc(limit=-3)
    return out


def listen_addresses(text: str) -> dict[str, str]:
    """The addresses of the networks that the oracle starts for an input's graphics."""
    root = ElementTree.fromstring(text)
    names = sorted({name for e in root.iter("listen") if (name := e.get("network"))})
    return {name: f"192.168.{231 + position}.1" for position, name in enumerate(names)}


@dataclass
class Tally:
    """Counts of a run; `causes` holds a differing line's shape -> the inputs that have it."""

    counts: collections.Counter[str] = field(default_factory=collections.Counter)
    causes: dict[str, list[str]] = field(default_factory=lambda: collections.defaultdict(list))
    worst: list[tuple[str, str, list[str]]] = field(default_factory=list)

    def rate(self, good: str, of: str) -> float:
        return 100.0 * self.counts[good] / self.counts[of] if self.counts[of] else 100.0


def inputs(only: str = "*") -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(name, text, oracle's answer)."""
    kind = shared_directory() / "corpus" / "domain-qemu"
    for path in sorted((kind / "oracle").glob("*.json")):
        if path.stem == "META" or not fnmatch.fnmatch(path.stem, only):
            continue
        data = json.loads(path.read_text())
        source = kind / "in" / f"{path.stem}.xml"
        if "variants" in data and source.exists():
            yield path.stem, source.read_text(errors="replace"), data


def compare(only: str = "*", known: dict[str, QemuCapabilities] | None = None) -> Tally:
    """Runs all inputs and counts."""
    oracle, comparer = load_tool("oracle"), load_tool("compare-oracle")
    if known is None:
        with tempfile.TemporaryDirectory() as directory:
            known = asyncio.run(load_capabilities(Path(directory)))
    tally = Tally()
    for name, raw, data in inputs(only):
        prepared = oracle.prepare("domain-qemu", name, raw)
        for variant, steps in data["variants"].items():
            text = prepared if variant == "raw" else oracle.adapt(prepared)[0]
            if variant == "adapted" and data["variants"]["raw"]["define"]["ok"]:
                continue
            judge(tally, comparer, f"{name}" if variant == "raw" else f"{name}+", steps, answer(text, known))
    return tally


def judge(tally: Tally, comparer: types.ModuleType, name: str, steps: dict[str, Any], ours: Answer) -> None:
    """Counts one answer."""
    count, causes = tally.counts, tally.causes
    if ours.crash:
        count["crash"] += 1
        causes["crash " + ours.crash.strip().splitlines()[-1][:150]].append(name)
        tally.worst.append((name, "crash", ours.crash.splitlines()))
    if not steps["define"]["ok"]:
        error = steps["define"]["error"]
        count["refused"] += 1
        if ours.define_error is None:
            causes[f"took: {error['code']} {comparer.general(error['message'])}"].append(name)
        else:
            count["refused too"] += 1
            if ours.define_error[0] == error["code"]:
                count["same code"] += 1
            else:
                causes[f"code {ours.define_error[0]} not {error['code']}: {comparer.general(error['message'])} | "
                       f"{comparer.general(ours.define_error[1])}"].append(name)
        return
    count["accepted"] += 1
    if ours.define_error is not None:
        causes[f"refused: {ours.define_error[0]} {comparer.general(ours.define_error[1])}"].append(name)
    if ours.xml is not None:
        count["accepted too"] += 1
        judge_lines(tally, comparer, name, "xml", comparer.canonical(steps["xml"]["xml"], "domain-qemu", []),
                    comparer.canonical(ours.xml.splitlines(), "domain-qemu", []))
    argv = steps.get("argv", {})
    if argv.get("ok"):
        count["argv"] += 1
        if ours.argv is None:
            if ours.argv_error is not None and ours.xml is not None:
                causes[f"argv refused: {ours.argv_error[0]} {comparer.general(ours.argv_error[1])}"].append(name)
            return
        judge_lines(tally, comparer, name, "argv", comparer.options([comparer.word(w, []) for w in argv["argv"]]),
                    comparer.options([comparer.word(w, []) for w in ours.argv]))
    elif argv.get("ok") is False:
        count["argv refused"] += 1
        if ours.argv_error is None:
            causes[f"argv took: {argv['error']['code']} {comparer.general(argv['error']['message'])}"].append(name)
        elif ours.argv_error[0] == argv["error"]["code"]:
            count["argv same code"] += 1


def judge_lines(
    tally: Tally, comparer: types.ModuleType, name: str, step: str, want: list[str], have: list[str]
) -> None:
    if want == have:
        tally.counts[f"{step} equal"] += 1
        return
    diff = [
        line
        for line in difflib.unified_diff(want, have, lineterm="", n=0)
        if not line.startswith(("---", "+++", "@@"))
    ]
    for cause in {f"{step} {line[0]} {comparer.shape(line[1:])}" for line in diff}:
        tally.causes[cause].append(name)
    tally.worst.append((name, step, diff))


def report(tally: Tally, causes: int, worst: int, step: str) -> None:
    """Prints the rates, the commonest causes and single cases."""
    c = tally.counts
    print(f"accepted too   {c['accepted too']:4} of {c['accepted']:4}  {tally.rate('accepted too', 'accepted'):.1f} %")
    print(f"same XML       {c['xml equal']:4} of {c['accepted']:4}  {tally.rate('xml equal', 'accepted'):.1f} %")
    print(f"same argv      {c['argv equal']:4} of {c['argv']:4}  {tally.rate('argv equal', 'argv'):.1f} %")
    print(f"same refusal   {c['same code']:4} of {c['refused']:4}  {tally.rate('same code', 'refused'):.1f} %")
    print(f"argv refusals  {c['argv same code']:4} of {c['argv refused']:4}")
    print(f"crashes        {c['crash']:4}")
    listed = [(k, v) for k, v in tally.causes.items() if k.startswith(step)]
    for cause, names in sorted(listed, key=lambda item: -len(item[1]))[:causes]:
        print(f"{len(names):5}  {cause}   e.g. {' '.join(names[:3])}")
    shown = [w for w in tally.worst if w[1].startswith(step)]
    for name, what, diff in sorted(shown, key=lambda item: len(item[2]))[:worst]:
        print(f"== {name} {what}")
        for line in diff[:30]:
            print("     " + line[:260])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="*")
    parser.add_argument("--step", default="")
    parser.add_argument("--causes", type=int, default=40)
    parser.add_argument("--worst", type=int, default=0)
    arguments = parser.parse_args()
    report(compare(arguments.only), arguments.causes, arguments.worst, arguments.step)


if __name__ == "__main__":
    main()
