"""Documents other than domains: what we make of the corpus beside what the real libvirtd 9.0.0 made of it.

    python tests/conf/documents.py [KIND...] [--diff N] [--only GLOB]

Each input is prepared as it was for the real daemon (UUIDs and MACs put in), then read, completed, checked and
printed, all in this process.
"""

from __future__ import annotations

import argparse
import collections
import difflib
import fnmatch
import functools
import importlib.util
import json
import os
import sys
import types
from collections.abc import Callable, Iterator
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import Any, NamedTuple

from pyvirtd.errors import VirtError
from tests.conf import makers


def place() -> Path:
    """The shared data beside the repository."""
    return Path(os.environ.get("PYVIRTD_SHARED") or Path(__file__).parents[3] / "shared")


@functools.cache
def tool(name: str) -> Any:
    """One of the lab's programs as a module. The libvirt binding that `oracle` imports isn't used here."""
    if name == "oracle" and "libvirt" not in sys.modules and importlib.util.find_spec("libvirt") is None:
        sys.modules["libvirt"] = types.ModuleType("libvirt")
    loader = SourceFileLoader(f"lab_{name.replace('-', '_')}", str(place() / "lab" / name))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    writes, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = writes
    return module


class Case(NamedTuple):
    """An input, and what the real daemon said: a document, or an error's code."""

    name: str
    text: str
    xml: list[str] | None
    code: int | None


def cases(kind: str, step: str = "xml", first: str = "define") -> Iterator[Case]:
    """The inputs of a kind that the real daemon was asked about, prepared as they were for it."""
    oracle, root = tool("oracle"), place() / "corpus" / kind
    for path in sorted((root / "oracle").glob("*.json")):
        answers = json.loads(path.read_text()).get("variants", {}).get("raw")
        source = root / "in" / f"{path.stem}.xml"
        if answers is None or not source.exists() or first not in answers:
            continue
        text = oracle.prepare(kind, path.stem, source.read_text(encoding="utf-8", errors="replace"))
        told = answers[first]
        if not told["ok"]:
            yield Case(path.stem, text, None, told["error"]["code"])
        elif answers.get(step, {}).get("ok"):
            yield Case(path.stem, text, answers[step].get("xml", []), None)


class Verdict(NamedTuple):
    """How one case went."""

    name: str
    kind: str  # "same", "different", "refused" (the real one took it), "taken", "code", "other code"
    detail: str
    diff: list[str]


def judge(kind: str, case: Case, make: Callable[[str], str], canonical: Callable[..., list[str]]) -> Verdict:
    """Our result of one case against the real daemon's."""
    try:
        ours = make(case.text)
    except VirtError as error:
        if case.code is None:
            return Verdict(case.name, "refused", f"{error.code} {error}", [])
        same = error.code == case.code
        return Verdict(case.name, "code" if same else "other code", f"{error.code}, not {case.code}: {error}", [])
    if case.xml is None:
        return Verdict(case.name, "taken", f"refused by the real one with {case.code}", [])
    want, got = canonical(case.xml, kind, []), canonical(ours.splitlines(), kind, [])
    if want == got:
        return Verdict(case.name, "same", "", [])
    diff = [line for line in difflib.unified_diff(want, got, lineterm="", n=0) if line[:2] not in ("--", "++", "@@")]
    return Verdict(case.name, "different", f"{len(diff)} lines", diff)


def verdicts(kind: str) -> list[Verdict]:
    """All of a kind."""
    canonical = tool("compare-oracle").canonical
    step, first = makers.STEPS.get(kind, ("xml", "define"))
    return [judge(kind, case, makers.MAKERS[kind], canonical) for case in cases(kind, step, first)]


def expected(kind: str) -> list[Verdict]:
    """Against what the origin's own tests expect of 9.8: a hint for other versions."""
    canonical = tool("compare-oracle").canonical
    make, where = makers.EXPECTED[kind]
    found = []
    for path in sorted((place() / "corpus" / where).glob("*.xml")):
        source = place() / "corpus" / kind / "in" / path.name
        if source.exists():
            case = Case(path.stem, source.read_text(), path.read_text().splitlines(), None)
            found.append(judge(kind, case, make, canonical))
    return found


def validated(kind: str) -> list[Verdict]:
    """Under the VALIDATE flag: taken or refused as by the real daemon; documents are not looked at."""
    parse, step = makers.VALIDATED[kind]

    def make(text: str) -> str:
        parse(text, validate=True)
        makers.MAKERS[kind](text)
        return ""

    return [judge(kind, case, make, lambda *_: []) for case in cases(kind, step, step)]


class Rates(NamedTuple):
    """Of a kind: the share of same documents among those the real one took, and of same codes among the refused."""

    same: float
    codes: float
    accepted: int
    refused: int


def rates(found: list[Verdict]) -> Rates:
    """The two shares; 1.0 where there is nothing to compare."""
    count = collections.Counter(verdict.kind for verdict in found)
    accepted = count["same"] + count["different"] + count["refused"]
    refused = count["code"] + count["other code"] + count["taken"]
    return Rates(
        count["same"] / accepted if accepted else 1.0, count["code"] / refused if refused else 1.0, accepted, refused
    )


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("kind", nargs="*", default=list({**makers.MAKERS, **makers.EXPECTED}))
    options.add_argument("--diff", type=int, default=8)
    options.add_argument("--only", default="*")
    args = options.parse_args()
    tables: dict[Any, Any] = {verdicts: makers.MAKERS, expected: makers.EXPECTED, validated: makers.VALIDATED}
    for kind, find in [(kind, find) for find in (verdicts, expected, validated) for kind in args.kind]:
        if kind not in tables[find]:
            continue
        found = [verdict for verdict in find(kind) if fnmatch.fnmatch(verdict.name, args.only)]
        bad = [verdict for verdict in found if verdict.kind not in ("same", "code")]
        for verdict in bad[: args.diff]:
            print(f"== {kind}/{verdict.name}: {verdict.kind} {verdict.detail}", *verdict.diff[:20], sep="\n")
        got = rates(found)
        print(f"{kind} ({find.__name__}): same {got.same:.1%} of {got.accepted}, code {got.codes:.1%} of {got.refused}")


if __name__ == "__main__":
    main()
