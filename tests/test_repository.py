"""The repository keeps its shape."""

from __future__ import annotations

import subprocess
import tomllib

import pytest

from tests.harness.programs import TOP


@pytest.mark.parametrize("room", ["drivers", "protocol", "conf"])
def test_top_level_links_point_into_the_package(room: str) -> None:
    assert (TOP / room).readlink().as_posix() == f"pyvirtd/{room}"
    assert (TOP / room / "__init__.py").exists()


def test_nothing_names_the_place_it_was_written_in() -> None:
    words = ["/" + "work/", "snapshot." + "debian.org"]
    argv = ["git", "-C", str(TOP), "grep", "-nIF", *(arg for word in words for arg in ("-e", word))]
    found = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    if found.returncode > 1:
        pytest.skip(f"git grep says: {found.stderr.strip()}")
    assert found.stdout == ""


def test_every_dependency_has_a_lower_bound() -> None:
    project = tomllib.loads((TOP / "pyproject.toml").read_text())["project"]
    wanted = project["dependencies"] + [d for extra in project["optional-dependencies"].values() for d in extra]
    assert [d for d in wanted if ">=" not in d] == []
