"""Fixtures for every room: `daemon`, `pyvirtd`, `reference`, `netns`, `terminal`; see tests/harness."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from types import FrameType

import pytest

from tests.harness.daemon import Daemon, Pyvirtd, Reference, end_abandoned
from tests.harness.netns import NetworkNamespace
from tests.harness.programs import absent, in_ci
from tests.harness.terminal import Terminal

FAILED = pytest.StashKey[bool]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """--reference: prove the end-to-end tests on the real libvirtd."""
    parser.addoption("--reference", action="store_true",
                     help="run tests that use the `daemon` fixture against a private real libvirtd")


def pytest_sessionstart(session: pytest.Session) -> None:
    """Tidy up after runs that were killed; and when this one is told to end, let its fixtures end their guests."""
    if in_ci() and (names := absent()):
        pytest.exit(f"CI runs every test, and these are missing: {', '.join(names)}", returncode=1)
    end_abandoned()

    def end(number: int, frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_IGN)  # once is enough: the fixtures are at work
        raise KeyboardInterrupt(f"signal {number}")

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Remember failures, so that fixtures can show what the daemon had to say."""
    outcome = yield
    if outcome.get_result().failed:  # type: ignore[attr-defined]
        item.stash[FAILED] = True


def serve(request: pytest.FixtureRequest, daemon: Daemon) -> Iterator[Daemon]:
    """A started daemon for one test; its log is part of the report of a failure."""
    try:
        daemon.start()
        yield daemon
        if request.node.stash.get(FAILED, False):
            print(f"--- {daemon.name}, last lines:\n{daemon.log()}")
    finally:
        daemon.close()


@pytest.fixture
def pyvirtd(request: pytest.FixtureRequest) -> Iterator[Daemon]:
    """pyvirtd on a root of its own."""
    yield from serve(request, Pyvirtd())


@pytest.fixture
def reference(request: pytest.FixtureRequest) -> Iterator[Daemon]:
    """A private real libvirtd."""
    yield from serve(request, Reference())


@pytest.fixture
def daemon(request: pytest.FixtureRequest) -> Iterator[Daemon]:
    """pyvirtd, or the real libvirtd with --reference."""
    yield from serve(request, Reference(own_network=False) if request.config.getoption("reference") else Pyvirtd())


@pytest.fixture
def netns() -> Iterator[NetworkNamespace]:
    """A network namespace of the test's own."""
    space = NetworkNamespace()
    yield space
    space.close()


@pytest.fixture
def terminal() -> Iterator[Callable[..., Terminal]]:
    """Starts programs under pseudo-terminals: terminal(*argv, env=None) -> Terminal."""
    opened: list[Terminal] = []

    def start(*argv: str, **kwargs: dict[str, str]) -> Terminal:
        opened.append(Terminal(*argv, **kwargs))
        return opened[-1]

    yield start
    for each in opened:
        each.close()
