"""Runs one list of virsh commands against two daemons and tells where they answer differently.

    python -m tests.harness.transcript [--self] [--only REGEX] [--report FILE]

compares pyvirtd with the real libvirtd; --self compares libvirtd with itself, which shows what is still to be
made the same before it can be compared. Equal means: the same exit status, and for a success the same output after
`normalise`. Error texts are ours by rule; of a failure only counts that it is reported on stderr.
Accepted differences are the rows of the table "Transcript" in docs/differences.md.
"""

from __future__ import annotations

import argparse
import difflib
import fnmatch
import re
import shlex
import shutil
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from tests.harness.daemon import Daemon, Pyvirtd, Reference
from tests.harness.guests import guest_files
from tests.harness.netns import NetworkNamespace
from tests.harness.programs import TOP, require_program, run

HERE = TOP / "tests/e2e/transcript"
DIFFERENCES = TOP / "docs/differences.md"
COMMAND_TIMEOUT = 40.0
MAX_TIMEOUTS = 4  # a daemon that hangs is not asked everything


class Step(NamedTuple):
    """One line of commands.txt; `until` and `patience` are those of an !await line."""

    command: str
    until: str | None = None
    patience: float = 0.0


class Said(NamedTuple):
    """What a daemon made of a step."""

    code: int
    out: str
    err: str
    seconds: float


class Accepted(NamedTuple):
    """A row of docs/differences.md: for commands like `command`, lines that match `lines` may differ."""

    command: str
    lines: str
    reason: str

    def covers(self, command: str, changed: list[str]) -> list[str]:
        """Those of the changed lines that this row accepts."""
        if not fnmatch.fnmatchcase(command, self.command):
            return []
        return [line for line in changed if re.fullmatch(self.lines, line[1:].strip())]


class Difference(NamedTuple):
    """A step that was answered differently; `changed` are the lines with their - (real) or + (ours)."""

    step: Step
    ours: Said
    theirs: Said
    changed: list[str]
    unaccepted: list[str]


def read_steps(text: str) -> list[Step]:
    """The steps of a command list."""
    steps = []
    for line in (raw.strip() for raw in text.splitlines()):
        if not line or line.startswith("#"):
            continue
        if line.startswith("!"):
            found = re.fullmatch(r"!await (\d+) (.*?) ; (.*)", line)
            assert found, f"not understood: {line}"
            steps.append(Step(found[3], found[2], float(found[1])))
        else:
            steps.append(Step(line))
    return steps


def read_accepted(text: str) -> list[Accepted]:
    """The rows below the heading "## Transcript" of docs/differences.md."""
    rows = []
    for line in text.partition("\n## Transcript")[2].partition("\n## ")[0].splitlines():
        cells = [c.strip().replace("\\|", "|") for c in re.split(r"(?<!\\)\|", line)[1:-1]]
        if len(cells) == 3 and cells[0].startswith("`"):
            rows.append(Accepted(cells[0].strip("`"), cells[1].strip("`"), cells[2]))
    return rows


def arguments(command: str, place: Path) -> list[str]:
    """A command's words; JSON may stand as it is."""
    command = command.replace("{T}", str(place))
    before, brace, json = command.partition(" {")
    return shlex.split(before) + ([brace.strip() + json] if brace else [])


MISSING, NOT_SUPPORTED = "the driver of this connection does not provide", "this function is not supported by"
"""How the two daemons say that a driver has no such call."""

