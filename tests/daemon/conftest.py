import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.running import Running, install_plugin


@pytest.fixture
def stopped(tmp_path: Path) -> Iterator[Running]:
    """Not started yet."""
    made = Running(tmp_path, install_plugin(tmp_path / "plugins"))
    yield made
    if made.process is not None:
        made.stop()


@pytest.fixture
def running(stopped: Running) -> Running:
    stopped.start()
    return stopped


@pytest.fixture(autouse=True)
def _no_listen_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "NOTIFY_SOCKET", "WATCHDOG_USEC"):
        monkeypatch.delenv(name, raising=False)
    assert os.environ.get("NOTIFY_SOCKET") is None
