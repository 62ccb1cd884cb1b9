"""The formats of /proc and /sys."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyvirtd.host.procfile import (
    format_cpulist,
    meminfo,
    parse_cpulist,
    process_start_time,
    process_stat,
    read_int,
    read_word,
)


@given(st.sets(st.integers(0, 5000), max_size=60))
def test_cpu_lists_round_trip(numbers: set[int]) -> None:
    assert parse_cpulist(format_cpulist(numbers)) == sorted(numbers)


def test_cpu_list_as_the_kernel_writes_it() -> None:
    assert parse_cpulist("0-3,8\n") == [0, 1, 2, 3, 8]
    assert format_cpulist([8, 0, 1, 2, 3, 10, 11]) == "0-3,8,10-11"


@pytest.mark.parametrize("text", ["3-1", "x", "0-99999999", "-1"])
def test_nonsense_is_no_cpu_list(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_cpulist(text)


def test_meminfo_of_a_node(tmp_path: Path) -> None:
    path = tmp_path / "meminfo"
    path.write_text("Node 0 MemTotal:        4810964 kB\nNode 0 HugePages_Total:     3\nNode 0 odd\n")
    assert meminfo(str(path)) == {"MemTotal": 4810964, "HugePages_Total": 3}


def test_a_process_that_calls_itself_strange_names(tmp_path: Path) -> None:
    stat = process_stat(os.getpid())
    assert stat.state == "R"
    assert stat.rss > 1000
    assert process_start_time(os.getpid()) == stat.start_time > 0
    with pytest.raises(ProcessLookupError):
        process_start_time(2**22)


def test_absent_files_have_no_value(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("x")
    assert read_int(str(tmp_path / "f")) is None
    assert read_int(str(tmp_path / "g")) is None
    assert read_word(str(tmp_path / "g")) is None
