"""The harness itself: whatever becomes of a test run, nothing that it started stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.daemon import OWNER, SHORT_TMP, Pyvirtd, end_abandoned, pids_of, started, wait_for
from tests.harness.programs import TOP

RUN = """
import subprocess, time
def test_it(pyvirtd):
    subprocess.Popen(["sleep", "100"], env={"PYVIRTD_GUEST": f"x:{pyvirtd.root}/run/1"}, start_new_session=True)
    print(pyvirtd.root, flush=True)
    time.sleep(100)
"""


@pytest.fixture
def run(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """A test run whose test has started a daemon and a "guest" and takes its time; and the daemon's root."""
    (tmp_path / "test_it.py").write_text(RUN)
    options = ["-s", "-p", "tests.conftest", "-p", "no:cacheprovider", "-c", "/dev/null", "--rootdir", str(tmp_path)]
    process = subprocess.Popen([sys.executable, "-m", "pytest", *options, str(tmp_path / "test_it.py")], cwd=TOP,
                               stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(TOP)})
    assert process.stdout is not None
    root = next((Path(line.split()[-1]) for line in process.stdout if f"{SHORT_TMP}/pv-" in line), None)
    assert root is not None
    wait_for("the daemon and the guest", lambda: len(pids_of(root)) >= 2)
    yield process, root
    process.kill()
    process.stdout.close()
    process.wait()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_an_interrupted_run_ends_its_guests(run: tuple[subprocess.Popen[str], Path], number: int) -> None:
    process, root = run
    process.send_signal(number)
    process.wait(30)
    assert not pids_of(root)
    assert not root.exists()


def test_a_killed_run_is_tidied_up_by_the_next(run: tuple[subprocess.Popen[str], Path]) -> None:
    process, root = run
    process.kill()
    process.wait()
    left = pids_of(root)
    assert left
    assert set(left) <= set(end_abandoned()) | {pid for pid in left if not started(pid)}
    wait_for("nothing left", lambda: not pids_of(root))
    assert not root.exists()


def test_a_run_under_way_is_left_alone() -> None:
    daemon = Pyvirtd()
    try:
        assert (daemon.root / OWNER).exists()
        end_abandoned()
        assert daemon.root.exists()
    finally:
        daemon.close()