# Numbers that no two runs share. (commands, what, instead)
COUNTERS = [
    ("nodecpustats*", r"(?<=:)\s+[\d.]+", " N"),
    ("nodememstats*", r"(?<=:)\s+\d+ KiB", " N KiB"),
    ("free*", r"(?<=:)\s+\d+( KiB)?$", " N"),
    ("capabilities*", r"<uuid>[^<]*</uuid>", "<uuid>U</uuid>"),
    ("sysinfo*", r"<entry name='uuid'>[^<]*<", "<entry name='uuid'>U<"),
    ("capabilities*", r"<pages unit='KiB' size='4'>\d+", "<pages unit='KiB' size='4'>N"),
    ("dommemstat*", r"^(unused|available|usable|last_update|rss|disk_caches|minor_fault|major_fault) \d+$", r"\1 N"),
    ("domstats*", r"^(  (?:cpu|vcpu\.\d+)\.(?:\w+\.)*(?:time|user|system|wait|delay|halted|halt_poll\w*)=).*$", r"\1N"),
    ("domstats*", r"^(  balloon\.(?!current|maximum|swap|hugetlb)[\w-]+=)\d+$", r"\1N"),
    ("domstats*", r"^(  block\.\d+\.(?:rd|wr|fl)\.\w+=)\d+$", r"\1N"),
    ("domstats*", r"^(  net\.\d+\.[rt]x\.\w+=)\d+$", r"\1N"),
    ("domblkstat*", r"(?<=[a-z:]) +\d+$", " N"),
    ("cpu-stats*", r"\d+\.\d+ seconds", "N seconds"),
    ("vcpuinfo*", r"^(CPU|CPU time):( +)[\d.]+s?( .*)?$", r"\1:\2N"),
    ("dominfo*", r"^(CPU time: +)[\d.]+s$", r"\1N"),
    ("domtime*", r"\d{9,}", "N"),
    ("domstats*", r"^(  block\.\d+\.physical=)\d+$", r"\1N"),
    # the C daemon remembers an image's owner in the image's extended attributes, which may take a block
    ("domblkinfo*", r"^(Allocation: +).*$", r"\1N"),
    ("domblkinfo*", r"^( vd[ab] +\d+ +)\d+", r"\1N"),
    # the daemon's own
    ("domxml-to-native*", r"(?<= PATH=)\S+", "P"),
    ("domxml-to-native*", r'(?<="fd":")\d+', "N"),
    # which of the daemon's own requests to QEMU this one was
    ("qemu-monitor-command*", r',\s*"id": ?"libvirt-\d+"|(?<=\{)"id": ?"libvirt-\d+",', ""),
]


def normalise(command: str, text: str, root: Path, place: Path) -> str:
    """Text without what differs between any two daemons: directories, terminals, counters."""
    for path, name in (
        (str(place), "{T}"),
        (f"{root}/lib", "{LIB}"), (f"{root}/run", "{RUN}"), (f"{root}/cache", "{CACHE}"), (f"{root}/log", "{LOG}"),
        ("/var/lib/libvirt", "{LIB}"), ("/run/libvirt", "{RUN}"), ("/var/cache/libvirt", "{CACHE}"),
        ("/var/log/libvirt", "{LOG}"), (str(root), "{ROOT}"),
    ):
        text = text.replace(path, name)
    text = re.sub(r"/dev/pts/\d+", "/dev/pts/N", text)
    text = re.sub(r"socket=\S*libvirt-sock", "socket=S", text)
    if command.startswith("domstats"):  # the order of domains is a hash table's
        text = "\n\n".join(sorted(part.strip() for part in text.split("\n\n")))
    for commands, what, instead in COUNTERS:
        if fnmatch.fnmatchcase(command, commands):
            text = re.sub(what, instead, text, flags=re.MULTILINE)
    return text


def prepare(place: Path) -> None:
    """The files that the commands name as {T}/..."""
    place.mkdir()
    place.chmod(0o755)
    for source, name in zip(guest_files(agent=True), ("vmlinuz", "initrd.img"), strict=True):
        shutil.copy(source, place / name)
    for source in HERE.glob("*.xml"):
        (place / source.name).write_text(source.read_text().replace("{T}", str(place)))
    for name in ("disk.qcow2", "hot.qcow2"):
        run(require_program("qemu-img"), "create", "-q", "-f", "qcow2", str(place / name), "64M").check()
    for name in ("other.img", "cd.iso"):
        (place / name).write_bytes(bytes(1 << 20))
    for file in place.iterdir():
        file.chmod(0o666)


def play(daemon: Daemon, steps: list[Step], place: Path) -> list[Said]:
    """Run all steps against one daemon; stops early at a daemon that answers nothing any more."""
    said, timeouts = [], 0
    for step in steps:
        began = time.monotonic()
        words = arguments(step.command, place)
        while True:
            ran = daemon.virsh(*words, timeout=COMMAND_TIMEOUT)
            text = normalise(step.command, ran.out, daemon.root, place)
            late = time.monotonic() - began > step.patience
            if step.until is None or re.search(step.until, text) or late:
                break
            time.sleep(0.5)
        seconds = time.monotonic() - began
        if step.until is not None:  # what counts of waiting is that it came
            came = bool(re.search(step.until, text))
            said.append(Said(0 if came else 1, "", "" if came else f"never came: {ran.out}{ran.err}", seconds))
        else:
            said.append(Said(ran.code, text, normalise(step.command, ran.err, daemon.root, place), seconds))
        timeouts += ran.code == -999
        if timeouts >= MAX_TIMEOUTS:
            break
    return said


