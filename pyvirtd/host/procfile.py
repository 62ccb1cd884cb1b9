"""Reading /proc and /sys: small files, bounded, and the formats they share."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Final, NamedTuple

CLOCK_TICKS: Final = os.sysconf("SC_CLK_TCK")
PAGE_SIZE: Final = os.sysconf("SC_PAGE_SIZE")
NS: Final = 1_000_000_000


def read_text(path: str, limit: int = 1 << 20) -> str:
    """The content of a file of the kernel's, at most `limit` bytes. OSError when it cannot be read."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        chunks = []
        while limit > 0 and (chunk := os.read(fd, min(limit, 65536))):
            chunks.append(chunk)
            limit -= len(chunk)
    finally:
        os.close(fd)
    return b"".join(chunks).decode(errors="surrogateescape")


def read_word(path: str) -> str | None:
    """The content without surrounding blanks; None when the file is absent or refuses to be read."""
    try:
        return read_text(path, 65536).strip()
    except OSError:
        return None


def read_int(path: str) -> int | None:
    """The number a file holds; None when it is absent or holds none."""
    try:
        return int(read_text(path, 64))
    except (OSError, ValueError):
        return None


def parse_cpulist(text: str, limit: int = 1 << 16) -> list[int]:
    """The kernel's list format ("0-3,8"), sorted. ValueError on anything else, or a number of `limit` or more."""
    numbers: set[int] = set()
    for part in text.strip().split(","):
        if not part:
            continue
        first, _, last = part.partition("-")
        low, high = int(first), int(last or first)
        if not 0 <= low <= high < limit:
            raise ValueError(f"{part!r} is no range of CPU numbers")
        numbers.update(range(low, high + 1))
    return sorted(numbers)


def format_cpulist(numbers: Iterable[int]) -> str:
    """The kernel's list format: [0, 1, 2, 8] is "0-2,8"."""
    parts: list[str] = []
    first = last = None
    for n in [*sorted(set(numbers)), None]:
        if first is not None and n == (last or 0) + 1:
            last = n
            continue
        if first is not None:
            parts.append(str(first) if first == last else f"{first}-{last}")
        first = last = n
    return ",".join(parts)


def meminfo(path: str = "/proc/meminfo") -> dict[str, int]:
    """/proc/meminfo or a node's meminfo: name to KiB (or a count, for the lines without a unit)."""
    values: dict[str, int] = {}
    for line in read_text(path).splitlines():
        name, _, rest = line.partition(":")
        words = rest.split()
        if words and words[0].isdigit():
            values[name.rpartition(" ")[2]] = int(words[0])
    return values


class ProcessStat(NamedTuple):
    """/proc/PID/stat of a process or thread: times in nanoseconds, memory in KiB."""

    state: str
    user: int
    system: int
    start_time: int
    rss: int
    processor: int


def process_stat(pid: int, tid: int | None = None) -> ProcessStat:
    """The figures of a process, or of one of its threads. OSError when there is none."""
    path = f"/proc/{pid}/stat" if tid is None else f"/proc/{pid}/task/{tid}/stat"
    # The name in parentheses may hold anything; the fields after the last one are numbers. proc(5)'s 3rd is [0].
    fields = read_text(path, 4096).rpartition(")")[2].split()
    return ProcessStat(
        fields[0],
        int(fields[11]) * NS // CLOCK_TICKS,
        int(fields[12]) * NS // CLOCK_TICKS,
        int(fields[19]),
        int(fields[21]) * PAGE_SIZE // 1024,
        int(fields[36]),
    )


def process_start_time(pid: int) -> int:
    """Clock ticks since boot at which the process started. ProcessLookupError when there is none."""
    try:
        return process_stat(pid).start_time
    except (FileNotFoundError, IndexError) as e:
        raise ProcessLookupError(f"there is no process {pid}") from e


def thread_wait_time(pid: int, tid: int) -> int | None:
    """Nanoseconds a thread was ready but waited for a CPU (schedstat's second field); None without schedstats."""
    words = (read_word(f"/proc/{pid}/task/{tid}/schedstat") or "").split()
    return int(words[1]) if len(words) == 3 else None


def boot_id() -> str:
    """What tells this boot of the host from every other."""
    return read_word("/proc/sys/kernel/random/boot_id") or ""


def listens(path: str) -> bool:
    """Whether a UNIX socket at that path takes connections: between bind and listen it is there and does not.

    Nobody connects to find out, for some servers end with their first client. Source: net/unix of proc(5), Flags.
    """
    try:
        with open("/proc/net/unix", "rb") as table:
            for line in table:
                fields = line.rstrip(b"\n").split(maxsplit=7)
                if len(fields) == 8 and fields[7] == os.fsencode(path) and int(fields[3], 16) & 0x10000:
                    return True
    except (OSError, ValueError):
        return os.path.exists(path)
    return False
