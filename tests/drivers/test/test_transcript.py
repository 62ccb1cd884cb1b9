"""virsh hears from our test driver what it hears from libvirt's, command by command in one connection."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.harness.daemon import Daemon, Pyvirtd, Reference
from tests.harness.programs import clean_env, require_program, require_root

HERE = Path(__file__).parent / "transcript"
COMMANDS = (HERE / "commands.txt").read_text().splitlines()
PROMPT = "virsh # "

# What differs from run to run, and between two daemons.
VARYING = (
    (re.compile(r"^error: .*"), "error"),  # messages are our own; that there is one counts
    (re.compile(r"test\+unix\S+"), "URI"),
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{4}"), "DATE"),
    (re.compile(r"52:54:00(:[0-9a-f]{2}){3}"), "MAC"),
    (re.compile(r"(?!6695eb01|dd8fe884|dfe224cb|11111111)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "UUID"),
    (re.compile(r"\b\d{10,}(\.\d+)?s?$"), "TIME"),
    (re.compile(r">\d{10}<"), ">TIME<"),
    (re.compile(r"^(CPU time: +)\S+"), r"\1TIME"),
    (re.compile(r"^(testnet0 [rt]x_\w+ |vda (?:rd|wr)_\w+ |vda errs )\d+"), r"\1COUNT"),
)  # fmt: skip

# Command and our answer -> why it is not the real one's.
ACCEPTED = {
    ("domstate d2 --reason", "running (restored)"): "the real one says booted, though its event says restored",
}


def said(daemon: Daemon) -> list[tuple[str, list[str]]]:
    """Each command, and the lines that virsh printed upon it."""
    script = "\n".join(re.sub(r"(\S+\.xml)", lambda m: str(HERE / m[1]), command) for command in COMMANDS)
    done = subprocess.run([require_program("virsh"), "-c", daemon.uri_for("test")], input=script.encode(), check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=clean_env(), timeout=120)
    found: list[tuple[str, list[str]]] = []
    for line in done.stdout.decode().splitlines():
        if line.startswith(PROMPT):
            found.append((line.removeprefix(PROMPT), []))
        elif found and line.strip():
            found[-1][1].append(plain(line))
    return [(command, collapsed(lines)) for command, lines in found]


def plain(line: str) -> str:
    """A line without what varies."""
    for pattern, word in VARYING:
        line = pattern.sub(word, line)
    return line.rstrip()


def collapsed(lines: list[str]) -> list[str]:
    """One error is as good as two: virsh adds its own line where there is a message to add."""
    return [line for n, line in enumerate(lines) if line != "error" or "error" not in lines[:n]]


@pytest.mark.e2e
@pytest.mark.slow
def test_virsh_hears_the_same(pyvirtd: Pyvirtd, reference: Reference) -> None:
    require_root()
    ours, theirs = said(pyvirtd), said(reference)
    assert len(ours) == len(theirs) > 200
    different = [(command, a, b) for (command, a), (_, b) in zip(ours, theirs, strict=True) if a != b]
    wrong = [row for row in different if (row[0], "\n".join(row[1])) not in ACCEPTED]
    assert not wrong, "\n".join(f"{command}\n  ours:   {a}\n  theirs: {b}" for command, a, b in wrong)
    assert len(different) == len(ACCEPTED)