def compare(step: Step, ours: Said, theirs: Said, accepted: list[Accepted], used: set[Accepted]) -> Difference | None:
    """How two answers to a step differ; None when they don't."""
    changed: list[str] = []
    if ours.code != theirs.code:
        changed += [f"-exit status {theirs.code}", f"+exit status {ours.code}"]
    elif ours.code and bool(ours.err.strip()) != bool(theirs.err.strip()):
        changed += [f"-{theirs.err.strip() or 'no message'}", f"+{ours.err.strip() or 'no message'}"]
    elif MISSING in ours.err and NOT_SUPPORTED not in theirs.err:  # both refuse, but one of them only for want of it
        changed += [f"-{theirs.err.strip()}", f"+{ours.err.strip()}"]
    lines = difflib.unified_diff(theirs.out.splitlines(), ours.out.splitlines(), lineterm="", n=0)
    changed += [line for line in list(lines)[2:] if not line.startswith("@@")]
    unaccepted = list(changed)
    for row in accepted:
        if covered := row.covers(step.command, unaccepted):
            used.add(row)
            unaccepted = [line for line in unaccepted if line not in covered]
    return Difference(step, ours, theirs, changed, unaccepted) if changed else None


class Result(NamedTuple):
    """The outcome of a comparison: how many steps were played, where they differ, rows nobody needed."""

    played: int
    differences: list[Difference]
    unused: list[Accepted]
    everything: list[tuple[Step, Said, Said]]

    @property
    def wrong(self) -> list[Difference]:
        """Differences that no row accepts."""
        return [d for d in self.differences if d.unaccepted]

    @property
    def slower(self) -> list[tuple[Step, Said, Said]]:
        """Steps that took us two seconds more than the real daemon."""
        return [(s, our, their) for s, our, their in self.everything if our.seconds > their.seconds + 2]

    def log(self) -> str:
        """All that the real daemon said, and we where it differs."""
        parts = []
        for step, our, their in self.everything:
            parts.append(f"virsh {step.command}        [{their.code}] {their.seconds:.1f} s\n{their.out}{their.err}")
            if our[:2] != their[:2]:
                parts.append(f"    ours: [{our.code}] {our.seconds:.1f} s\n{our.out}{our.err}")
        return "\n".join(parts)

    def report(self) -> str:
        """Readable text: a summary, then every unaccepted difference as a diff."""
        wrong = self.wrong
        parts = [f"{self.played} commands played: {self.played - len(self.differences)} equal, "
                 f"{len(self.differences) - len(wrong)} differ as accepted, {len(wrong)} differ."]
        parts += [f"no longer needed in docs/differences.md: {row.command} | {row.lines}" for row in self.unused]
        for d in wrong:
            parts.append(f"\nvirsh {d.step.command}\n" + "\n".join("    " + line for line in d.unaccepted))
            if d.ours.code != d.theirs.code:
                parts += [f"    {who}: {said.err.strip()}" for who, said in (("real", d.theirs), ("ours", d.ours))
                          if said.err.strip()]
        return "\n".join(parts) + "\n"


def compare_daemons(ours: Daemon, theirs: Daemon, steps: list[Step], accepted: list[Accepted]) -> Result:
    """Start two daemons, play the steps on both, compare."""
    try:
        for daemon in (ours, theirs):
            daemon.start()
        places = [d.root / "t" for d in (ours, theirs)]
        for place in places:
            prepare(place)
        with ThreadPoolExecutor(2) as pool:
            running = [pool.submit(play, d, steps, p) for d, p in zip((ours, theirs), places, strict=True)]
            said = [r.result() for r in running]
        used: set[Accepted] = set()
        played = list(zip(steps, *said, strict=False))
        found = [compare(step, our, their, accepted, used) for step, our, their in played]
        unused = [row for row in accepted if row not in used] if len(played) == len(steps) else []
        return Result(len(played), [d for d in found if d], unused, played)
    finally:
        for daemon in (ours, theirs):
            daemon.close()


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--self", action="store_true", help="compare the real libvirtd with itself")
    parser.add_argument("--only", metavar="REGEX", help="play only the commands that match")
    parser.add_argument("--report", type=Path, help="write the report there as well")
    parser.add_argument("--log", type=Path, help="write all answers there")
    chosen = parser.parse_args()
    steps = read_steps((HERE / "commands.txt").read_text())
    if chosen.only:
        steps = [s for s in steps if re.search(chosen.only, s.command)]
    space = NetworkNamespace()
    try:
        ours: Daemon = Reference() if chosen.self else Pyvirtd(prefix=space.prefix)
        accepted = [] if chosen.self else read_accepted(DIFFERENCES.read_text())
        result = compare_daemons(ours, Reference(), steps, accepted)
    finally:
        space.close()
    print(result.report())
    for step, our, their in result.slower:
        print(f"slower: {step.command}: {our.seconds:.1f} s, real {their.seconds:.1f} s")
    if chosen.report:
        chosen.report.write_text(result.report())
    if chosen.log:
        chosen.log.write_text(result.log())
    sys.exit(1 if result.wrong else 0)


if __name__ == "__main__":
    main()
