"""Run all benchmarks and print them beside what they ought to be.

    make bench        or        python -m benchmarks [--quick] [--only rpc,guests,scale] [--rpc-bench FILE]

--rpc-bench runs that program (two socket paths, --json FILE) for the calls in place of our own measurement; the
project's own targets are stated for ../shared/lab/rpc_bench.py, which is taken when it is there.
The exit status is 1 when a target is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from benchmarks import guests, rpc, scale
from tests.harness.daemon import Daemon, Pyvirtd, Reference
from tests.harness.programs import run, shared_dir


class Row(NamedTuple):
    """A figure: ours, theirs, and the most that ours may be (as a part of theirs, or absolute)."""

    name: str
    unit: str
    ours: float
    theirs: float
    most: float
    absolute: bool = False

    @property
    def good(self) -> bool:
        """Whether the target is met."""
        return self.ours <= self.most if self.absolute else self.ours / self.theirs <= self.most

    def line(self) -> str:
        """One line of the table."""
        target = f"{self.most:g} {self.unit}" if self.absolute else f"{self.most:g}"
        return (f"{self.name:42}{self.ours:12.2f}{self.theirs:12.2f} {self.unit:4}{self.ours / self.theirs:8.2f}"
                f"{target:>10}  {'ok' if self.good else 'MISSED'}")


def rpc_target(name: str) -> float:
    """The most that an operation may take, as a part of the C daemon's time."""
    if name.startswith("define"):
        return 0.4
    return 0.6 if name.startswith(("call", "list", "stats")) else 0.8


def side(daemon: Daemon) -> rpc.Side:
    """Where to reach a daemon."""
    return rpc.Side(str(daemon.socket), "qemu:///system" if os.geteuid() == 0 else "qemu:///session")


def rpc_rows(ours: Daemon, theirs: Daemon, program: Path | None, quick: bool) -> list[Row]:
    """Calls, lists and definitions."""
    domains, rounds, calls = (200, 2, 600) if quick else (1000, 5, 3000)
    if program is None:
        found = rpc.compare(side(ours), side(theirs), domains, rounds, calls)
        return [Row(name, "us", a, b, rpc_target(name)) for name, (a, b) in found.items()]
    with tempfile.NamedTemporaryFile(suffix=".json") as out:
        run(sys.executable, str(program), side(ours).path, side(theirs).path, "--uri", side(ours).uri, "--domains",
            str(domains), "--rounds", str(rounds), "--calls", str(calls), "--json", out.name, timeout=900).check()
        figures = json.load(open(out.name))  # noqa: SIM115
    return [Row(name.removesuffix(" (us)"), "us", f["a"], f["b"], rpc_target(name)) for name, f in figures.items()]


def guest_rows(ours: Daemon, theirs: Daemon, quick: bool) -> list[Row]:
    """Start and end of a guest."""
    targets = {"start a small guest": 0.4, "destroy a small guest": 0.15}
    found = guests.compare(side(ours), side(theirs), 2 if quick else 5)
    return [Row(name, "ms", a, b, targets[name]) for name, (a, b) in found.items()]


def scale_rows(ours: Daemon, theirs: Daemon, quick: bool) -> list[Row]:
    """Start of the daemon, with nothing and with many definitions."""
    rows = [Row("process start to listening", "s", scale.listening(ours), scale.listening(theirs), 0.5, absolute=True)]
    count = 500 if quick else 5000
    mine, other = (scale.many_definitions(d, side(d), count) for d in (ours, theirs))
    rows.append(Row(f"{count} definitions: start to first list", "s", mine[0], other[0], 0.5))
    rows.append(Row(f"{count} definitions: resident memory", "MiB", mine[1], other[1], 76, absolute=True))
    return rows


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer rounds: a look, not a measurement")
    parser.add_argument("--only", default="rpc,guests,scale", help="which parts, with commas")
    parser.add_argument("--self", action="store_true", help="measure the real libvirtd against itself")
    shared = shared_dir()
    found = shared / "lab/rpc_bench.py" if shared else None
    parser.add_argument("--rpc-bench", type=Path, default=found if found and found.exists() else None)
    parser.add_argument("--own", action="store_true", help="our own measurement of the calls")
    chosen = parser.parse_args()
    rows: list[Row] = []
    print(f"{'':42}{'pyvirtd':>12}{'libvirtd':>12} {'':4}{'ratio':>8}{'at most':>10}", flush=True)
    for part in chosen.only.split(","):
        ours: Daemon = Reference() if chosen.self else Pyvirtd()
        theirs = Reference()
        try:
            if part != "scale":
                ours.start()
                theirs.start()
            new = {"rpc": lambda a, b: rpc_rows(a, b, None if chosen.own else chosen.rpc_bench, chosen.quick),
                   "guests": lambda a, b: guest_rows(a, b, chosen.quick),
                   "scale": lambda a, b: scale_rows(a, b, chosen.quick)}[part](ours, theirs)
        finally:
            ours.close()
            theirs.close()
        for row in new:
            print(row.line(), flush=True)
        rows += new
    missed = [row for row in rows if not row.good]
    print(f"{len(rows) - len(missed)} of {len(rows)} targets met")
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
