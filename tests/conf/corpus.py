"""The corpus: how many of the documents that the real libvirtd printed come back byte for byte.

    python tests/conf/corpus.py [KIND] [--no-devices] [--diff N] [--only GLOB]
"""

from __future__ import annotations

import argparse
import collections
import difflib
import fnmatch
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pyvirtd.conf.domain.domain import format_domain, parse_domain
from pyvirtd.conf.xml import Dump
from pyvirtd.errors import VirtError

DUMP = Dump.INACTIVE | Dump.SECURE


def place() -> Path:
    """The shared data beside the repository."""
    return Path(os.environ.get("PYVIRTD_SHARED") or Path(__file__).parents[3] / "shared") / "corpus"


def printed(
    kind: str, steps: tuple[str, ...] = ("xml", "redefined", "migratable")
) -> Iterator[tuple[str, str, int]]:
    """(name, document, flags it was printed with) of everything the oracle printed."""
    for name, answers in answered(kind):
        for step in steps:
            answer = answers.get(step, {})
            if answer.get("ok") and "xml" in answer:
                yield f"{name}:{step}", joined(answer), DUMP | (Dump.MIGRATABLE if step == "migratable" else 0)


def answered(kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """(input:variant, its steps' answers)."""
    for path in sorted((place() / kind / "oracle").glob("*.json")):
        for variant, answers in json.loads(path.read_text()).get("variants", {}).items():
            yield f"{path.stem}:{variant}", answers


def joined(answer: dict[str, Any]) -> str:
    """A document of an answer."""
    return "\n".join(answer["xml"]) + "\n"


def round_trip(xml: str, flags: int) -> str:
    """The document parsed and printed."""
    return format_domain(parse_domain(xml, Dump.INACTIVE), flags)


def without_devices(xml: str) -> str:
    """The document less its devices."""
    return re.sub(r"(?s)  <devices>.*?\n  </devices>\n", "  <devices>\n  </devices>\n", xml)


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("kind", nargs="?", default="domain-qemu")
    options.add_argument("--no-devices", action="store_true")
    options.add_argument("--diff", type=int, default=10)
    options.add_argument("--only", default="*")
    args = options.parse_args()
    good = total = 0
    lines: collections.Counter[str] = collections.Counter()
    for name, want, flags in printed(args.kind):
        if not fnmatch.fnmatch(name, args.only + "*"):
            continue
        total += 1
        if args.no_devices:
            want = without_devices(want)
        try:
            got = round_trip(want, flags)
        except VirtError as error:
            got = f"{type(error).__name__}: {error}\n"
            lines[got.strip()] += 1
        if got == want:
            good += 1
            continue
        diff = list(difflib.unified_diff(want.splitlines(), got.splitlines(), "libvirt", "pyvirtd", lineterm="", n=2))
        for line in diff[2:]:
            if line[:1] in "+-":
                lines[line] += 1
        if total - good <= args.diff:
            print(f"== {name}", *diff[:40], sep="\n")
    print(*(f"{count:5} {line}" for line, count in lines.most_common(60)), sep="\n")
    print(f"{good} of {total}")


if __name__ == "__main__":
    main()
